"""A formatted file means the same, has every comment, and stays as it is when it is formatted again."""

from __future__ import annotations

import re

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from durable_dsl.document import Workflow
from durable_dsl.errors import DslError
from durable_dsl.formatting import format_text
from durable_dsl.loader import load_document, read_documents
from durable_dsl.yaml_text import split_lines
from tests.unit.language.drawn import workflows
from tests.unit.language.samples import SAMPLES
from tests.unit.language.test_loader_fuzz import mutated_texts


def formatted(text: str) -> str:
    """Format a text and hold everything that holds for all of them."""
    result = format_text(text)
    assert load_document(result) == load_document(text)
    assert format_text(result) == result
    return result


def test_keys_quotes_and_blanks_are_put_in_order_and_comments_go_along() -> None:
    assert formatted(
        "# yaml-language-server: $schema=workflow.schema.json\n"
        "\n"
        "# What happens.\n"
        "steps:   # the nodes\n"
        "# the money first\n"
        "- call: shop.charge # where the money is\n"
        "  # at most thrice\n"
        "  retry: 3\n"
        "  step: 'charge'\n"
        "  # nothing else is done here\n"
        "- {log: '${ data.x }', step: say}   # for people\n"
        "\n"
        "\n"
        "- for: 5m\n"
        "  wait: pause\n"
        "# the end\n"
        "workflow:    order # its name\n"
    ) == (
        "# yaml-language-server: $schema=workflow.schema.json\n"
        "\n"
        "# the end\n"
        "workflow: order  # its name\n"
        "# What happens.\n"
        "steps:  # the nodes\n"
        "  # the money first\n"
        "  - step: charge\n"
        "    call: shop.charge  # where the money is\n"
        "    # at most thrice\n"
        "    retry: 3\n"
        "    # nothing else is done here\n"
        '  - {step: say, log: "${ data.x }"}  # for people\n'
        "\n"
        "  - wait: pause\n"
        "    for: 5m\n"
    )


def test_braces_stay_where_they_fit_into_a_line_and_hold_no_comment() -> None:
    assert formatted(
        "workflow: w\n"
        "constants: {\n"
        "  few: [1,2, 3],\n"
        "  many: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccccccccc,"
        " ddddddddddddddddddddd],\n"
        "  told: [1, # one\n"
        "         2]}\n"
        "steps:\n"
        "  - branch: b\n"
        "    match: data.x\n"
        "    cases: {b: [{step: s, log: hi}],   'true': []}\n"
    ) == (
        "workflow: w\n"
        "constants:\n"
        "  few: [1, 2, 3]\n"
        "  many:\n"
        "    - aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "    - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
        "    - cccccccccccccccccccccccccccc\n"
        "    - ddddddddddddddddddddd\n"
        "  told:\n"
        "    - 1  # one\n"
        "    - 2\n"
        "steps:\n"
        "  - branch: b\n"
        "    match: data.x\n"
        '    cases: {b: [{step: s, log: hi}], "true": []}\n'
    )


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("'12:30'", "12:30"),
        ("'no'", "no"),
        ("'true'", '"true"'),
        ("'1.10'", '"1.10"'),
        ("1.10", "1.10"),
        ("1e5", "1e5"),
        ("'a: b'", '"a: b"'),
        ("'a #b'", '"a #b"'),
        ("${ data.x }", '"${ data.x }"'),
        ("'${ data[\"x\"] }'", "'${ data[\"x\"] }'"),
        ("\"it's \\\"so\\\"\"", 'it\'s "so"'),
        ("'''x'': \"y\"'", '"\'x\': \\"y\\""'),
        ("\"two\\nlines\"", '"two\\nlines"'),
        ("\"a\\u0085b\"", '"a\\x85b"'),
        ("'C:\\new'", "C:\\new"),
        ("' lead'", '" lead"'),
        ("''", '""'),
        ("!  x", "x"),
    ],
)  # fmt: skip
def test_a_text_has_quotes_where_they_help(written: str, canonical: str) -> None:
    text = "workflow: w\nconstants:\n  c: {}\nsteps:\n  - step: s\n    log: hi\n"
    assert formatted(text.format(written)) == text.format(canonical)


def test_blocks_of_text_stay_blocks() -> None:
    text = (
        "workflow: w\n"
        "steps:\n"
        "  - step: s\n"
        "    log: |  # as it stands\n"
        "      one\n"
        "        two\n"
        "\n"
        "      three\n"
        "\n"
        "  - step: t\n"
        "    log: >-\n"
        "      folded here\n"
        "      and there\n"
        "\n"
        "      a paragraph\n"
        "  - step: u\n"
        "    log: |+\n"
        "      with its end\n"
        "\n"
        "\n"
        "  - step: v\n"
        "    log: hi\n"
    )
    assert formatted(text) == text
    assert formatted(text.replace("      ", "          ")) == text
    assert formatted("workflow: w\nsteps:\n  - step: s\n    log: |2\n       lead\n").endswith('log: " lead\\n"\n')


def test_a_text_that_was_spread_over_lines_is_folded_where_it_does_not_fit_into_one() -> None:
    condition = " && ".join(f"data.count_{index} > {index}" for index in range(8))
    text = "workflow: w\nsteps:\n  - step: s\n    when: {}\n    log: hi\n"
    assert formatted(text.format("data.a &&\n      data.b")) == text.format("data.a && data.b")
    assert formatted(text.format(condition)) == text.format(condition)
    lines = [" && ".join(part) + " &&" for part in (["data.a"] * 9, ["data.bb"] * 9)] + ["data.c"]
    spread = text.format(">-\n      " + "\n      ".join(lines))
    assert formatted(text.format("\n       ".join(lines))) == spread
    assert formatted(spread) == spread
    assert formatted(text.format('"' + "\n       ".join(lines) + '"')) == text.format(
        f">-\n      {'data.a && ' * 9}data.bb && data.bb &&\n      {'data.bb && ' * 7}data.c"
    )


def test_every_document_of_a_file_is_formatted_and_keeps_what_is_said_around_it() -> None:
    assert formatted(
        "---\n"
        "# about the first\n"
        "workflow: first\n"
        "steps:\n"
        "- {step: a, log: x}\n"
        "# behind the first\n"
        "--- # the second\n"
        "# about the second\n"
        "{workflow: second, steps: [{step: a, log: x}]}\n"
        "...\n"
        "---\n"
        "steps: [{step: a, log: x}]\n"
        "workflow: third\n"
        "# at last\n"
    ) == (
        "# about the first\n"
        "workflow: first\n"
        "steps:\n"
        "  - {step: a, log: x}\n"
        "# behind the first\n"
        "---  # the second\n"
        "# about the second\n"
        "workflow: second\n"
        "steps: [{step: a, log: x}]\n"
        "---\n"
        "workflow: third\n"
        "steps: [{step: a, log: x}]\n"
        "# at last\n"
    )


def test_other_ways_to_end_a_line_become_the_usual_one() -> None:
    text = "\ufeff# said\r\nworkflow: w # so\r\nsteps:\r\n  - step: s\r\n    log: |\r\n      a\r\n      b\r\n"
    assert formatted(text) == "# said\nworkflow: w  # so\nsteps:\n  - step: s\n    log: |\n      a\n      b\n"


def test_keys_that_are_the_authors_own_keep_their_order() -> None:
    text = (
        "workflow: w\n"
        "input: {required: [b], type: object, properties: {when: {type: string}, b: {}, a: {}}}\n"
        "steps:\n"
        "  - step: s\n"
        "    call: shop.charge\n"
        "    with: {steps: 1, step: 2, call: 3, b: {save: 1, when: 2}, a: 4}\n"
    )
    assert formatted(text) == text


def test_a_file_with_problems_is_left_alone() -> None:
    with pytest.raises(DslError) as raised:
        format_text("workflow: w\nsteps:\n  - step: s\n    lgo: hi\n    retires: 3\n", "w.yaml")
    assert [problem.code for problem in raised.value.problems] == ["W025", "W004", "W004"]


@pytest.mark.parametrize("text", SAMPLES)
def test_the_samples_can_be_formatted(text: str) -> None:
    formatted(text)


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(workflows())
def test_what_is_written_from_a_document_is_in_the_canonical_form(workflow: Workflow) -> None:
    assert format_text(workflow.to_yaml()) == workflow.to_yaml()


@settings(max_examples=150, deadline=None)
@given(mutated_texts())
def test_whatever_can_be_read_can_be_formatted(text: str) -> None:
    if not read_documents(text)[1]:
        formatted(text)


@st.composite
def commented(draw: st.DrawFn) -> str:
    """A sample, in which comments stand at the ends of lines and between them, and lines are empty."""
    text = draw(st.sampled_from(SAMPLES))
    for number in range(draw(st.integers(1, 12))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        if draw(st.booleans()):
            lines[at] += f"  # beside {number}"
        else:
            lines.insert(at, draw(st.sampled_from(["", "  ", "    ", "      "])) + f"# above {number}")
        if draw(st.integers(0, 3)) == 0:
            lines.insert(draw(st.integers(0, len(lines) - 1)), "")
        if not read_documents("\n".join(lines))[1]:
            text = "\n".join(lines)
    return text


@settings(max_examples=100, deadline=None)
@given(commented())
@example("workflow: w\nsteps:\n  -\n    # a\n    - 1\n".replace("    - 1", "    {step: s, log: hi} # b"))
def test_no_comment_is_lost_wherever_it_stands(text: str) -> None:
    result = formatted(text)
    for line in split_lines(text):
        for comment in re.findall(r"# (?:above|beside) \d+(?=$|\s)", line):
            assert result.count(comment) >= 1, comment
