"""Documents as YAML and back, and graphs as JSON and back, for documents nobody thought of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from durable_dsl.compiler import compile_workflow
from durable_dsl.document import (
    Branch,
    Call,
    Case,
    Json,
    Log,
    Parallel,
    Retry,
    Step,
    Wait,
    Workflow,
)
from durable_dsl.graph import graph_from_json
from durable_dsl.loader import load_document, read_documents
from durable_dsl.yaml_text import read_yaml
from durable_dsl.yaml_writer import write_yaml
from tests.unit.language.drawn import PLAIN, workflows


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_every_json_value_survives_being_written_as_yaml(value: Json) -> None:
    (document,) = read_yaml(write_yaml({"value": value}))
    assert document.problems == []
    assert same(document.value, {"value": value})


@settings(max_examples=50, deadline=None)
@given(workflows())
def test_a_document_survives_being_written_as_yaml(workflow: Workflow) -> None:
    text = workflow.to_yaml()
    read, problems = read_documents(text)
    assert [str(problem) for problem in problems] == []
    assert read == [workflow]
    assert read[0].to_yaml() == text


@settings(max_examples=50, deadline=None)
@given(workflows())
def test_a_graph_survives_being_stored_and_does_not_depend_on_the_surface(workflow: Workflow) -> None:
    graph, problems = compile_workflow(workflow)
    assert problems == []
    assert graph is not None
    assert graph_from_json(graph.to_json()) == graph
    assert graph_from_json(graph.to_json()).to_json() == graph.to_json()
    (loaded,) = load_document(workflow.to_yaml())
    again, _problems = compile_workflow(loaded)
    assert again is not None
    assert again.to_json() == graph.to_json()


def same(first: Json, second: Json) -> bool:
    """Equality that tells 1 from 1.0 and from true, and looks at the order of keys."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return repr(first) == repr(second)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_hold_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="is not a JSON number"):
        write_yaml({"a": [number]})


def test_the_yaml_is_what_a_person_would_write() -> None:
    workflow = Workflow(
        name="order",
        version="4",
        steps=(
            Step(
                name="charge",
                when="data.total > 0",
                action=Call(function="shop.charge", with_={"total": "${ data.total }", "note": "a: b", "on": "no"}),
                retry=Retry(max_attempts=5),
                timeout="30s",
                save="charge",
            ),
            Branch(
                name="route",
                match="data.kind",
                cases=(Case(value="digital", steps=(Step(name="link", action=Log(message="two\nlines\n")),)),),
                default=(),
            ),
            Parallel(name="both", branches={"a": (Wait(name="w", for_="1h"),)}, join=1, save="both"),
        ),
    )
    assert workflow.to_yaml() == (
        "workflow: order\n"
        'version: "4"\n'
        "steps:\n"
        "  - step: charge\n"
        "    when: data.total > 0\n"
        "    call: shop.charge\n"
        "    with:\n"
        '      total: "${ data.total }"\n'
        '      note: "a: b"\n'
        "      on: no\n"
        "    retry: 5\n"
        "    timeout: 30s\n"
        "    save: charge\n"
        "  - branch: route\n"
        "    match: data.kind\n"
        "    cases:\n"
        "      digital:\n"
        "        - step: link\n"
        "          log: |\n"
        "            two\n"
        "            lines\n"
        "    default: []\n"
        "  - parallel: both\n"
        "    join:\n"
        "      at_least: 1\n"
        "    save: both\n"
        "    branches:\n"
        "      a:\n"
        "        - wait: w\n"
        "          for: 1h\n"
    )
