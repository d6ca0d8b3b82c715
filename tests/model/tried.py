"""The attempts of the reference: of functions, of their calls, of other workflows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from durable_dsl import graph as g
from tests.model.outcome import Attempts, Entry, Error, Failed, Stuck
from tests.model.steps import ERRORS, Given, Hung, Raised, outcome_of, outcome_of_call
from tests.model.values import as_stored, is_json

if TYPE_CHECKING:
    from tests.model.reference import Names, Reference, Scope


def attempt(
    reference: Reference,
    node: g.Step | g.Decision,
    function: str,
    with_: Any,
    path: str,
    scope: Scope,
    names: Names,
) -> Any:
    """Calls a function until it works or its policy says no: its result."""
    arguments = reference.render(with_, scope, names) if with_ is not None else None
    policy = node.retry if isinstance(node, g.Step) else g.ONE_ATTEMPT
    done: list[Given | Raised] = []
    number = 0
    while True:
        number += 1
        has_calls = function.endswith(".journey")
        note(reference, path, 0, number, noted=not has_calls)
        if has_calls:
            assert arguments is not None
            outcome: Given | Raised | Hung = _journey(reference, path, number, done, **arguments)
        else:
            outcome = outcome_of(function, arguments, scope.data, path, number)
        match outcome:
            case Given(value) if is_json(value):
                return as_stored(value)
            case Given():
                raise Failed(Error("ResultNotStorable", path, number))
            case Raised(error):
                found = raised(error, path, number)
            case _:
                found = Error("Timeout", path, number, ("Timeout", "Exception"))
        if not is_retried(reference, policy, found, number, scope, names):
            raise Failed(found)


def note(reference: Reference, path: str, outer: int, count: int, *, noted: bool = True) -> None:
    """Notes how many attempts there were of a function, or of a call in one attempt of its step."""
    reference.story.attempts.setdefault(path, {})[outer] = Attempts(count, noted=noted)


def raised(error: str, path: str, attempt: int) -> Error:
    """Gives an error of one of the classes of steps."""
    classes = tuple(cls.__name__ for cls in ERRORS[error].__mro__[:-2])
    return Error(error, path, attempt, classes, f"{error} of attempt {attempt}", None)


def _journey(
    reference: Reference,
    path: str,
    outer: int,
    done: list[Given | Raised],
    calls: list[dict[str, Any]],
    failures: int = 0,
) -> Given | Raised:
    """Makes the calls of one attempt. What `done` holds was made before; one at its end that failed is made again."""
    found: list[Any] = []
    names: Counter[str] = Counter()
    position, is_over = 0, True
    for call in calls:
        if "stumbles" in call and outer > call["stumbles"]:
            continue
        names[call["name"]] += 1
        own = f"{path}/{call['name']}" + (f"#{names[call['name']]}" if names[call["name"]] > 1 else "")
        if position == len(done):
            done.append(_call(reference, call, own, outer))
        outcome = done[position]
        position += 1
        if isinstance(outcome, Given):
            found += [] if "sleep" in call else [outcome.value]
        elif call.get("caught"):
            found.append(outcome.error)
        else:
            is_over = False
            break
    if is_over and outer > failures:
        return Given(found)
    if done and isinstance(done[-1], Raised):
        done.pop()
    return Raised("StepFailed")


def _call(reference: Reference, call: dict[str, Any], path: str, outer: int) -> Given | Raised:
    entries = reference.story.entries
    if "sleep" in call:
        entries.append(Entry(path, "completed"))
        return Given(None)
    for number in range(1, call.get("attempts", 1) + 1):
        note(reference, path, outer, number)
        outcome = outcome_of_call(call, path, number)
        if isinstance(outcome, Given):
            entries.append(Entry(path, "completed", as_stored(outcome.value)))
            return outcome
    entries.append(Entry(path, "failed", None, raised("StepFailed", path, number)))
    return Raised("StepFailed")


def call_child(
    reference: Reference, node: g.Step, workflow: str, with_: Any, path: str, scope: Scope, names: Names
) -> Any:
    """Runs another workflow; what becomes of its own instances is told of that execution, not of this one."""
    input = reference.render(with_, scope, names)
    number = 0
    while True:
        number += 1
        note(reference, path, 0, number, noted=False)
        try:
            child = reference.other(workflow, input).tell()
        except Stuck:
            assert isinstance(node.timeout, int)
            error = Error("Timeout", path, number, ("Timeout", "Exception"))
        else:
            if child.status == "completed":
                return child.output
            error = Error("ChildFailed", path, number, ("ChildFailed", "Exception"))
        if not is_retried(reference, node.retry, error, number, scope, names):
            raise Failed(error)


def is_retried(
    reference: Reference, policy: g.RetryPolicy, error: Error, attempt: int, scope: Scope, names: Names
) -> bool:
    """Whether a policy allows one attempt more."""
    if attempt >= policy.max_attempts or error.type == "Fatal":
        return False
    if policy.only and not set(policy.only) & set(error.names):
        return False
    if set(policy.except_) & set(error.names):
        return False
    return policy.when is None or reference.test(policy.when, scope, names | {"error": error.as_json()})
