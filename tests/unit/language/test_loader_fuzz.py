"""Whatever a text holds, it gives workflows or problems with a place, never anything else."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_dsl import check_text
from durable_dsl.document import Workflow
from durable_dsl.errors import Problem
from durable_dsl.loader import read_documents
from durable_dsl.problems import find_page
from durable_dsl.reading import read_workflow
from durable_dsl.yaml_text import read_yaml, split_lines
from tests.unit.language.samples import SAMPLES

FRAGMENTS = [
    "${", "}", "{", "[", "]", ": ", " #", "- ", "\n", "\n  ", "\t", "'", '"', "!", "*x", "&x ", "|", ">", "%",
    "@", "?", ",", "---\n", "...\n", "<<: ", "null", "true", "1e999", "-", "\\", "\x00", "\ud800", "é",
    "\u2028", "\r", "step: x", "when: ", "steps:\n", "goto: end", "~", "0x1", "10", "!!str ", "end",
]  # fmt: skip


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """A valid file with a few things cut out, put in or swapped."""
    text = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 12)))
        text = text[:at] + draw(st.sampled_from(["", "", *FRAGMENTS]) | st.text(max_size=3)) + text[end:]
    if draw(st.booleans()):
        lines = text.split("\n")
        at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        lines.insert(to, " " * draw(st.integers(0, 4)) + lines.pop(at))
        text = "\n".join(lines)
    return text


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["30s", "a.b", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated_documents(draw: st.DrawFn) -> Any:
    """A valid plain document in which some values are others, and some keys have other values' names."""
    [document, *_] = read_yaml(draw(st.sampled_from(SAMPLES)))

    def mutate(value: Any) -> Any:
        if draw(st.integers(0, 19)) == 0:
            return draw(values)
        if isinstance(value, dict):
            changed = {key: mutate(inner) for key, inner in value.items() if draw(st.integers(0, 19))}
            if draw(st.integers(0, 19)) == 0:
                changed[draw(st.sampled_from(["call", "for", "steps", "when", "with", "catch", 5, None, "x"]))] = draw(
                    values
                )
            return changed
        if isinstance(value, list):
            return [mutate(inner) for inner in value]
        return value

    return mutate(document.value)


def check_problems(problems: list[Problem], lines: list[str]) -> None:
    for problem in problems:
        assert find_page(problem.code) is not None
        assert 0 < len(problem.message) < 500
        assert "Traceback" not in problem.message
        assert not re.search(r"\bUNSET\b|\bBROKEN\b|0x[0-9a-f]{8}", problem.message)
        assert 0 <= problem.line <= len(lines)
        if problem.line:
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.source_line == lines[problem.line - 1]
        assert str(problem)
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)


@given(mutated_texts())
@settings(max_examples=400, deadline=None)
def test_a_mutated_file_gives_workflows_or_problems(text: str) -> None:
    workflows, problems = read_documents(text, "file.yaml")
    assert workflows or problems
    check_problems(problems, split_lines(text.removeprefix("\ufeff")))


@given(mutated_texts())
@settings(max_examples=150, deadline=None)
def test_a_mutated_file_goes_the_whole_way_or_has_problems(text: str) -> None:
    check_problems(check_text(text, "file.yaml"), split_lines(text.removeprefix("\ufeff")))


@given(st.text(alphabet="ab:-#'\"{}[]!&*|>%@`?, \n\t${}.0~<=", max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_alike_by_both_parsers(text: str) -> None:
    ours, pure = read_yaml(text), read_yaml(text, parser=yaml.SafeLoader)
    assert len(ours) == len(pure)
    for document in ours:
        check_places(document.problems, split_lines(text))


def check_places(problems: list[Problem], lines: list[str]) -> None:
    for problem in problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(mutated_documents())
@settings(max_examples=300, deadline=None)
def test_a_mutated_document_gives_a_workflow_or_problems(plain: Any) -> None:
    workflow, problems = read_workflow(plain, {}, "workflow.py")
    assert isinstance(workflow, Workflow) or problems
    for problem in problems:
        assert find_page(problem.code) is not None
        assert problem.line == 0
        assert str(problem).startswith("workflow.py: W")
