"""What a name means where an expression is compiled, and which calls bind names of their own."""

from __future__ import annotations

from collections.abc import Callable

from durable_dsl.expressions.budget import FIRST_LOCAL, Code
from durable_dsl.expressions.errors import SyntaxProblem
from durable_dsl.expressions.syntax import Call, Name, Node


class Scope:
    """Where each variable of a macro has its place in the frame, and which names the surroundings declare."""

    __slots__ = ("_compile", "_next", "declared", "slots")

    def __init__(self, compile_node: Callable[[Node, Scope], Code], declared: frozenset[str]) -> None:
        self._compile = compile_node
        self._next = [FIRST_LOCAL]
        self.declared = declared
        self.slots: dict[str, int] = {}

    @property
    def locals_needed(self) -> int:
        """How many places a frame needs for variables, once everything is compiled."""
        return self._next[0] - FIRST_LOCAL

    def code(self, node: Node) -> Code:
        """Compile a node in this scope."""
        return self._compile(node, self)

    def bind(self, names: tuple[str, ...]) -> tuple[Scope, tuple[int, ...]]:
        """Give a scope in which these names have places of their own, with those places."""
        inner = Scope(self._compile, self.declared)
        inner._next = self._next
        start = self._next[0]
        self._next[0] += len(names)
        places = tuple(range(start, start + len(names)))
        inner.slots = {**self.slots, **dict(zip(names, places, strict=True))}
        return inner, places

    def is_taken(self, name: str) -> bool:
        """Say whether a variable hides what `name` would otherwise mean: a type, a namespace, `now`."""
        return name in self.slots or name in self.declared


class Binding:
    """A macro's call taken apart: `outer` is evaluated outside, `inner` with the variables bound."""

    __slots__ = ("inner", "outer", "variables")

    def __init__(self, outer: Node, variables: tuple[str, ...], inner: tuple[Node, ...]) -> None:
        self.outer = outer
        self.variables = variables
        self.inner = inner


# Name → {number of arguments: how many of them are variables}
_FORMS: dict[str, dict[int, int]] = {
    "all": {2: 1, 3: 2},
    "exists": {2: 1, 3: 2},
    "exists_one": {2: 1, 3: 2},
    "existsOne": {2: 1, 3: 2},
    "filter": {2: 1},
    "map": {2: 1, 3: 1},
    "transformList": {3: 2, 4: 2},
    "transformMap": {3: 2, 4: 2},
    "sortBy": {2: 1},
    "optMap": {2: 1},
    "optFlatMap": {2: 1},
}
MACRO_NAMES = frozenset(_FORMS)


def find_binding(node: Call) -> Binding | None:
    """Take a macro's call apart; None for any other call; raises SyntaxProblem if it is not formed as it must be."""
    if node.base is None:
        return None
    if node.name == "bind" and type(node.base) is Name and node.base.name == "cel":
        if len(node.args) != 3:
            raise SyntaxProblem("cel.bind() takes a name, its value and an expression", node.at)
        return Binding(node.args[1], (_variable(node.args[0], "cel.bind"),), (node.args[2],))
    forms = _FORMS.get(node.name)
    if forms is None:
        return None
    count = forms.get(len(node.args))
    if count is None:
        example = "x, x > 0" if min(forms.values()) == 1 else "i, x, x > 0"
        raise SyntaxProblem(
            f"{node.name}() takes {' or '.join(str(number) for number in forms)} arguments, not {len(node.args)}",
            node.at,
            f"write it as .{node.name}({example})",
        )
    variables = tuple(_variable(argument, node.name) for argument in node.args[:count])
    if len(set(variables)) < len(variables):
        raise SyntaxProblem(f"{node.name}() binds '{variables[0]}' twice", node.args[1].at)
    return Binding(node.base, variables, node.args[count:])


def _variable(node: Node, macro: str) -> str:
    if type(node) is Name and not node.rooted:
        return node.name
    raise SyntaxProblem(f"{macro}() needs the name of a variable here", node.at, "as in list.map(x, x.price)")
