"""The shapes of what containers hold: lists of nodes, cases, branches, choices."""

from __future__ import annotations

from typing import Any

from durable_dsl.document import Backoff, Case, Catch, Choice, Json, Node
from durable_dsl.places import BROKEN, KEY, Broken, Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, head, read_fields
from durable_dsl.reading.nodes import read_nodes
from durable_dsl.reading.shapes import (
    CONDITION,
    ERROR_TYPES,
    FIXED_DURATION,
    FUNCTION,
    NAME,
    SWITCH,
    TEST,
    Shape,
    list_of,
    number,
    one_of,
    whole,
)

MANY = 2**31 - 1


def _steps(collector: Collector, value: Json, path: Path) -> Any:
    return read_nodes(collector, value, path)


def _maybe_no_steps(collector: Collector, value: Json, path: Path) -> Any:
    return read_nodes(collector, value, path, may_be_empty=True)


def _choice(collector: Collector, value: Json, path: Path) -> Choice | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'when' and 'goto'", value)
    values = read_fields(collector, value, path, CHOICE_FIELDS, "a choice")
    return Choice(at=collector.place(path), **values)


def _cases(collector: Collector, value: Json, path: Path) -> tuple[Case, ...] | Broken:
    if not isinstance(value, list | dict):
        return collector.wrong_type(path, "a mapping of lists by value, or a list of 'when' and 'steps'", value)
    if not value:
        return collector.report("W034", "'cases' is empty; a branch needs at least one", path)
    if isinstance(value, list):
        return tuple(_case(collector, item, (*path, index)) for index, item in enumerate(value))
    by_value = []
    for key, nodes in value.items():
        read = BROKEN if nodes is BROKEN else read_nodes(collector, nodes, (*path, key), may_be_empty=True)
        by_value.append(
            Case(value=key, steps=() if isinstance(read, Broken) else read, at=collector.place((*path, key)))
        )
    return tuple(by_value)


def _case(collector: Collector, value: Json, path: Path) -> Case:
    if not isinstance(value, dict):
        if value is not BROKEN:
            collector.wrong_type(path, "a mapping with 'when' and 'steps'", value)
        return Case(when="false", steps=(), at=collector.place(path))
    return Case(at=collector.place(path), **read_fields(collector, value, path, CASE_FIELDS, "a case"))


def _branches(collector: Collector, value: Json, path: Path) -> dict[str, tuple[Node, ...]] | Broken:
    if not isinstance(value, dict):
        hint = "to run each node of a list at once, call the key 'steps'" if isinstance(value, list) else None
        return collector.wrong_type(path, "a mapping of lists by name", value, hint)
    if not value:
        return collector.report("W034", "'branches' is empty; it must hold a branch", path)
    branches: dict[str, tuple[Node, ...]] = {}
    for name, nodes in value.items():
        NAME.read(collector, name, (*path, name, KEY))
        read = BROKEN if nodes is BROKEN else read_nodes(collector, nodes, (*path, name))
        branches[name] = () if isinstance(read, Broken) else read
    return branches


def _catch(collector: Collector, value: Json, path: Path) -> Catch | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'errors' and 'steps'", value)
    values = read_fields(collector, value, path, CATCH_FIELDS, "a row of 'catch'")
    if "steps" not in value and not values.get("rethrow"):
        hint = "'steps' says what to do about the error, [] does nothing; 'rethrow: true' passes it on"
        collector.report("W025", "'steps' is missing in a row of 'catch'", head(value, path), hint=hint)
    return Catch(at=collector.place(path), **values)


def _join(collector: Collector, value: Json, path: Path) -> int | str | Broken:
    if not isinstance(value, dict):
        word: str | Broken = one_of("all", "any").read(collector, value, path)
        return word
    values = read_fields(collector, value, path, JOIN_FIELDS, "'join'")
    count: int | None = values["at_least"]
    return BROKEN if count is None else count


def _backoff(collector: Collector, value: Json, path: Path) -> Backoff | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'factor' and 'max'", value)
    return Backoff(**read_fields(collector, value, path, BACKOFF_FIELDS, "'backoff'"))


NODES = Shape(_steps, {"$ref": "#/definitions/nodes"})
MAYBE_NO_NODES = Shape(_maybe_no_steps, {"$ref": "#/definitions/maybe_no_nodes"})

FUNCTION_FIELDS = {
    "call": Field(FUNCTION, "A Python function that is given the data; its answer is stored.", required=True)
}
CHOICE_FIELDS = {
    "when": Field(TEST, "The jump is taken when this holds.", required=True, placeholder="false"),
    "goto": Field(NAME, "A later node of this list or of one around it, or end.", required=True, placeholder="end"),
}
CASE_FIELDS = {
    "when": Field(TEST, "The case is taken when this holds.", required=True, placeholder="false"),
    "steps": Field(MAYBE_NO_NODES, "The nodes of the case.", required=True, placeholder=()),
}
CATCH_FIELDS = {
    "errors": Field(ERROR_TYPES, "The types of errors it takes, their base classes too; without it all."),
    "when": Field(CONDITION, "An expression over 'error'; false means that the row does not take it."),
    "compensate": Field(SWITCH, "First undoes what the node had completed; default false."),
    "rethrow": Field(SWITCH, "Passes the error on after the steps; default false."),
    "steps": Field(MAYBE_NO_NODES, "What is done about the error; their result becomes the node's."),
}
JOIN_FIELDS = {"at_least": Field(whole(1, MANY), "How many branches must succeed.", required=True)}
BACKOFF_FIELDS = {
    "factor": Field(number(1, 1000), "By how much the wait grows each turn; default 2."),
    "max": Field(FIXED_DURATION, "The longest wait between two turns."),
}

CHOOSE = list_of(
    Shape(_choice, {"$ref": "#/definitions/choice"}),
    "a list of mappings with 'when' and 'goto'",
    placeholder=Choice(when="false", goto="end"),
)
CATCH = list_of(
    Shape(_catch, {"$ref": "#/definitions/catch"}),
    "a list of mappings with 'errors' and 'steps'",
    placeholder=Catch(when="false"),
)
CASES = Shape(_cases, {"$ref": "#/definitions/cases"})
BRANCHES = Shape(_branches, {"$ref": "#/definitions/branches"})
JOIN = Shape(_join, {"anyOf": [{"enum": ["all", "any"]}, {"$ref": "#/definitions/join"}]})
BACKOFF = Shape(_backoff, {"$ref": "#/definitions/backoff"})
