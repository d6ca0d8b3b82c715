"""`durable fmt`: workflow files in the one form that all of them have."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_runtime.cli.exits import CommandError, Ended, Exit
from durable_runtime.cli.files import count, list_files
from durable_runtime.cli.output import complain, plain_problem, print_json, print_text, printable, say
from durable_runtime.cli.settings import Settings, pass_settings, talking_options

if TYPE_CHECKING:
    from durable_dsl import Problem

_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class _Formatted:
    """A file before and after; with problems it stays as it is."""

    file: str
    before: str
    after: str
    problems: tuple[Problem, ...] = ()

    @property
    def changes(self) -> bool:
        return self.before != self.after

    def diff(self) -> Iterator[str]:
        before, after = (text.splitlines(keepends=True) for text in (self.before, self.after))
        for line in difflib.unified_diff(before, after, self.file, f"{self.file} (formatted)"):
            yield line.rstrip("\r\n")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--check", is_flag=True, help="Write nothing; end with 1 when a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@talking_options
@pass_settings
def fmt(settings: Settings, paths: tuple[str, ...], check: bool, diff: bool) -> None:
    """Lay out workflow files in the one form: order of keys, quotes, indentation.

    PATH is a YAML file, or a folder, in which all YAML files with a workflow are formatted; without one that is this
    folder; `-` reads stdin and writes stdout. Comments stay, and so does the meaning. A file that cannot be read is
    left as it is, and its problems are shown.
    """
    if paths == ("-",):
        _filter(check)
        return
    files = [_format_file(file) for file in list_files(paths or (".",))]
    changed = [file for file in files if file.changes]
    if not check and not diff:
        for file in changed:
            _replace(Path(file.file), file.after)
    if settings.json:
        print_json({"files": [_plain(file) for file in files]})
    else:
        _show(changed, diff)
        for problem in (problem for file in files for problem in file.problems):
            complain(printable(str(problem)))
    wrong = sum(1 for file in files if file.problems)
    told = f"{count(len(changed), 'file')} of {len(files)} " + ("would change" if check or diff else "formatted")
    say(settings, told + (f", {wrong} with problems left alone" if wrong else ""))
    if wrong:
        raise Ended(Exit.INVALID)
    if check and changed:
        raise Ended(Exit.FAILED)


def _filter(check: bool) -> None:
    """Formats what comes in on stdin, as editors do it."""
    from durable_dsl.formatting import format_text

    text = sys.stdin.read()
    formatted = format_text(text, "<stdin>")
    if not check:
        print_text(formatted, end="")
    elif formatted != text:
        raise Ended(Exit.FAILED)


def _format_file(file: str) -> _Formatted:
    from durable_dsl import DslError
    from durable_dsl.formatting import format_text
    from durable_dsl.loader import read_file

    if Path(file).suffix not in _YAML:
        raise CommandError(f"{file} is no YAML file (.yaml, .yml); only these are formatted", Exit.USAGE)
    try:
        read_file(file)
        # With its line ends as they are, which `read_file` keeps too.
        before = Path(file).read_bytes().decode("utf-8")
        return _Formatted(file, before, format_text(before, file))
    except DslError as error:
        return _Formatted(file, "", "", error.problems)
    except FileNotFoundError:
        raise CommandError(f"there is no file {file}", Exit.NOT_FOUND) from None
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", Exit.NOT_FOUND) from None


def _replace(path: Path, text: str) -> None:
    """Puts a new text in the place of a file at once, so that nobody ever sees half of it."""
    path = path.resolve()
    name = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as new:
            new.write(text)
        shutil.copymode(path, name)
        os.replace(name, path)
    except OSError as error:
        if name is not None:
            with suppress(OSError):
                os.unlink(name)
        raise CommandError(f"{path} cannot be written: {error.strerror}", Exit.USAGE) from None


def _show(changed: list[_Formatted], diff: bool) -> None:
    for file in changed:
        if not diff:
            print_text(file.file)
            continue
        for line in file.diff():
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            print_text(click.style(printable(line), fg=colour))


def _plain(file: _Formatted) -> dict[str, object]:
    return {
        "file": file.file,
        "changed": file.changes,
        "problems": [plain_problem(problem) for problem in file.problems],
    }
