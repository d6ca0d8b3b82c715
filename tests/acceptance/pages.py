"""Pages of Markdown as a reader uses them: their blocks of code, and what a comment before a block says it is for.

- `<!-- test: run -->`: commands, run by bash in the project of the page; all have to end well
- `<!-- test: output -->`: what the commands before it print, but for ids, times and spans
- `<!-- test: file NAME -->`: a file of the project
- `<!-- test: drawing -->`: the drawing of the YAML before it
- `<!-- test: skip REASON -->`: nothing that can be tried here

Without a comment, `yaml` is a workflow, a list of nodes or some fields of a workflow, in which there is no problem;
`python` is a program; `sql` is asked of the page's database. Everything else needs a comment.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import psycopg

from durable_dsl import check_text, compile_text
from durable_dsl.drawing import to_text
from durable_runtime.embedded import EmbeddedServer
from durable_runtime.store.migrations import migrate
from tests.warm.python import warm_python

MARKER = re.compile(r"<!-- test: (\w+) ?(.*?) ?-->")
DEFAULTS = {"yaml": "check", "python": "program", "sql": "ask"}
VERBS = {"run", "output", "file", "drawing", "skip"}


@dataclass(frozen=True)
class Block:
    """One block of code; `verb` is what to do with it, empty when nobody said."""

    line: int
    language: str
    verb: str
    argument: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """Give the fenced blocks of a page in order."""
    blocks: list[Block] = []
    verb = argument = ""
    fence: tuple[int, str] | None = None
    content: list[str] = []
    for number, line in enumerate(page.splitlines(), start=1):
        if fence is not None:
            if line == "```":
                start, language = fence
                text = "".join(f"{each}\n" for each in content)
                blocks.append(Block(start, language, verb or DEFAULTS.get(language, ""), argument, text))
                fence, verb, argument = None, "", ""
            else:
                content.append(line)
        elif line.startswith("```"):
            fence, content = (number, line.removeprefix("```").strip()), []
        elif found := MARKER.fullmatch(line.strip()):
            verb, argument = found[1], found[2]
        elif line.strip():
            verb = argument = ""
    assert fence is None, f"the block in line {fence} is not closed"
    return blocks


def whole(text: str) -> str:
    """Make a whole workflow of a list of nodes or of some fields."""
    if text.lstrip().startswith("- "):
        return f"workflow: page\nsteps:\n{indent(text, '  ')}"
    if re.search(r"^workflow:", text, re.MULTILINE):
        return text
    return f"workflow: page\n{text}" + ("" if "steps:" in text else "steps: [{step: page, log: page}]\n")


def check_whole(text: str) -> None:
    """Raise `AssertionError` with every problem of a workflow."""
    problems = check_text(text)
    assert not problems, "\n".join(map(str, problems))


def masked(text: str) -> list[str]:
    """Give the lines without what differs from one time to the next: ids, times, spans, places, widths of columns."""
    for pattern, name in (
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
        (r"\d{4}-\d\d-\d\d", "DAY"),
        (r"\d\d:\d\d:\d\d", "TIME"),
        (r"\b\d+(\.\d+)? (ms|s)\b", "SPAN"),
        (r"worker \S+ runs every queue with the modules of .*", "worker"),
        (r" +", " "),
    ):
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.strip().splitlines()]


class Project:
    """The folder in which one page is followed, with the shell that remembers where it is and what was exported."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self._variables = variables
        self._state = folder.parent / f"{folder.name}.state"
        self._state.write_text(f"cd '{folder}'\n")
        self._printed = ""
        self._yaml = ""

    def follow(self, block: Block) -> None:
        """Do with a block what is to be done with it; raises `AssertionError` when that does not end well."""
        match block.verb:
            case "check":
                self._yaml = whole(block.text)
                check_whole(self._yaml)
            case "drawing":
                (graph,) = compile_text(self._yaml)
                drawn = to_text(graph).rstrip("\n") + "\n"
                assert block.text == drawn, f"the drawing is\n{drawn}"
            case "program":
                self._run([*warm_python(), "-"], block.text)
            case "ask":
                self._ask(block.text)
            case "run":
                # Saved at the end even when a command before it failed would hide that; -e keeps it from being reached.
                save = f"{{ declare -px; echo \"cd '$PWD'\"; }} > '{self._state}'"
                self._run(["bash", "-e"], f"source '{self._state}'\n{block.text}\n{save}\n")
            case "output":
                assert masked(self._printed) == masked(block.text), f"the commands print\n{self._printed}"
            case "file":
                if block.language == "yaml" and block.text.strip():
                    self._yaml = block.text
                    check_whole(block.text)
                path = self._where() / block.argument
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            case "skip":
                assert len(block.argument.split()) > 1, "a skip gives its reason"
            case _:
                raise AssertionError(f"a block of '{block.language}' needs a comment that says what it is for")

    def _run(self, words: list[str], program: str) -> None:
        done = subprocess.run(
            words,
            input=program,
            cwd=self.folder,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
        )
        self._printed = done.stdout
        assert done.returncode == 0, done.stdout
        assert "Traceback" not in done.stdout

    def _where(self) -> Path:
        return Path(self._state.read_text(encoding="utf-8").rstrip().rpartition("cd ")[2].strip("'"))

    def _ask(self, query: str) -> None:
        home = Path(self._variables["DURABLE_HOME"])
        with EmbeddedServer(home) as url:
            migrate(url)
            with psycopg.connect(url) as connection:
                connection.execute(query.encode())
