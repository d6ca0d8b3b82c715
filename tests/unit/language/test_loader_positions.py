from __future__ import annotations

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from durable_dsl.errors import Position
from durable_dsl.loader import load_document
from durable_dsl.places import COMMENT, KEY, find_place, place_inside
from durable_dsl.yaml_text import read_yaml

TEXT = """\
# positions count from 1
workflow: greeting
steps:
  - step: first   # says hello
    log: "héllo 😀 ${ data.x }"
  - {step: second, call: shop.greet, with: {name: 'it''s'}}
"""


def place_of(path: tuple[str | int, ...], text: str = TEXT) -> tuple[int, int, int]:
    [document] = read_yaml(text, "file.yaml")
    position = document.places[path]
    assert position.file == "file.yaml"
    return position.line, position.column, position.width


def test_every_key_and_value_has_its_line_column_and_width() -> None:
    assert place_of(("workflow", KEY)) == (2, 1, 8)
    assert place_of(("workflow",)) == (2, 11, 8)
    assert place_of(("steps", 0)) == (4, 5, 1)
    assert place_of(("steps", 0, "step")) == (4, 11, 5)
    assert place_of(("steps", 0, "log")) == (5, 10, 21)
    assert place_of(("steps", 1)) == (6, 5, 1)
    assert place_of(("steps", 1, "call", KEY)) == (6, 20, 4)
    assert place_of(("steps", 1, "with", "name")) == (6, 51, 7)


def test_a_comment_behind_an_unquoted_value_has_a_place() -> None:
    assert place_of(("steps", 0, "step", COMMENT)) == (4, 19, 12)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_both_line_breaks_count_lines_alike(line_break: str) -> None:
    assert place_of(("steps", 1, "call"), TEXT.replace("\n", line_break)) == (6, 26, 10)


def test_a_byte_order_mark_counts_as_nothing() -> None:
    assert place_of(("workflow",), "\ufeffworkflow: greeting") == (1, 11, 8)


def test_later_documents_count_on_from_the_start_of_the_file() -> None:
    documents = read_yaml("workflow: a\n---\nworkflow: b\n--- # third\nworkflow: c\n...\nworkflow: d\n")
    assert [document.value["workflow"] for document in documents] == ["a", "b", "c", "d"]
    assert [document.places["workflow",].line for document in documents] == [1, 3, 5, 7]


def test_the_document_keeps_the_places_of_its_fields_and_nodes() -> None:
    [workflow] = load_document(TEXT, "file.yaml")
    assert workflow.at == Position("file.yaml", 2, 11)
    assert [node.at for node in workflow.steps] == [Position("file.yaml", 4, 5), Position("file.yaml", 6, 5)]
    assert workflow.places["steps", 1, "with", "name"] == Position("file.yaml", 6, 51)


def test_a_workflow_is_equal_wherever_it_stands() -> None:
    assert load_document(TEXT, "a.yaml") == load_document("\n\n" + TEXT, "b.yaml")


def test_what_has_no_place_is_found_at_the_thing_around_it() -> None:
    [document] = read_yaml(TEXT)
    position = find_place(document.places, ("steps", 1, "retry", "delay"))
    assert position is not None
    assert (position.line, position.column) == (6, 5)
    assert find_place({}, ("steps", 1)) is None


def inside(text: str, fragment: str) -> tuple[int, int]:
    """The place of a fragment of the value of `key`."""
    [document] = read_yaml(text)
    position = place_inside(document.places["key",], document.value["key"].index(fragment))
    return position.line, position.column


@pytest.mark.parametrize(
    ("text", "fragment", "place"),
    [
        ("key: data.x > y", "y", (1, 15)),
        ("key: data.x\n  > y", "y", (2, 5)),
        ('key: "a \\"b\\" c"', "c", (1, 15)),
        ('key: "\\u00e9\\x41 c"', "c", (1, 18)),
        ('key: "one\n  two\n\n  three"', "three", (4, 3)),
        ('key: "one \\\n   two"', "two", (2, 4)),
        ("key: 'it''s me'", "me", (1, 13)),
        ("key: |\n  one\n  two three", "three", (3, 7)),
        ("key: |\r\n  one\r\n  two three", "three", (3, 7)),
        ("key: |-\n\n    one\n      two", "two", (4, 7)),
        ("key: >\n  one\n  two\n\n\n  three", "three", (6, 3)),
        ("key: >-  # folded\n  one\n    two\n  three", "three", (4, 3)),
        ("key: >-\n  one\n\n    two\n\n\n  three", "three", (7, 3)),
        ("key: é😀 y", "y", (1, 9)),
    ],
)
def test_a_character_inside_a_scalar_has_its_own_place(text: str, fragment: str, place: tuple[int, int]) -> None:
    assert inside(text, fragment) == place


def test_the_place_behind_the_last_character_is_behind_the_value() -> None:
    position = place_inside(Position("f", 3, 7, 5, "abcde"), 5)
    assert (position.line, position.column) == (3, 12)


def test_a_place_whose_writing_is_not_known_stays_what_it_is() -> None:
    position = Position("workflow.py", 12, 5)
    assert place_inside(position, 7) == position


@settings(deadline=None)
@given(st.text("ab #:'\"\n\\é", max_size=60), st.sampled_from([None, '"', "'", "|", ">"]), st.integers(20, 80))
def test_every_character_is_found_where_it_is_written(value: str, style: str | None, width: int) -> None:
    text = yaml.dump({"key": value}, default_style=style, width=width, allow_unicode=True)
    [document] = read_yaml(text)
    assume(document.problems == [] and document.value == {"key": value})
    lines = text.split("\n")
    # An explicit indentation is the one thing that the writing alone does not tell.
    assume(not (document.places["key",].text or "").startswith(("|2", ">2", "|4", ">4")))
    for offset, character in enumerate(value):
        position = place_inside(document.places["key",], offset)
        if character not in " \n":
            # In double quotes an escape stands for the character.
            assert lines[position.line - 1][position.column - 1] in (character, "\\")
