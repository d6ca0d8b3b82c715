"""Reads of values that cannot be there: data before anything can have saved it, unknown inputs, constants and facts.

What the data may hold is followed along every path. A key may be there when some way to the read can have saved it;
after a call that merges its whole result, and with an input that takes anything, every key may be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from durable_dsl.checks.clashes import changed_keys
from durable_dsl.checks.fields import Field, catch_fields, compensation_fields, output_fields, turn_fields
from durable_dsl.checks.known import Known, declared, either
from durable_dsl.checks.networks import Flow
from durable_dsl.checks.sources import Sources
from durable_dsl.graph import (
    END,
    Branch,
    Call,
    Decision,
    Finish,
    Foreach,
    Graph,
    Group,
    Loop,
    Node,
    OnTimeout,
    Parallel,
    Set,
    Step,
    Wait,
    lists_of,
    walk,
)
from durable_dsl.suggestions import did_you_mean

EXECUTION = ("id", "workflow", "queue", "started_at", "scheduled_for", "parent_id")
ERROR = ("type", "message", "data", "node", "attempt")

FACTS = {"execution": EXECUTION, "error": ERROR}
"""What the names hold that the engine itself gives."""


def check_reads(graph: Graph, flow: Flow, sources: Sources) -> None:
    """Reports every read of a value that nothing can have put there."""
    start = declared(graph.input)
    reader = _Reader(graph, flow, sources, start)
    if isinstance(graph.timeout, str):
        reader.check(None, output_fields(graph.timeout, "timeout"), start)
    ended, _jumps = reader.follow(graph.steps, start)
    ended = either(ended, reader.finished)
    if graph.reshapes and ended is not None:
        reader.check(None, output_fields(graph.output), ended)
    if graph.on_failure:
        reader.follow(graph.on_failure, _after_some(start, graph.steps))


@dataclass(slots=True)
class _Reader:
    """Follows the lists of one graph; `finished` is what is known where a `finish` uses the workflow's output."""

    graph: Graph
    flow: Flow
    sources: Sources
    input: Known
    finished: Known | None = None
    _told: set[str] = field(default_factory=set)

    def follow(self, nodes: tuple[Node, ...], start: Known) -> tuple[Known | None, dict[str, Known]]:
        """Gives what is known at a list's end (None: never reached), and at the targets outside that it jumps to."""
        arrivals: dict[str, Known] = {}
        following = [*(node.id for node in nodes), END]
        _arrive(arrivals, following[0], start)
        for index, node in enumerate(nodes):
            before = arrivals.pop(node.id, None)
            if before is None:
                continue
            after, jumps = self._pass(node, before)
            for target, known in jumps.items():
                _arrive(arrivals, target, known)
            if self.flow.exits(node).falls_through:
                _arrive(arrivals, following[index + 1], after)
        return arrivals.pop(END, None), arrivals

    def _pass(self, node: Node, before: Known) -> tuple[Known, dict[str, Known]]:
        """Gives what is known behind a node and where it jumps to."""
        self.check(node, self.flow.entry_fields(node), before)
        worked, jumps = self._work(node, before)
        for row_end, row_jumps in self._catch(node, before):
            worked = either(worked, row_end)
            for target, known in row_jumps.items():
                _arrive(jumps, target, known)
        done = worked if worked is not None else before
        if node.reshapes:
            # Lists that share the data have changed it by now; a node's own change is made only after its output.
            seen = done if isinstance(node, Branch | Group | Loop) else before
            self.check(node, output_fields(node.output), seen)
        if isinstance(node, Finish) and not node.reshapes:
            self.finished = either(self.finished, before)
        saved = done.plus([node.save] if node.save is not None else [])
        self.check(node, compensation_fields(node), saved)
        return (either(saved, before) or saved) if node.when is not None else saved, jumps

    def _work(self, node: Node, before: Known) -> tuple[Known | None, dict[str, Known]]:
        match node:
            case Step(action=Set(values=values)):
                return before.plus(values), {}
            case Step():
                return (before.merged() if _merges(node) else before), {}
            case Decision():
                targets = [*(choice.goto for choice in node.choose), *node.targets.values()]
                return before, dict.fromkeys(targets, before)
            case Wait(on_timeout=OnTimeout(goto=str(target))):
                return before, {target: before}
            case Branch() | Group():
                return self._one_of(node, before)
            case Parallel():
                ends = [self.follow(nodes, before)[0] for nodes in node.branches.values()]
                if node.save is not None:
                    return before, {}
                joined = before
                for end in ends:
                    joined = either(joined, end) or joined
                return joined, {}
            case Foreach():
                self.follow(node.steps, before)
                return before, {}
            case Loop():
                return self._turns(node, before)
            case _:
                return before, {}

    def _catch(self, node: Node, before: Known) -> Iterator[tuple[Known | None, dict[str, Known]]]:
        """Yields what is known behind each list of a node's `catch`, and where it jumps to."""
        if not node.catch and not node.ignore_errors:
            return
        # The copies that branches of a parallel and items of a foreach change are gone with the error.
        lists = [] if isinstance(node, Parallel | Foreach) else [inner for _label, inner in lists_of(node)]
        failed = before
        for inner in lists:
            failed = either(failed, _after_some(before, inner)) or failed
        self.check(node, catch_fields(node), failed)
        for row in node.catch:
            end, jumps = self.follow(row.steps, failed)
            yield None if row.rethrow else end, jumps
        if node.ignore_errors:
            yield failed, {}

    def _one_of(self, node: Branch | Group, before: Known) -> tuple[Known | None, dict[str, Known]]:
        known: Known | None = None
        jumps: dict[str, Known] = {}
        for _label, nodes in lists_of(node):
            end, outward = self.follow(nodes, before)
            known = either(known, end)
            for target, arriving in outward.items():
                _arrive(jumps, target, arriving)
        return known, jumps

    def _turns(self, node: Loop, before: Known) -> tuple[Known | None, dict[str, Known]]:
        """A turn may follow another one, so each sees what any of them may have saved."""
        any_turn = _after_some(before, node.steps)
        end, jumps = self.follow(node.steps, any_turn)
        self.check(node, turn_fields(node), any_turn)
        return (either(before, end) if node.while_ is not None else end), jumps

    def check(self, node: Node | None, fields: Iterable[Field], known: Known) -> None:
        """Reports the reads of these expressions that find nothing."""
        for each in fields:
            for path in sorted(each.expression.paths):
                root, *rest = path
                if not rest:
                    continue
                match root:
                    case "data" if not known.may_have(rest[0]):
                        self._tell_data(node, each, rest[0], known)
                    case "input" if not self.input.may_have(rest[0]):
                        hint = did_you_mean(rest[0], self.input.keys) or f"it has {_listed(self.input.keys)}"
                        self._tell("W207", node, each, path, f"the input has no property '{rest[0]}'", hint)
                    case "constants":
                        self._check_constant(node, each, path)
                    case "execution" | "error" if rest[0] not in FACTS[root]:
                        hint = did_you_mean(rest[0], FACTS[root]) or f"it has {_listed(FACTS[root])}"
                        self._tell("W208", node, each, path, f"'{root}' has no '{rest[0]}'", hint)
                    case _:
                        pass

    def _tell_data(self, node: Node | None, each: Field, key: str, known: Known) -> None:
        writer = next((writer for changed, writer, _keys in changed_keys(self.graph.steps) if changed == key), None)
        hint = did_you_mean(key, known.keys)
        if writer is not None:
            hint = f"'{writer.name}' sets it, but not on any way to this place"
        elif hint is None:
            hint = f"there may be {_listed(known.keys)}" if known.keys else "nothing is in the data here"
        self._tell("W206", node, each, ("data", key), f"nothing can have put '{key}' into the data here", hint)

    def _check_constant(self, node: Node | None, each: Field, path: tuple[str, ...]) -> None:
        value: object = self.graph.constants
        for length, key in enumerate(path[1:], start=2):
            if not isinstance(value, Mapping):
                return
            if key not in value:
                where = ".".join(path[: length - 1])
                names = list(value)
                hint = did_you_mean(key, names) or (f"it has {_listed(names)}" if names else "define it there")
                self._tell("W208", node, each, path[:length], f"'{where}' has no '{key}'", hint)
                return
            value = value[key]

    def _tell(self, code: str, node: Node | None, each: Field, path: tuple[str, ...], message: str, hint: str) -> None:
        node_id = node.id if node is not None else None
        place = f"{node_id} {each.keys} {path}"
        if place in self._told:
            return
        self._told.add(place)
        self.sources.add_inside(code, node_id, each.keys, message, each.text, ".".join(path), hint=hint)


def _after_some(before: Known, nodes: tuple[Node, ...]) -> Known:
    """Gives what may be known when some of these nodes have run, and nobody knows which."""
    known = before.plus(key for key, _node, _keys in changed_keys(nodes))
    return known.merged() if any(_merges(inner) for inner in walk(nodes)) else known


def _merges(node: Node) -> bool:
    """Tells whether a step merges a mapping whose keys nobody knows before it runs."""
    return isinstance(node, Step) and isinstance(node.action, Call) and node.action.with_ is None and node.save is None


def _arrive(arrivals: dict[str, Known], target: str, known: Known) -> None:
    arrivals[target] = either(arrivals.get(target), known) or known


def _listed(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:8]) + (", …" if len(listed) > 8 else "")
