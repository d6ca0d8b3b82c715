"""Nodes as plain JSON values, in the order of keys that a person would write.

The inverse of reading: what is at its default is left out, so the shortest form comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeAlias, assert_never

from durable_dsl.document.actions import Action, Call, Child, Emit, Http, Log, Publish, Set, Shell, Sql, Start, Use
from durable_dsl.document.nodes import (
    Branch,
    Catch,
    Compensation,
    Decision,
    Fail,
    Finish,
    Foreach,
    Group,
    Loop,
    Node,
    Parallel,
    Retry,
    Step,
    Wait,
)
from durable_dsl.document.settings import CancelOn, Concurrency, Schedule
from durable_dsl.document.values import UNSET, Condition, Function, Json, Unset
from durable_dsl.document.waits import Awaited

Plain: TypeAlias = dict[str, Any]

_RETRY_DEFAULTS = Retry()


def plain_nodes(nodes: tuple[Node, ...]) -> list[Plain]:
    """Gives a list of nodes as one writes it."""
    return [plain_node(node) for node in nodes]


def plain_node(node: Node) -> Plain:
    """Gives one node: its kind and name first, the lists it holds last."""
    plain: Plain = {type(node).__name__.lower(): node.name}
    put(plain, "description", node.description)
    put(plain, "when", _plain_condition(node.when))
    lists: Plain = {}
    match node:
        case Step():
            _put_action(plain, node.action)
            put(plain, "retry", None if node.retry is None else plain_retry(node.retry))
            put(plain, "compensate", None if node.compensate is None else _plain_compensation(node.compensate))
        case Decision():
            put(
                plain,
                "choose",
                [{"when": _plain_condition(choice.when), "goto": choice.goto} for choice in node.choose],
                [],
            )
            put(plain, "call", node.call)
            put(plain, "goto", list(node.goto), [])
        case Branch():
            put(plain, "match", _plain_expression(node.match))
            lists["cases"] = _plain_cases(node)
            put(lists, "default", None if node.default is None else plain_nodes(node.default))
        case Parallel():
            put(plain, "on_error", node.on_error, "fail_fast")
            put(plain, "join", {"at_least": node.join} if isinstance(node.join, int) else node.join, "all")
            lists["branches"] = {label: plain_nodes(nodes) for label, nodes in node.branches.items()}
        case Foreach():
            plain["in"] = _plain_expression(node.in_)
            put(plain, "as", node.as_, "item")
            put(plain, "batch", node.batch)
            put(plain, "concurrency", node.concurrency, 1)
            put(plain, "on_error", node.on_error, "fail_fast")
            lists["steps"] = plain_nodes(node.steps)
        case Loop():
            _put_loop(plain, node)
            lists["steps"] = plain_nodes(node.steps)
        case Wait():
            _put_awaited(plain, node)
            for key, labels in (("any", node.any), ("all", node.all)):
                put(plain, key, {label: _put_awaited({}, awaited) for label, awaited in labels.items()}, {})
        case Group():
            lists["steps"] = plain_nodes(node.steps)
        case Fail():
            put(plain, "type", node.type, "Failed")
            put(plain, "message", plain_json(node.message))
            put(plain, "data", plain_json(node.data))
        case Finish():
            pass
        case _:
            assert_never(node)
    put(plain, "timeout", node.timeout)
    if isinstance(node, Wait) and node.on_timeout is not None:
        after = node.on_timeout
        plain["on_timeout"] = {"value": plain_json(after.value)} if after.goto is None else {"goto": after.goto}
    if not isinstance(node.output, Unset):
        plain["output"] = plain_json(node.output)
    put(plain, "save", node.save)
    put(plain, "ignore_errors", node.ignore_errors, False)
    put(lists, "catch", [_plain_catch(row) for row in node.catch], [])
    return plain | lists


def plain_json(value: Json) -> Json:
    """Gives a JSON value in plain dicts and lists, in the same order."""
    if isinstance(value, Mapping):
        return {key: plain_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(inner) for inner in value]
    return value


def put(plain: Plain, key: str, value: Json, default: Json = None) -> None:
    """Puts a value that is not at its default."""
    # The types are compared too: 1 == True, and a default of 1 must not swallow a true.
    if type(value) is not type(default) or value != default:
        plain[key] = value


def _put_action(plain: Plain, action: Action) -> None:
    match action:
        case Call():
            plain["call"] = action.function
            put(plain, "with", plain_json(action.with_))
        case Set():
            plain["set"] = plain_json(action.values)
        case Publish():
            plain["publish"] = plain_json(action.values)
        case Log():
            plain["log"] = plain_json(action.message)
        case Http():
            plain["http"] = plain_fields(action)
        case Shell():
            plain["shell"] = plain_fields(action)
        case Sql():
            plain["sql"] = plain_fields(action)
        case Use():
            plain["use"] = action.plugin
            put(plain, "with", plain_json(action.with_))
        case Child() | Start():
            plain["workflow" if isinstance(action, Child) else "start"] = action.workflow
            put(plain, "with", plain_json(action.with_))
            put(plain, "key", action.key)
            put(plain, "queue", action.queue)
            put(plain, "attached", isinstance(action, Start) and action.attached, False)
        case Emit():
            plain["emit"] = action.event
            put(plain, "with", plain_json(action.with_))
            put(plain, "key", action.key)
            put(plain, "to", action.to)
        case _:
            assert_never(action)


def action_word(action: Action) -> str:
    """Gives the key by which an action is written."""
    plain: Plain = {}
    _put_action(plain, action)
    return next(iter(plain))


def plain_fields(action: Http | Shell | Sql | Concurrency | CancelOn | Schedule) -> Plain:
    """Gives the fields of what stands in one mapping; what is at its default is left out."""
    plain: Plain = {}
    for field in fields(action):
        value = getattr(action, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if value is not UNSET:
            put(plain, field.name, plain_json(value), plain_json(default))
    return plain


def _put_awaited(plain: Plain, awaited: Awaited | Wait) -> Plain:
    put(plain, "for", awaited.for_)
    put(plain, "at", awaited.until_at)
    if awaited.event is not None:
        plain["event"] = awaited.event.name
        put(plain, "key", awaited.event.key)
        put(plain, "where", _plain_condition(awaited.event.where))
    if awaited.ask is not None:
        ask = awaited.ask
        plain["ask"] = ask.kind
        put(plain, "prompt", ask.prompt)
        put(plain, "assignees", list(ask.assignees), [])
        put(plain, "choices", list(ask.choices), [])
        put(plain, "fields", plain_json(ask.fields), {})
        put(plain, "schema", plain_json(ask.schema))
        put(plain, "metadata", plain_json(ask.metadata), {})
    return plain


def _put_loop(plain: Plain, node: Loop) -> None:
    put(plain, "while", _plain_condition(node.while_))
    put(plain, "until", _plain_condition(node.until))
    put(plain, "every", node.every)
    if node.backoff is not None:
        plain["backoff"] = {"factor": node.backoff.factor}
        put(plain["backoff"], "max", node.backoff.max)
    put(plain, "max_iterations", node.max_iterations, 1000)
    put(plain, "on_limit", node.on_limit, "fail")
    put(plain, "keep", node.keep)


def _plain_condition(condition: Condition | None) -> Json:
    """Gives a constant condition as YAML's own literal, without quotes."""
    if isinstance(condition, Function):
        return _plain_expression(condition)
    return {"true": True, "false": False}.get(condition, condition) if condition is not None else None


def _plain_expression(expression: Condition | None) -> Json:
    return {"call": expression.path} if isinstance(expression, Function) else expression


def _plain_cases(node: Branch) -> Json:
    if all(case.value is not None for case in node.cases):
        return {case.value: plain_nodes(case.steps) for case in node.cases}
    return [{"when": _plain_condition(case.when), "steps": plain_nodes(case.steps)} for case in node.cases]


def _plain_compensation(compensation: Compensation) -> Json:
    plain: Plain = {}
    _put_action(plain, compensation.action)
    put(plain, "retry", None if compensation.retry is None else plain_retry(compensation.retry))
    put(plain, "timeout", compensation.timeout)
    return plain["call"] if list(plain) == ["call"] else plain


def _plain_catch(row: Catch) -> Plain:
    plain: Plain = {}
    put(plain, "errors", list(row.errors), [])
    put(plain, "when", _plain_condition(row.when))
    put(plain, "compensate", row.compensate, False)
    put(plain, "rethrow", row.rethrow, False)
    if row.steps or not row.rethrow:
        plain["steps"] = plain_nodes(row.steps)
    return plain


def plain_retry(retry: Retry | str) -> Json:
    """Gives what stands behind `retry`: a policy's name, a number of attempts, or a mapping."""
    if isinstance(retry, str):
        return retry
    policy = plain_policy(retry)
    return policy["max_attempts"] if list(policy) == ["max_attempts"] else policy


def plain_policy(retry: Retry) -> Plain:
    """Gives a policy as a mapping; its number of attempts always stands in it."""
    policy: Plain = {"max_attempts": retry.max_attempts}
    for field in fields(Retry):
        value = getattr(retry, field.name)
        if value != getattr(_RETRY_DEFAULTS, field.name):
            policy[field.name.rstrip("_")] = list(value) if isinstance(value, tuple) else value
    put(policy, "when", _plain_condition(policy.pop("when", None)))
    return policy
