"""A graph made ready to run: expressions compiled, blocks indexed, once per definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

from durable_dsl import graph as g
from durable_dsl.expressions import Expression, Template, compile_expression, compile_template
from durable_runtime.core.checkpoints import Key, Keys
from durable_runtime.core.commands import Performed

Json: TypeAlias = Any
Env: TypeAlias = Mapping[str, Json]
Condition: TypeAlias = Expression | g.Function

DEFAULT_CASE = -1
"""The key of a branch's `default` list; cases have their index."""

ON_FAILURE = "on_failure"
"""The key, and the path's beginning, of what a workflow does after it failed."""

CATCH = "catch"
"""The segment of a path between a node and what its `catch` runs: `charge/catch/apologise`."""

COMPENSATE = g.COMPENSATE
"""The key, and the last segment of the path, of what undoes a step: `lines[3]/reserve/compensate`."""

_NO_FRAME = ""
"""The label of a segment that belongs to no frame of its own."""


def catch_key(row: int) -> str:
    """Gives the key of a `catch` row's list."""
    return f"{CATCH} {row}"


class CompiledAwaited:
    """One thing that a wait waits for, with its expressions compiled."""

    __slots__ = ("asks", "for_", "graph", "key", "until_at", "where")

    def __init__(self, awaited: g.Awaited) -> None:
        self.graph = awaited
        self.for_ = _span(awaited.for_)
        self.until_at = compile_template(awaited.until_at) if awaited.until_at is not None else None
        self.key: Template | None = None
        self.where: Expression | None = None
        self.asks: Template | None = None
        if awaited.event is not None:
            self.key = compile_template(awaited.event.key) if awaited.event.key is not None else None
            self.where = _expression(awaited.event.where)
        if awaited.ask is not None:
            ask = awaited.ask
            self.asks = compile_template({"prompt": ask.prompt, "assignees": ask.assignees, "metadata": ask.metadata})


_DECORATIONS = re.compile(r"\[\d+\]|#\d+")
_DECORATION = re.compile(r"\[(\d+)\]$|#(\d+)$")


class Block:
    """One list of nodes, ready to run. Compared by identity: there is one for each list of a graph, with a `name`."""

    __slots__ = ("index", "name", "nodes", "result_used")

    def __init__(self, nodes: tuple[CompiledNode, ...], result_used: bool) -> None:
        self.name = ""
        self.nodes = nodes
        self.index = {node.id: position for position, node in enumerate(nodes)}
        self.result_used = result_used


class CompiledNode:
    """A node with its expressions compiled.

    `labels` are the keys of the lists above it, with None where an instance's path says which (an item, a turn).
    `undoing` is the list of one node that undoes a step, and `undoes` is true of that node. `performs` is what an
    attempt of it does and the function's name, None where it has no attempts.
    `result_used` is false when nobody can read the node's result, so that a container need not store what it only
    passes on.
    """

    __slots__ = (
        "awaited",
        "blocks",
        "catch_when",
        "choices",
        "conditions",
        "data",
        "every",
        "for_",
        "graph",
        "id",
        "items",
        "labels",
        "match",
        "message",
        "name",
        "on_timeout",
        "output",
        "performs",
        "result_used",
        "retry_when",
        "secrets",
        "starts_child",
        "timeout",
        "undoes",
        "undoing",
        "until",
        "until_at",
        "values",
        "when",
        "while_",
    )  # fmt: skip

    def __init__(
        self, node: g.Node, labels: tuple[Key | None, ...], last_and_used: bool, *, undoes: bool = False
    ) -> None:
        self.graph = node
        self.id = node.id
        self.name = node.name
        self.labels = labels
        self.result_used = node.save is not None or node.reshapes or last_and_used
        self.when = _condition(node.when)
        self.output = compile_template(node.output) if node.reshapes else None
        self.timeout = _span(node.timeout)
        self.values: Template | None = None
        self.message: Template | None = None
        self.data: Template | None = None
        self.retry_when: Expression | None = None
        self.choices: tuple[tuple[Condition, str], ...] = ()
        self.match: Condition | None = None
        self.conditions: tuple[tuple[Key, str | Condition | None], ...] = ()
        self.items: Condition | None = None
        self.while_: Condition | None = None
        self.until: Condition | None = None
        self.every: int | Template | None = None
        self.for_: int | Template | None = None
        self.until_at: Template | None = None
        self.awaited: dict[str, CompiledAwaited] = {}
        self.on_timeout: Template | None = None
        self.blocks: dict[Key | None, Block] = {}
        self.undoes = undoes
        self.starts_child = isinstance(node, g.Step) and isinstance(node.action, g.Child | g.Start)
        self.undoing: Block | None = None
        self.performs = _performs(node)
        self._compile(node)
        self.secrets = secrets_in(self.values)
        self.catch_when = tuple(_expression(row.when) for row in node.catch)
        for index, row in enumerate(node.catch):
            labels = (*self.labels, catch_key(index), _NO_FRAME)
            self.blocks[catch_key(index)] = _block(row.steps, labels, self.result_used)

    def _compile(self, node: g.Node) -> None:
        match node:
            case g.Step():
                self.retry_when = _expression(node.retry.when)
                if node.undoing is not None:
                    # Its labels are the step's: where it is undone, only the state can tell.
                    undo = CompiledNode(node.undoing, self.labels, False, undoes=True)
                    self.undoing = Block((undo,), False)
                match node.action:
                    case g.Call(with_=arguments):
                        self.values = compile_template(arguments) if arguments is not None else None
                    case g.Set(values=values) | g.Publish(values=values):
                        self.values = compile_template(values)
                    case g.Emit(to=to, key=key, with_=payload):
                        self.values = compile_template({"to": to, "key": key, "with": payload})
                    case g.Log(message=message):
                        self.message = compile_template(message)
                    case g.Use(with_=arguments):
                        self.values = compile_template(arguments)
                    case g.Child(with_=arguments, key=key) | g.Start(with_=arguments, key=key):
                        self.values = compile_template({"with": arguments, "key": key})
                    case g.Http() as http:
                        self.values = compile_template(
                            {
                                "method": http.method,
                                "url": http.url,
                                "headers": http.headers,
                                "query": http.query,
                                "json": http.json,
                                "sends_json": http.sends_json,
                                "body": http.body,
                                "expect": list(http.expect),
                            }
                        )
                    case g.Sql(query=query, params=params, database=database):
                        self.values = compile_template({"query": query, "params": params, "database": database or ""})
                    case g.Shell(command=command, env=env, cwd=cwd):
                        self.values = compile_template({"command": command, "env": env, "cwd": cwd})
                    case _:
                        assert_never(node.action)
            case g.Decision():
                self.choices = tuple((condition_of(row.when), row.goto) for row in node.choose)
            case g.Branch():
                self.match = _condition(node.match)
                self.conditions = tuple(
                    (index, condition_of(case.when) if case.when is not None else case.value)
                    for index, case in enumerate(node.cases)
                )
                for index, case in enumerate(node.cases):
                    self._add(index, case.steps)
                if node.default is not None:
                    self._add(DEFAULT_CASE, node.default)
            case g.Parallel():
                for label, steps in node.branches.items():
                    self._add(label, steps)
            case g.Foreach():
                self.items = condition_of(node.items)
                self._add(None, node.steps)
            case g.Loop():
                self.while_ = _condition(node.while_)
                self.until = _condition(node.until)
                self.every = _span(node.every)
                self._add(None, node.steps)
            case g.Wait():
                self.for_ = _span(node.for_)
                self.until_at = compile_template(node.until_at) if node.until_at is not None else None
                if self.for_ is None and self.until_at is None:
                    self.awaited = {"".join(path[1:]): CompiledAwaited(awaited) for path, awaited in node.awaited()}
                if node.on_timeout is not None:
                    self.on_timeout = compile_template(node.on_timeout.value)
            case g.Group():
                self._add("steps", node.steps)
            case g.Fail():
                self.message = compile_template(node.message)
                self.data = compile_template(node.data)
            case g.Finish():
                pass

    def _add(self, key: Key | None, steps: tuple[g.Node, ...]) -> None:
        self.blocks[key] = _block(steps, (*self.labels, key), self.result_used)

    @property
    def depth(self) -> int:
        """How many frames stand above the node's own."""
        return sum(label != _NO_FRAME for label in self.labels)

    def __repr__(self) -> str:
        return f"CompiledNode({self.id!r})"


class Program:
    """A graph ready to run; safe to share between executions."""

    __slots__ = ("blocks", "cancel_on", "constants", "graph", "nodes", "on_failure", "output", "root", "timeout")

    def __init__(self, graph: g.Graph) -> None:
        self.graph = graph
        self.root = _block(graph.steps, (), False)
        self.output = compile_template(graph.output) if graph.reshapes else None
        self.timeout = _span(graph.timeout)
        self.constants = graph.constants
        self.cancel_on = tuple((row, compile_template(row.key)) for row in graph.cancel_on)
        self.on_failure = _block(graph.on_failure, (ON_FAILURE,), False) if graph.on_failure else None
        self.nodes: dict[str, CompiledNode] = {}
        self.blocks: dict[str, Block] = {}
        self._index(self.root, "steps", self.nodes)
        if self.on_failure is not None:
            self._index(self.on_failure, ON_FAILURE, self.nodes)

    @property
    def keeps_turns(self) -> bool:
        """True when a loop keeps only its last turns, so that history may be pruned."""
        return any(isinstance(node.graph, g.Loop) and node.graph.keep is not None for node in self.nodes.values())

    def _index(self, block: Block, name: str, nodes: dict[str, CompiledNode]) -> None:
        """Names a list and all below it; what undoes a step is none of the graph's `nodes`."""
        block.name = name
        self.blocks[name] = block
        for node in block.nodes:
            nodes[node.id] = node
            for key, inner in node.blocks.items():
                self._index(inner, f"{node.id} {key!r}", nodes)
            if node.undoing is not None:
                self._index(node.undoing, f"{node.id} undoing", {})

    def find_undone(self, path: str) -> str | None:
        """Gives the path of the step that the instance at a path undoes; None when it undoes nothing."""
        step, _slash, last = path.rpartition("/")
        if last != COMPENSATE and step.endswith(f"/{COMPENSATE}"):
            # A call in the function that undoes the step.
            path, (step, _slash, last) = step, step.rpartition("/")
        if last != COMPENSATE or id_of(path) in self.nodes:
            return None
        node = self.nodes.get(id_of(step))
        return step if node is not None and node.undoing is not None else None

    def locate(self, path: str) -> Keys:
        """Gives the address of the frame in which the instance at `path` runs.

        Raises `KeyError` with the path when the graph has no such node.
        """
        if path in self.nodes and "/" not in path:
            return ()
        names: list[str] = []
        found: list[int | None] = []
        for segment in path.split("/"):
            decoration = _DECORATION.search(segment)
            names.append(segment[: decoration.start()] if decoration else segment)
            found.append(int(decoration.group(1) or decoration.group(2)) if decoration else None)
        # What is no node is a call in a step's function, which stands where its step stands.
        node = self.nodes.get("/".join(names))
        if node is None:
            node = self.nodes.get("/".join(names[:-1]))
            if node is None or not isinstance(node.graph, (g.Step, g.Decision)):
                raise KeyError(path)
        labels = node.labels
        keys: list[Key] = []
        for label, number in zip(labels, found, strict=False):
            key = number if label is None else label
            if key is None:
                raise KeyError(path)
            if key != _NO_FRAME:
                keys.append(key)
        return tuple(keys)


def _performs(node: g.Node) -> tuple[Performed, str] | None:
    match node:
        case g.Step(action=g.Call(function=path)) | g.Decision(call=str() as path):
            return "call", path
        case g.Step(action=g.Use(plugin=plugin)):
            return "use", plugin
        case g.Step(action=g.Http()):
            return "http", ""
        case g.Step(action=g.Shell()):
            return "shell", ""
        case g.Step(action=g.Sql(database=database)):
            return "sql", database or ""
        case _:
            return None


def id_of(path: str) -> str:
    """Gives the id of the node of an instance: its path without items and turns."""
    return _DECORATIONS.sub("", path)


def _block(steps: tuple[g.Node, ...], labels: tuple[Key | None, ...], result_used: bool) -> Block:
    last = len(steps) - 1
    return Block(
        tuple(CompiledNode(node, labels, result_used and position == last) for position, node in enumerate(steps)),
        result_used,
    )


def _expression(source: str | None) -> Expression | None:
    return compile_expression(source) if source is not None else None


def secrets_in(template: Template | None) -> tuple[str, ...]:
    """Gives the names of the secrets that a value reads."""
    if template is None:
        return ()
    read = {path for _at, expression in template.expressions for path in expression.paths | expression.guarded_paths}
    return tuple(sorted({path[1] for path in read if path[0] == "secrets"}))


def condition_of(source: g.Condition) -> Condition:
    """Compiles an expression; a function is called by a worker."""
    return compile_expression(source) if isinstance(source, str) else source


def _condition(source: g.Condition | None) -> Condition | None:
    return condition_of(source) if source is not None else None


def _span(value: int | str | None) -> int | Template | None:
    return compile_template(value) if isinstance(value, str) else value
