from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from durable_dsl import DslError, check_text, load
from durable_dsl.errors import Problem
from durable_dsl.problems import PAGES, Page, explain, find_page, reference
from durable_dsl.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = [page for page in PAGES if page.wrong and page.language == "yaml"]
# Their examples are not YAML, or would be too long; tests of their own show them.
SHOWN_ELSEWHERE = {"W010", "W041", "W115", "W150", "W151", "W152", "W153", "W212"}


def whole(example: str) -> str:
    """Makes a whole file of an example, which is a list of nodes, some fields of a workflow, or a file already."""
    if example.startswith("- "):
        return f"workflow: example\nsteps:\n{indent(example, '  ')}"
    if "workflow:" in example or example.startswith(("#", "step:")):
        return example
    steps = "" if "steps:" in example else "steps: [{step: example, log: example}]\n"
    return f"workflow: example\n{example}{steps}"


def problems_of(page: Page, example: str) -> list[Problem]:
    return check_text(whole(example), imports=page.code in ("W210", "W211"))


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.code)
def test_the_wrong_example_of_a_page_has_its_problem_and_no_other(page: Page) -> None:
    assert {problem.code for problem in problems_of(page, page.wrong)} == {page.code}


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.code)
def test_the_right_example_of_a_page_has_none(page: Page) -> None:
    assert [str(problem) for problem in problems_of(page, page.right)] == []


def test_every_code_has_a_page_and_every_page_is_of_a_code_in_use() -> None:
    used: set[str] = set()
    for folder in ("durable_dsl", "runtime"):
        for file in (ROOT / folder).rglob("*.py"):
            if "problems" not in file.parts:
                used |= set(re.findall(r'"(W[0-9]{3})"', file.read_text(encoding="utf-8")))
    assert used == {page.code for page in PAGES}


def test_a_code_has_one_page() -> None:
    codes = [page.code for page in PAGES]
    assert len(set(codes)) == len(codes)


def test_pages_without_an_example_are_known() -> None:
    assert {page.code for page in PAGES} - {page.code for page in EXAMPLES} == SHOWN_ELSEWHERE


def test_the_problems_without_an_example_are_reported_too(tmp_path: Path) -> None:
    [deep] = read_yaml("[" * 200)
    assert [problem.code for problem in deep.problems] == ["W010"]
    file = tmp_path / "greeting.yaml"
    file.write_text("workflow: greeting\nsteps: [{step: greet, log: hello}]\n", encoding="utf-8")
    with pytest.raises(DslError, match="W041"):
        load(file, "farewell")


def test_a_page_is_found_however_its_code_is_written() -> None:
    page = find_page(" w004 ")
    assert page is not None
    assert page.title == "An unknown key"
    assert find_page("W000") is None


def test_a_page_is_explained_with_its_example() -> None:
    page = Page("W999", "A title", "What it is.", wrong="- step: a\n", right="- step: b\n")
    assert explain(page) == (
        "## W999 A title\n\nWhat it is.\n\nWrong:\n\n```yaml\n- step: a\n```\n\nRight:\n\n```yaml\n- step: b\n```\n"
    )


def test_the_reference_is_what_the_pages_say() -> None:
    written = (ROOT / "docs" / "reference" / "problems.md").read_text(encoding="utf-8")
    assert written == reference(), "run: python scripts/generate.py"
