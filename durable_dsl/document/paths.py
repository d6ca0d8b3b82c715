"""Every node of a document with its id and its path in the plain document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durable_dsl.document.nodes import Branch, Decision, Fail, Finish, Foreach, Group, Loop, Node, Parallel, Step, Wait
from durable_dsl.document.workflow import Workflow
from durable_dsl.places import Path, Places


@dataclass(frozen=True, slots=True)
class LocatedNode:
    """A node, its id (`route/make_link`) and the path that its fields' places begin with (`("steps", 2)`)."""

    node: Node
    id: str
    path: Path


def locate_nodes(workflow: Workflow) -> Iterator[LocatedNode]:
    """Yields every node, a container before its content, in the order written."""
    paths = [("steps", index) for index in range(len(workflow.steps))]
    yield from _located(workflow.steps, paths, "", workflow.places)
    yield from _located(
        workflow.on_failure, _below(("on_failure",), workflow.on_failure), "on_failure/", workflow.places
    )


def _located(nodes: tuple[Node, ...], paths: Sequence[Path], prefix: str, places: Places) -> Iterator[LocatedNode]:
    for node, path in zip(nodes, paths, strict=True):
        own = prefix + node.name
        yield LocatedNode(node, own, path)
        for inner, inner_paths in _lists(node, path, places):
            yield from _located(inner, inner_paths, own + "/", places)
        for index, row in enumerate(node.catch):
            yield from _located(row.steps, _below((*path, "catch", index, "steps"), row.steps), own + "/catch/", places)


def _lists(node: Node, path: Path, places: Places) -> Iterator[tuple[tuple[Node, ...], list[Path]]]:
    match node:
        case Branch():
            for index, case in enumerate(node.cases):
                keys = ("cases", case.value) if case.value is not None else ("cases", index, "steps")
                yield case.steps, _below((*path, *keys), case.steps)
            if node.default is not None:
                yield node.default, _below((*path, "default"), node.default)
        case Parallel():
            # The short form `steps:` makes each node its own branch.
            short = (*path, "steps") in places
            for index, (label, nodes) in enumerate(node.branches.items()):
                paths = [(*path, "steps", index)] * len(nodes) if short else _below((*path, "branches", label), nodes)
                yield nodes, paths
        case Foreach() | Loop() | Group():
            yield node.steps, _below((*path, "steps"), node.steps)
        case Step() | Decision() | Wait() | Fail() | Finish():
            return


def _below(path: Path, nodes: tuple[Node, ...]) -> list[Path]:
    return [(*path, index) for index in range(len(nodes))]
