"""What an expression reads: names, paths of fields, and which of them it guards against being missing."""

from __future__ import annotations

from durable_dsl.expressions.calls import names_function
from durable_dsl.expressions.errors import SyntaxProblem, find_similar
from durable_dsl.expressions.functions import FUNCTIONS
from durable_dsl.expressions.scope import Scope, find_binding
from durable_dsl.expressions.syntax import (
    Call,
    Chain,
    Const,
    Index,
    ListLiteral,
    Logic,
    MapLiteral,
    Name,
    Node,
    Prefix,
    Select,
    Ternary,
)
from durable_dsl.expressions.values import TYPES_BY_NAME

Path = tuple[str, ...]

_FOREIGN_NAMES = {
    "True": "write true",
    "TRUE": "write true",
    "False": "write false",
    "FALSE": "write false",
    "None": "write null",
    "NULL": "write null",
    "Null": "write null",
    "nil": "write null",
    "undefined": "write null, or has(data.field) to ask whether a field is there",
    "not": "use ! for 'not'",
}


class Reads:
    """Collects what one expression reads; `walk` visits a node with the names that macros around it bind."""

    def __init__(self, scope: Scope, allowed: frozenset[str] | None) -> None:
        self._scope = scope
        self._allowed = allowed
        self.names: set[str] = set()
        self.paths: set[Path] = set()
        self.guarded: set[Path] = set()
        self.uses_now = False

    def split(self) -> tuple[frozenset[Path], frozenset[Path]]:
        """Give the paths that must be there, and those that the expression asks about before it reads them.

        `has(data.a) ? data.a.b : 0` asks about data.a, so both data.a and data.a.b are guarded.
        """
        guarded = {path for path in self.paths if any(path[: len(asked)] == asked for asked in self.guarded)}
        return frozenset(self.paths - guarded), frozenset(self.guarded | guarded)

    def walk(self, node: Node, bound: frozenset[str]) -> None:
        """Visit a node; raises SyntaxProblem for a name that cannot be read here."""
        match node:
            case Const():
                pass
            case Name() | Select() | Index():
                self._walk_path(node, bound)
            case Call():
                self._walk_call(node, bound)
            case Prefix(operand=operand):
                self.walk(operand, bound)
            case Logic(terms=terms):
                for term in terms:
                    self.walk(term, bound)
            case Chain(first=first, rest=rest):
                self._guard_by_in(node, bound)
                self.walk(first, bound)
                for _, _, operand in rest:
                    self.walk(operand, bound)
            case Ternary(arms=arms, otherwise=otherwise):
                for _, condition, value in reversed(arms):
                    self.walk(condition, bound)
                    self.walk(value, bound)
                self.walk(otherwise, bound)
            case ListLiteral(items=items):
                for _, item in items:
                    self.walk(item, bound)
            case MapLiteral(entries=entries):
                for _, key, value in entries:
                    self.walk(key, bound)
                    self.walk(value, bound)

    def _walk_path(self, node: Name | Select | Index, bound: frozenset[str]) -> None:
        path, guarded = self._path(node, bound)
        if path is None:
            return
        if guarded:
            self.guarded.add(path)
        else:
            self.paths.add(path)

    def _path(self, node: Node, bound: frozenset[str]) -> tuple[Path | None, bool]:
        """Give the longest path known to be read, and whether a missing end of it does no harm.

        Visits everything that is no part of the path on the way: other bases, keys in brackets.
        """
        steps: list[Select | Index] = []
        while isinstance(node, Select | Index):
            steps.append(node)
            node = node.base
        if not isinstance(node, Name):
            self.walk(node, bound)
        for step in steps:
            if isinstance(step, Index):
                self.walk(step.key, bound)
        if not isinstance(node, Name) or not self._is_read(node, steps, bound):
            return None, False
        path: Path = (node.name,)
        for step in reversed(steps):
            field = step.field if isinstance(step, Select) else step.key.value if type(step.key) is Const else None
            if type(field) is not str:
                break
            path = (*path, field)
            if step.optional:
                return path, True
        return path, False

    def _is_read(self, node: Name, steps: list[Select | Index], bound: frozenset[str]) -> bool:
        name = node.name
        if name in bound and not node.rooted:
            return False
        if not node.rooted and name not in self._scope.declared:
            if name == "now":
                self.uses_now = True
                return False
            dotted = ".".join([name, *(step.field for step in reversed(steps) if isinstance(step, Select))])
            if name in TYPES_BY_NAME or dotted in TYPES_BY_NAME:
                return False
            if name in _FOREIGN_NAMES:
                raise SyntaxProblem(f"there is no '{name}'", node.at, _FOREIGN_NAMES[name])
        if self._allowed is not None and name not in self._allowed:
            raise SyntaxProblem(f"there is no '{name}' here", node.at, _offer(name, self._allowed | bound))
        self.names.add(name)
        return True

    def _walk_call(self, node: Call, bound: frozenset[str]) -> None:
        if node.base is None and node.name == "has" and len(node.args) == 1:
            self._guard(node.args[0], bound)
            return
        binding = find_binding(node)
        if binding is not None:
            self.walk(binding.outer, bound)
            for body in binding.inner:
                self.walk(body, bound | set(binding.variables))
            return
        if node.base is None:
            entry = FUNCTIONS.get(node.name)
            self.uses_now = self.uses_now or (entry is not None and entry.uses_now)
        elif not (names_function(node, self._scope) and isinstance(node.base, Name) and node.base.name not in bound):
            self.walk(node.base, bound)
        for argument in node.args:
            self.walk(argument, bound)

    def _guard(self, target: Node, bound: frozenset[str]) -> None:
        """`has(a.b.c)` guards a.b.c, and reads a.b."""
        path, _ = self._path(target, bound)
        if path is None:
            return
        self.guarded.add(path)
        if isinstance(target, Select | Index) and len(path) > 2:
            self.walk(target.base, bound)

    def _guard_by_in(self, node: Chain, bound: frozenset[str]) -> None:
        """`'b' in a` guards a.b."""
        keys = (node.first, *(operand for _, _, operand in node.rest))
        for (sign, _, container), key in zip(node.rest, keys, strict=False):
            if sign == "in" and type(key) is Const and type(key.value) is str:
                path, guarded = self._path(container, bound)
                if path is not None and not guarded:
                    self.guarded.add((*path, key.value))


def _offer(name: str, allowed: frozenset[str]) -> str:
    similar = find_similar(name, sorted(allowed))
    if similar is not None:
        return f"did you mean '{similar}'?"
    data = f"; a field of the data is read as data.{name}" if "data" in allowed else ""
    return f"there are {', '.join(sorted(allowed))}{data}" if allowed else "no names can be read here"
