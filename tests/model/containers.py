"""The containers of the reference: what runs at once is run in turn, and then chance is asked who was first.

Branches and items work on copies of the data, so they cannot see each other, whatever their order.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from durable_dsl import graph as g
from tests.model.outcome import SHORT, Error, Failed, Finished, Stuck

if TYPE_CHECKING:
    from tests.model.reference import Names, Reference, Scope

Work = tuple[Any, dict[str, Any]]
Way = Literal["ok", "failed", "finished", "stuck"]


@dataclass
class Part:
    """A branch or an item that ran for itself; `since` and `until` tell where its story stands in the whole."""

    way: Way
    since: int
    until: int
    result: Any = None
    error: Error | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    def ends(self, node: g.Foreach) -> bool:
        """Whether a foreach is over, or never will be, because of it."""
        return self.way in ("finished", "stuck") or (self.way == "failed" and node.on_error == "fail_fast")

    def as_result(self) -> dict[str, Any]:
        """Gives what `complete_all` makes of it."""
        if self.error is not None:
            return {"ok": False, "error": self.error.as_json()}
        return {"ok": True, "value": self.result}


def run(reference: Reference, node: g.Node, path: str, scope: Scope, names: Names) -> Work:
    """Runs a container: its result, and what it changes in the data."""
    match node:
        case g.Group():
            return reference.run_list(node.steps, path + "/", scope, names), {}
        case g.Branch():
            return reference.run_list(_case_of(reference, node, path, scope, names), path + "/", scope, names), {}
        case g.Loop():
            return _loop(reference, node, path, scope, names), {}
        case g.Parallel():
            return _parallel(reference, node, path, scope, names)
        case g.Foreach():
            return _foreach(reference, node, path, scope, names), {}
        case _:
            raise AssertionError(node)


def _case_of(reference: Reference, node: g.Branch, path: str, scope: Scope, names: Names) -> tuple[g.Node, ...]:
    if node.match is not None:
        value = reference.evaluate(node.match, scope, names, path, "match")
        text = value if isinstance(value, str) else json.dumps(value)
        found = next((case.steps for case in node.cases if case.value == text), node.default)
    else:
        holds = (
            case.steps for case in node.cases if case.when and reference.test(case.when, scope, names, path, "cases")
        )
        found = next(holds, node.default)
    if found is None:
        raise Failed(Error("BranchNotMatched", path))
    return found


def _loop(reference: Reference, node: g.Loop, path: str, scope: Scope, names: Names) -> Any:
    result, turn = None, 0
    while True:
        turn += 1
        inside = names | {"iteration": turn}
        if node.while_ is not None and not reference.test(node.while_, scope, inside, path, f"while {turn}"):
            return result
        if turn > node.max_iterations:
            break
        result = reference.run_list(node.steps, f"{path}#{turn}/", scope, inside)
        if node.until is not None and reference.test(node.until, scope, inside, path, f"until {turn}"):
            return result
    if node.on_limit == "continue":
        return result
    raise Failed(Error("LoopLimit", path))


def _part(reference: Reference, nodes: tuple[g.Node, ...], prefix: str, scope: Scope, names: Names) -> Part:
    own, since = scope.copy(), len(reference.story.entries)
    way: Way = "ok"
    result, error = None, None
    try:
        result = reference.run_list(nodes, prefix, own, names)
    except Failed as failed:
        way, error = "failed", failed.error
    except Finished as finished:
        way, result = "finished", finished.output
    except Stuck:
        way = "stuck"
    return Part(way, since, len(reference.story.entries), result, error, own.changes)


def _is_short(node: g.Node) -> bool:
    return isinstance(node.timeout, int) and node.timeout <= SHORT


def _end_with(reference: Reference, parts: list[Part], first: Part) -> None:
    """One part ends its container: the others are cut off wherever they are."""
    for part in parts:
        if part is not first:
            reference.make_uncertain(part.since, part.until)
    if first.way == "finished":
        raise Finished(first.result)
    assert first.error is not None
    raise Failed(first.error)


def _parallel(reference: Reference, node: g.Parallel, path: str, scope: Scope, names: Names) -> Work:
    parts = {label: _part(reference, steps, path + "/", scope, names) for label, steps in node.branches.items()}
    everyone = list(parts.values())
    by_way = {way: [part for part in everyone if part.way == way] for way in ("ok", "failed", "finished", "stuck")}
    ends: list[Part | Literal["over", "late", "broken"] | tuple[str, ...]] = list(by_way["finished"])
    if _is_short(node):
        ends.append("late")
    if node.need is not None:
        good = [label for label, part in parts.items() if part.way == "ok"]
        for count in range(node.need, len(good) + 1):
            ends.extend(itertools.combinations(good, count))
        if len(by_way["failed"]) > len(everyone) - node.need:
            ends.append("broken")
    elif node.on_error == "fail_fast" and by_way["failed"]:
        ends.extend(by_way["failed"])
    elif len(by_way["ok"]) + len(by_way["failed"]) == len(everyone):
        ends.append("over")
    if not ends:
        raise Stuck
    end = reference.choose(ends)
    if isinstance(end, Part):
        _end_with(reference, everyone, end)
    if end in ("late", "broken"):
        reference.make_uncertain(everyone[0].since)
        if end == "broken":
            raise Failed(Error("JoinFailed", path))
        raise Failed(Error("Timeout", path, names=("Timeout",)))
    ended = list(end) if isinstance(end, tuple) else [label for label, part in parts.items() if part.way == "ok"]
    for label, part in parts.items():
        if isinstance(end, tuple) and label not in ended:
            reference.make_uncertain(part.since, part.until)
    changes: dict[str, Any] = {}
    if node.save is None:
        for label in ended:
            for key, value in parts[label].changes.items():
                if key in changes and json.dumps(changes[key]) != json.dumps(value):
                    raise Failed(Error("ParallelConflict", path))
                changes[key] = value
    if node.on_error == "complete_all":
        return {label: part.as_result() for label, part in parts.items()}, changes
    return {label: parts[label].result for label in ended}, changes


def _foreach(reference: Reference, node: g.Foreach, path: str, scope: Scope, names: Names) -> list[Any]:
    items = reference.evaluate(node.items, scope, names, path, "in")
    if not isinstance(items, list):
        raise Failed(Error("NotAList", path))
    if node.batch is not None:
        items = [items[at : at + node.batch] for at in range(0, len(items), node.batch)]
    parts: list[Part] = []
    for index, item in enumerate(items):
        inside = names | {node.variable: item, "index": index}
        part = _part(reference, node.steps, f"{path}[{index}]/", scope, inside)
        parts.append(part)
        if part.ends(node) and node.concurrency == 1:
            break
    # An item begins when fewer than `concurrency` before it are open, and one that ends the foreach stays open.
    ends = [part for part in parts if part.ends(node)]
    reachable = [part for part in ends[: node.concurrency] if part.way != "stuck"]
    if reachable:
        first = reference.choose(reachable)
        if node.concurrency == 1:
            parts = [first]  # those before it are over, and none after it began
        _end_with(reference, parts, first)
    if ends:
        raise Stuck
    if node.on_error == "complete_all":
        return [part.as_result() for part in parts]
    return [part.result for part in parts]
