from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from durable_dsl.editor_schema import editor_schema
from durable_dsl.problems import PAGES
from durable_dsl.yaml_text import read_yaml
from tests.unit.language.samples import SAMPLES
from tests.unit.language.test_problem_pages import whole

FILE = Path(__file__).resolve().parents[3] / "schemas" / "workflow.schema.json"
VALIDATOR = Draft7Validator(editor_schema())


def mistakes(text: str) -> list[str]:
    return [
        f"{list(error.absolute_path)}: {error.message}"
        for document in read_yaml(text)
        for error in VALIDATOR.iter_errors(document.value)
    ]


def node(text: str) -> str:
    return f"workflow: w\nsteps:\n  - {text}\n"


def test_the_schema_is_one_of_draft_7() -> None:
    Draft7Validator.check_schema(editor_schema())


def test_the_file_is_what_the_tables_of_the_reader_say() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == editor_schema(), "run: python scripts/generate.py"


@pytest.mark.parametrize("text", SAMPLES)
def test_the_samples_are_accepted(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.right and page.language == "yaml"], ids=lambda p: p.code
)
def test_the_right_example_of_every_problem_is_accepted(page: Any) -> None:
    assert mistakes(whole(page.right)) == []


@pytest.mark.parametrize(
    "code",
    ["W004", "W005", "W006", "W020", "W021", "W022", "W025", "W027", "W028", "W029", "W030", "W031", "W034"],
)
def test_mistakes_that_an_editor_can_show_are_found_by_the_schema_too(code: str) -> None:
    [page] = [page for page in PAGES if page.code == code]
    assert mistakes(whole(page.wrong)) != []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (node("{step: a, log: hi, retires: 3}"), "'retires' was unexpected"),
        (node("{step: a, http: {url: x}}"), "['steps', 0, 'http', 'url']"),
        (node("{step: a, publish: {}}"), "['steps', 0, 'publish']"),
        (node("{step: a, publish: {Status: 1}}"), "['steps', 0, 'publish']"),
        (node("{step: a, emit: is paid}"), "['steps', 0, 'emit']"),
        (node("{wait: a, event: is paid}"), "['steps', 0, 'event']"),
        (node("{wait: a, any: {b: {event: x, on_timeout: fail}}}"), "['steps', 0, 'any', 'b']"),
        (node("{loop: a, while: data.x, every: 30, steps: [{step: b, log: hi}]}"), "['steps', 0, 'every']"),
        (node("{branch: a, match: data.x, cases: {}}"), "['steps', 0, 'cases']"),
        ("workflow: w\nstep: []\nsteps: [{step: a, log: hi}]", "'step' was unexpected"),
        ("workflow: w\nretries: {api: {attempts: 3}}\nsteps: [{step: a, log: hi}]", "['retries', 'api']"),
    ],
)
def test_a_mistake_is_found_where_it_is(text: str, place: str) -> None:
    assert any(place in mistake for mistake in mistakes(text))


def test_every_key_is_described_for_who_points_at_it() -> None:
    schema = editor_schema()
    mappings = [schema, *schema["definitions"].values()]
    properties = [entry for mapping in mappings for entry in mapping.get("properties", {}).items()]
    assert len(properties) > 80
    assert [key for key, value in properties if not value.get("description")] == []


def test_an_editor_has_to_fetch_nothing() -> None:
    references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(editor_schema()))
    assert len(references) > 20
    assert [
        each for each in references if each.partition("#/definitions/")[2] not in editor_schema()["definitions"]
    ] == []
