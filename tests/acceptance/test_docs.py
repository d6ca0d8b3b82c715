"""What README and docs show is what happens. `pages.py` says how a block tells what it is for."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from durable_runtime.embedded import EmbeddedServer
from scripts import dev
from tests.acceptance.command import warm_durable
from tests.acceptance.pages import VERBS, Project, blocks_of
from tests.postgres import new_home, remove_home

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

TESTED_ELSEWHERE = {
    "docs/how-to/draw-a-workflow.md": "tests/unit/drawing/test_how_to.py",
    "docs/how-to/test-a-workflow.md": "tests/unit/testing/test_how_to.py",
    "docs/reference/command-line.md": "tests/acceptance/test_cli_start_up.py",
    "docs/reference/expressions.md": "tests/unit/expressions/test_documentation.py",
    "docs/reference/language.md": "tests/unit/language/test_reader_reference.py",
    "docs/reference/problems.md": "tests/unit/language/test_problem_pages.py",
    "docs/reference/python-api.md": "tests/acceptance/test_client_documentation.py",
}
"""Pages whose blocks have a test of their own."""

IN_THE_REPOSITORY = {"README.md"}
"""Pages that are read at the top of a clone; the others begin in an empty folder."""

AS_ON_THE_FIRST_DAY = {"README.md", "docs/tutorial/first-workflow.md"}
"""Pages whose `durable` is the installed one; that of the others need not import itself again and again."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


HERE = [page for page in PAGES if name_of(page) not in TESTED_ELSEWHERE and blocks_of(page.read_text(encoding="utf-8"))]


def warm_command(folder: Path) -> Path:
    """Put a `durable` into a folder that begins at once."""
    folder.mkdir()
    command = folder / "durable"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(warm_durable())} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return folder


@pytest.fixture
def make_project() -> Iterator[Callable[[str], Project]]:
    """Make the folder in which a page is followed, with a database of its own that is there already."""
    home = new_home()

    def make(name: str) -> Project:
        folder = home / "project"
        if name in IN_THE_REPOSITORY:
            ignored = shutil.ignore_patterns("__pycache__", "output")
            shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignored)
            shutil.copy(ROOT / "pyproject.toml", folder)
        folder.mkdir(exist_ok=True)
        with EmbeddedServer(home):
            pass
        variables = {name: value for name, value in os.environ.items() if not name.startswith("DURABLE_")}
        places = [str(Path(sys.executable).parent), variables["PATH"]]
        if name not in AS_ON_THE_FIRST_DAY:
            places.insert(0, str(warm_command(home / "bin")))
        path = os.pathsep.join(places)
        return Project(folder, variables | {"PATH": path, "DURABLE_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"})

    yield make
    remove_home(home)


@pytest.mark.parametrize("page", HERE, ids=name_of)
def test_every_block_of_a_page_does_what_the_page_says(page: Path, make_project: Callable[[str], Project]) -> None:
    project = make_project(name_of(page))
    for block in blocks_of(page.read_text(encoding="utf-8")):
        try:
            project.follow(block)
        except AssertionError as error:
            raise AssertionError(f"{name_of(page)}:{block.line}: {error}") from error


@pytest.mark.parametrize(("page", "test"), TESTED_ELSEWHERE.items())
def test_a_page_that_is_tested_elsewhere_is(page: str, test: str) -> None:
    assert (ROOT / page).is_file()
    assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


def test_no_comment_asks_for_what_there_is_not() -> None:
    asked = {
        (name_of(page), verb)
        for page in PAGES
        for verb in re.findall(r"<!-- test: (\w+)", page.read_text(encoding="utf-8"))
    }
    assert {(page, verb) for page, verb in asked if verb not in VERBS} == set()


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            path = (page.parent / file) if file else page
            if not path.exists() or (anchor and anchor not in anchors_of(path)):
                broken.append(f"{name_of(page)}: {target}")
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert [page for page in sorted(pages) if page != "index.md" and f"]({page})" not in index] == []


@pytest.mark.parametrize("page", ["explanation/guarantees.md", "explanation/mistakes.md", "reference/features.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|examples)/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    missing = []
    for file, function in named:
        path = ROOT / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if not path.is_file() or (function and function not in functions):
            missing.append(f"{file}::{function}")
    assert missing == []


def test_every_mistake_has_a_test() -> None:
    page = (ROOT / "docs" / "explanation" / "mistakes.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| mistake ")]
    assert len(rows) > 25
    assert [row for row in rows if "`tests/" not in row] == []


def test_every_feature_has_a_test_or_is_told_to_be_missing() -> None:
    page = (ROOT / "docs" / "reference" / "features.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| feature ")]
    assert len(rows) > 80
    assert [row for row in rows if "`tests/" not in row and not row.endswith("| not yet |")] == []


def test_every_promise_is_tested() -> None:
    page = (ROOT / "docs" / "explanation" / "guarantees.md").read_text(encoding="utf-8")
    promises = re.split(r"^## ", page.partition("# Not yet")[0], flags=re.MULTILINE)[1:]
    assert len(promises) >= 10
    assert [promise.partition("\n")[0] for promise in promises if "`tests/" not in promise] == []


def test_the_picture_of_the_architecture_has_every_module_and_no_other() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    for package in (ROOT / "durable_dsl", ROOT / "runtime" / "durable_runtime"):
        shown = re.search(rf"^{package.name}/\n((?:  .*\n)+)", page, re.MULTILINE)
        assert shown is not None
        names = re.findall(r"^  (\w[\w.,/ ]*?)(?:  |$)", shown[1], re.MULTILINE)
        listed = {name.removesuffix(".py").rstrip("/") for line in names for name in line.split(", ")}
        modules = {
            path.stem
            for path in package.iterdir()
            if (path.suffix == ".py" and path.name != "__init__.py") or (path / "__init__.py").is_file()
        }
        assert listed == modules


def test_make_demo_runs_the_order_and_says_how_to_kill_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], durable_home: Path
) -> None:
    monkeypatch.setenv("DURABLE_EXAMPLES_OUTPUT", str(durable_home / "output"))
    assert dev.demo(Path(sys.executable), []) == 0
    printed, said = capfd.readouterr()
    assert '"total_cents": 34034' in printed
    assert "kill -9" in said
    assert "worker --until-idle" in said
