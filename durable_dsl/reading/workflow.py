"""A whole document: the fields of a workflow around its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_dsl.document import Json, Workflow
from durable_dsl.errors import Problem
from durable_dsl.places import BROKEN, Places
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.containers import NODES
from durable_dsl.reading.fields import Field, read_fields
from durable_dsl.reading.json_schema import read_schema
from durable_dsl.reading.kinds import KINDS
from durable_dsl.reading.policies import DEFAULTS, RETRIES
from durable_dsl.reading.settings import CANCEL_ON, CONCURRENCY, SCHEDULES, SECRETS
from durable_dsl.reading.shapes import DURATION, JSON, MAPPING, NAME, QUEUE, TEXT, VERSION, Shape, whole
from durable_dsl.reading.tree import is_tree

_SMALLEST, _LARGEST = -(2**15), 2**15 - 1


WORKFLOW_FIELDS = {
    "workflow": Field(NAME, "The name of the workflow.", "name", required=True, placeholder=""),
    "description": Field(TEXT, "What it is for, for people."),
    "version": Field(VERSION, "A label for people, as text; executions are pinned to the content itself."),
    "timeout": Field(DURATION, "How long an execution may take; longer fails it with Timeout."),
    "queue": Field(QUEUE, "The queue its executions wait in; default 'default'."),
    "priority": Field(whole(_SMALLEST, _LARGEST), "Executions of higher priority run first; default 0."),
    "input": Field(
        Shape(read_schema, {"$ref": "#/definitions/json_schema"}),
        "A JSON Schema (2020-12) that the input is checked against.",
    ),
    "output": Field(JSON, "The result of an execution; default all of its data."),
    "defaults": Field(DEFAULTS, "What steps with attempts take when they say nothing themselves."),
    "retries": Field(RETRIES, "Retry policies by name."),
    "constants": Field(MAPPING, "Values that expressions read as 'constants'."),
    "secrets": Field(SECRETS, "Names of secrets that steps read; workers know them, nothing stores them."),
    "concurrency": Field(CONCURRENCY, "How many executions may run at once."),
    "cancel_on": Field(CANCEL_ON, "Events that cancel an execution."),
    "schedules": Field(SCHEDULES, "When executions are started by themselves."),
    "steps": Field(NODES, "The nodes, in the order they run.", required=True, placeholder=()),
    "on_failure": Field(NODES, "What runs when an execution has failed, before it ends."),
}


def read_workflow(plain: Mapping[str, Json], places: Places, file: str) -> tuple[Workflow | None, list[Problem]]:
    """Reads a plain document and gives the workflow with every problem found, in the order of the text.

    `places` says where the values stand, as `durable_dsl.places` describes; an empty one is fine. With problems the
    workflow is good enough for later checks to find more, but not to be run; it is None when nothing of a workflow is
    there.
    """
    collector = Collector(places, file, KINDS)
    workflow = _read(collector, plain)
    return workflow, sorted(collector.problems, key=lambda problem: (problem.line, problem.column))


def _read(collector: Collector, plain: Any) -> Workflow | None:
    if plain is BROKEN or not is_tree(collector, plain):
        return None
    if not isinstance(plain, dict):
        hint = "put the list under 'steps'" if isinstance(plain, list) else None
        collector.report(
            "W036", "a document begins with 'workflow: name' and has its nodes under 'steps'", (), hint=hint
        )
        return None
    if "workflow" not in plain and "steps" not in plain:
        kind = next((key for key in plain if key in KINDS), None)
        hint = f"'{kind}' begins a node, which stands in the list under 'steps'" if kind is not None else None
        collector.report(
            "W036", "a document begins with 'workflow: name' and has its nodes under 'steps'", (), hint=hint
        )
        return None
    elsewhere = {key: "a node" for name, kind in KINDS.items() for key in (name, *kind.fields, *(kind.forms or {}))}
    values = read_fields(collector, plain, (), WORKFLOW_FIELDS, "the document", elsewhere=elsewhere)
    return Workflow(**values, at=collector.place(("workflow",)) or collector.place(()), places=collector.places)
