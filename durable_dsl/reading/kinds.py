"""The kinds of nodes: what each may hold and the document's value it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_dsl.document import Branch, Case, Decision, Fail, Finish, Foreach, Group, Loop, Node, Parallel, Step, Wait
from durable_dsl.places import Path
from durable_dsl.reading.actions import ACTIONS, UNREADABLE, check_emit
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.compensation import COMPENSATION
from durable_dsl.reading.containers import BACKOFF, BRANCHES, CASES, CATCH, CHOOSE, JOIN, MANY, MAYBE_NO_NODES, NODES
from durable_dsl.reading.fields import Field
from durable_dsl.reading.forms import Form
from durable_dsl.reading.nodes import Kind
from durable_dsl.reading.policies import RETRY
from durable_dsl.reading.shapes import (
    DURATION,
    EXPRESSION,
    FUNCTION,
    IDENTIFIER,
    JSON,
    NAME,
    SWITCH,
    TEST,
    TEXT,
    list_of,
    one_of,
    whole,
)
from durable_dsl.reading.waits import WAITS, check_ask


def _finish_branch(collector: Collector, values: dict[str, Any], path: Path) -> None:
    cases: tuple[Case, ...] = values["cases"]
    if not cases:
        return
    by_value = cases[0].value is not None
    if by_value and "match" not in values:
        if collector.place((*path, "match")) is None:
            hint = "add 'match' with an expression, or write the cases as a list of 'when' and 'steps'"
            collector.report("W025", "cases by value need 'match'", (*path, "cases"), at_key=True, hint=hint)
        values["match"] = "''"
    elif not by_value and "match" in values:
        hint = "remove 'match', or write the cases as a mapping by value"
        collector.report("W027", "'match' has no effect on cases with 'when'", (*path, "match"), at_key=True, hint=hint)
        del values["match"]


def _finish_parallel(collector: Collector, values: dict[str, Any], path: Path) -> None:
    nodes: tuple[Node, ...] = values.pop("steps", ())
    values.setdefault("branches", {})
    for index, node in enumerate(nodes):
        # A second node of the same name has been reported; it keeps its place in the order.
        label = node.name if node.name not in values["branches"] else f"{node.name} {index}"
        values["branches"][label] = (node,)
    if "on_error" in values and "join" in values:
        hint = "'join' says which failures are accepted; remove 'on_error'"
        collector.report(
            "W027", "'on_error' and 'join' exclude each other", (*path, "on_error"), at_key=True, hint=hint
        )
    join, count = values.get("join"), len(values["branches"])
    if isinstance(join, int) and 0 < count < join:
        message = f"'at_least' is {join}, but there {'is' if count == 1 else 'are'} only {count}"
        collector.report("W029", message, (*path, "join", "at_least"))


def _finish_foreach(collector: Collector, values: dict[str, Any], path: Path) -> None:
    if "batch" in values and "as_" not in values:
        hint = "add 'as', a name for the list of items"
        collector.report(
            "W025", "'batch' needs 'as', since the item is a list then", (*path, "batch"), at_key=True, hint=hint
        )


def _finish_loop(collector: Collector, values: dict[str, Any], path: Path) -> None:
    if "backoff" in values and "every" not in values and collector.place((*path, "every")) is None:
        hint = "add 'every', the wait that grows"
        collector.report("W006", "'backoff' has no effect without 'every'", (*path, "backoff"), at_key=True, hint=hint)
    if "while_" not in values and "until" not in values:
        values["until"] = "true"
    elif "while_" in values:
        values.pop("until", None)


def _finish_wait(collector: Collector, values: dict[str, Any], path: Path) -> None:
    awaited = ("for_", "until_at", "event", "ask", "any", "all")
    found = [key for key in awaited if key in values]
    for key in found[1:]:
        del values[key]
    if not found:
        values["for_"] = "1s"
    if found[:1] == ["ask"]:
        check_ask(collector, values["ask"], path)
    for key in _ASK_KEYS:
        values.pop(key, None)
    if "on_timeout" in values and "timeout" not in values and collector.place((*path, "timeout")) is None:
        hint = "add 'timeout', how long it waits at most"
        collector.report(
            "W006", "'on_timeout' has no effect without 'timeout'", (*path, "on_timeout"), at_key=True, hint=hint
        )


def _finish_step(collector: Collector, values: dict[str, Any], path: Path) -> None:
    values.setdefault("action", UNREADABLE)
    check_emit(collector, values["action"], path)
    # What is left of a second action, which has been reported.
    for form in ACTIONS.values():
        for key, field in form.fields.items():
            values.pop(field.attribute or key, None)


# What a second form would have brought, which has been reported.
_ASK_KEYS = ("key", "where", "prompt", "assignees", "choices", "fields", "schema", "metadata")

_STEPS = Field(NODES, "The nodes it runs.", required=True, placeholder=())
_ON_ERROR = Field(
    one_of("fail_fast", "complete_all"), "fail_fast cancels the rest at the first failure, complete_all lets all end."
)
_COMMON = {
    "when": Field(TEST, "The node is skipped when this is false."),
    "description": Field(TEXT, "What it is for, for people."),
    "timeout": Field(DURATION, "How long it may take; on a step, one attempt."),
    "save": Field(IDENTIFIER, "Puts the result at this key of the data."),
    "output": Field(JSON, "Reshapes the result, which expressions in it see as 'result'."),
    "catch": Field(CATCH, "What is done about its errors; the first row that fits takes it."),
    "ignore_errors": Field(SWITCH, "Carries on after an error that nothing caught; default false."),
}


def _common(*keys: str) -> dict[str, Field]:
    return {key: _COMMON[key] for key in keys}


KINDS: Mapping[str, Kind] = {
    "step": Kind(
        "One unit of work with exactly one action.",
        Step,
        {
            **_COMMON,
            "retry": Field(RETRY, "What happens after a failure: attempts, a policy's name, or a policy."),
            "compensate": Field(
                COMPENSATION, "What undoes the step when something after it fails: a function or an action."
            ),
        },
        ACTIONS,
        finish=_finish_step,
    ),
    "decision": Kind(
        "Jumps forward to another node.",
        Decision,
        _COMMON,
        {
            "choose": Form({"choose": Field(CHOOSE, "The first row that holds is taken; none: carries on.")}),
            "call": Form(
                {
                    "call": Field(FUNCTION, "A Python function that returns one of the names in 'goto', or None."),
                    "goto": Field(
                        list_of(NAME, "a list of names", placeholder="end"),
                        "The nodes it may jump to.",
                        required=True,
                        placeholder=(),
                    ),
                }
            ),
        },
    ),
    "branch": Kind(
        "Runs one of several lists.",
        Branch,
        {
            **_COMMON,
            "match": Field(EXPRESSION, "The value that picks a case, compared as text."),
            "cases": Field(
                CASES,
                "Lists of nodes by value, or rows of 'when' and 'steps'.",
                required=True,
                placeholder=(),
            ),
            "default": Field(MAYBE_NO_NODES, "What runs when no case matches; without it that fails."),
        },
        finish=_finish_branch,
    ),
    "parallel": Kind(
        "Runs its branches at once.",
        Parallel,
        {
            **_COMMON,
            "on_error": _ON_ERROR,
            "join": Field(
                JOIN,
                "How many branches must succeed: all, any or at_least.",
            ),
        },
        {
            "branches": Form({"branches": Field(BRANCHES, "Lists of nodes by name.")}),
            "steps": Form({"steps": Field(NODES, "Nodes that are a branch each.")}),
        },
        finish=_finish_parallel,
    ),
    "foreach": Kind(
        "Runs its list for each item.",
        Foreach,
        {
            **_COMMON,
            "in": Field(EXPRESSION, "The list to go through.", "in_", required=True, placeholder="[]"),
            "as": Field(IDENTIFIER, "What expressions call the item; default item.", "as_"),
            "concurrency": Field(whole(1, MANY), "How many items run at once; default 1."),
            "batch": Field(whole(1, MANY), "How many items are taken together; the item is then a list."),
            "on_error": _ON_ERROR,
            "steps": _STEPS,
        },
        finish=_finish_foreach,
    ),
    "loop": Kind(
        "Runs its list turn after turn.",
        Loop,
        {
            **_COMMON,
            "every": Field(DURATION, "A durable sleep between turns."),
            "backoff": Field(BACKOFF, "How that sleep grows."),
            "max_iterations": Field(whole(1, MANY), "How many turns there are at most; default 1000."),
            "on_limit": Field(one_of("fail", "continue"), "What happens after the last turn allowed; default fail."),
            "keep": Field(whole(1, MANY), "How many turns of history stay; default all."),
            "steps": _STEPS,
        },
        {
            "while": Form({"while": Field(TEST, "Tested before each turn.", "while_")}),
            "until": Form({"until": Field(TEST, "Tested after each turn.")}),
        },
        finish=_finish_loop,
    ),
    "wait": Kind(
        "Suspends without holding anything.",
        Wait,
        _COMMON,
        WAITS,
        finish=_finish_wait,
    ),
    "group": Kind("A list of nodes with one condition and one timeout.", Group, {**_COMMON, "steps": _STEPS}),
    "fail": Kind(
        "Fails.",
        Fail,
        {
            **_common("when", "description"),
            "type": Field(TEXT, "The type of the error; default Failed."),
            "message": Field(JSON, "What went wrong, for people."),
            "data": Field(JSON, "What went wrong, for programs."),
        },
    ),
    "finish": Kind(
        "Ends the whole execution early and well.",
        Finish,
        _common("when", "description", "output"),
    ),
}
