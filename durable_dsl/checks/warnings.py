"""What is probably not meant, though it runs: reported as warnings, which stop nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from durable_dsl.checks.networks import Flow
from durable_dsl.checks.sources import Sources
from durable_dsl.document import Workflow
from durable_dsl.errors import Problem
from durable_dsl.graph import Child, Emit, Foreach, Graph, Loop, Node, Start, Step, Wait, walk
from durable_dsl.places import Path
from durable_dsl.suggestions import find_similar

_LIKENESS = 0.85
"""How alike two names are when one of them is taken for a slip of the pen: `order.paid` and `order.payed`."""


def check_keys(graph: Graph, _flow: Flow, sources: Sources) -> None:
    """Reports children that are started again and again with one key, so that only the first one is ever started."""
    told: set[str] = set()
    for outer in graph.walk():
        if not isinstance(outer, Loop | Foreach):
            continue
        for node in walk(outer.steps):
            if not isinstance(node, Step) or not isinstance(node.action, Child | Start) or node.id in told:
                continue
            if node.action.key is not None and "${" not in node.action.key:
                told.add(node.id)
                of = "item" if isinstance(outer, Foreach) else "turn"
                message = f"'{node.name}' has the same key in every {of}, so all but the first attach to one execution"
                hint = "put something of the item or the turn into the key" if of == "item" else "put the turn into it"
                sources.add("W301", node.id, ("key",), message, hint=hint)


def check_names(built: Iterable[tuple[Graph, Workflow]]) -> list[Problem]:
    """Reports names of events and of children that are nearly, and not quite, those of the same file."""
    pairs = [(graph, Sources(workflow)) for graph, workflow in built]
    workflows = {graph.workflow for graph, _sources in pairs}
    awaited = {name for graph, _sources in pairs for _node, _keys, name in _awaited(graph)}
    unheard = {name for graph, _sources in pairs for name in _emitted(graph)} - awaited
    for graph, sources in pairs:
        for node, keys, name in _awaited(graph):
            meant = find_similar(name, unheard, _LIKENESS)
            if meant is not None and name != meant:
                message = f"nothing in this file emits '{name}', and nothing waits for '{meant}'"
                sources.add("W302", node.id if node else None, keys, message, hint=f"did you mean '{meant}'?")
        for each, key, name in _children(graph):
            meant = None if name in workflows else find_similar(name, workflows, _LIKENESS)
            if meant is not None:
                message = f"there is no workflow '{name}' in this file"
                sources.add("W303", each.id, (key,), message, hint=f"did you mean '{meant}'?")
    return [problem for _graph, sources in pairs for problem in sources.problems]


def _awaited(graph: Graph) -> Iterator[tuple[Node | None, Path, str]]:
    for index, row in enumerate(graph.cancel_on):
        yield None, ("cancel_on", index, "event"), row.event
    for node in graph.walk():
        if isinstance(node, Wait):
            for path, awaited in node.awaited():
                if awaited.event is not None:
                    yield node, (*path, "event"), awaited.event.name


def _emitted(graph: Graph) -> Iterator[str]:
    for node in graph.walk():
        if isinstance(node, Step):
            actions = [node.action, *([node.compensate.action] if node.compensate is not None else [])]
            yield from (action.event for action in actions if isinstance(action, Emit))


def _children(graph: Graph) -> Iterator[tuple[Node, str, str]]:
    for node in graph.walk():
        if isinstance(node, Step) and isinstance(node.action, Child | Start):
            yield node, "workflow" if isinstance(node.action, Child) else "start", node.action.workflow
