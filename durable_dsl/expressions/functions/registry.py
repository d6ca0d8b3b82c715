"""How a function is declared and how a call finds the overload for its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.values import Duration, Maybe, Timestamp, Uint, kind, kind_name

Kinds: TypeAlias = frozenset[type] | None

ANY: Final[Kinds] = None
BOOL: Final[Kinds] = frozenset({bool})
INT: Final[Kinds] = frozenset({int})
WHOLE: Final[Kinds] = frozenset({int, Uint})
DOUBLE: Final[Kinds] = frozenset({float})
NUMBER: Final[Kinds] = frozenset({int, float, Uint})
STRING: Final[Kinds] = frozenset({str})
BYTES: Final[Kinds] = frozenset({bytes})
LIST: Final[Kinds] = frozenset({list})
MAP: Final[Kinds] = frozenset({dict})
TIMESTAMP: Final[Kinds] = frozenset({Timestamp})
DURATION: Final[Kinds] = frozenset({Duration})
OPTIONAL: Final[Kinds] = frozenset({Maybe})


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function: which types each argument may have, and what runs.

    `run` gets the frame before the arguments if `framed`: then it pays for what it builds, or reads `now`.
    `rest`, if given, is what any number of further arguments may be.
    """

    takes: tuple[Kinds, ...]
    run: Callable[..., Any]
    framed: bool
    rest: tuple[Kinds, ...] = ()

    def fits(self, types: tuple[type, ...]) -> bool:
        """Say whether arguments of exactly these types can be passed."""
        needed = len(self.takes)
        if len(types) < needed or (len(types) > needed and not self.rest):
            return False
        if any(kinds is not None and of not in kinds for kinds, of in zip(self.takes, types, strict=False)):
            return False
        return all(kinds is None or of in kinds for of in types[needed:] for kinds in self.rest)

    def describe(self, skip: int) -> str:
        """Name what it takes for a message, without the first `skip`: '(string, int)'."""
        shown = [_describe(kinds) for kinds in self.takes[skip:]] + [f"{_describe(kinds)}…" for kinds in self.rest]
        return f"({', '.join(shown)})"


class Function:
    """A function or a method with all its overloads."""

    __slots__ = ("_found", "is_method", "name", "overloads", "uses_now")

    def __init__(self, name: str, is_method: bool) -> None:
        self.name = name
        self.is_method = is_method
        self.overloads: list[Overload] = []
        self.uses_now = False
        # One entry for each combination of types ever seen; the types are few, so it stays small.
        self._found: dict[tuple[type, ...], Overload] = {}

    def resolve(self, types: tuple[type, ...], args: Sequence[Any]) -> Overload:
        """Give the overload for arguments of these types; raises Failure saying what would fit."""
        overload = self._found.get(types)
        if overload is not None:
            return overload
        for overload in self.overloads:
            if overload.fits(types):
                if not overload.rest:
                    self._found[types] = overload
                return overload
        raise Failure(self._misfit(args))

    def accepts_count(self, count: int) -> bool:
        """Say whether any overload takes this many arguments, the receiver of a method included."""
        return any(len(o.takes) == count or (o.rest and count >= len(o.takes)) for o in self.overloads)

    def usage(self) -> str:
        """Say how it is called: 'substring(int) or substring(int, int)'."""
        return " or ".join(
            dict.fromkeys(f"{self.name}{overload.describe(1 if self.is_method else 0)}" for overload in self.overloads)
        )

    def _misfit(self, args: Sequence[Any]) -> str:
        if not self.is_method:
            given = ", ".join(kind(argument) for argument in args)
            return f"{self.name}() does not take ({given}); it is called {self.usage()}"
        receiver, rest = args[0], args[1:]
        fitting = [o for o in self.overloads if o.takes[0] is None or type(receiver) in o.takes[0]]
        if not fitting:
            receivers = " or ".join(dict.fromkeys(_describe(overload.takes[0]) for overload in self.overloads))
            hint = "; it may be missing: .?field.orValue(…)" if receiver is None else ""
            hint = "; take its value with .orValue(…) first" if type(receiver) is Maybe else hint
            return f".{self.name}() needs a {receivers}, not {kind(receiver)}{hint}"
        given = ", ".join(kind(argument) for argument in rest)
        usage = " or ".join(dict.fromkeys(f".{self.name}{overload.describe(1)}" for overload in fitting))
        return f".{self.name}() does not take ({given}) here; it is called {usage}"


FUNCTIONS: Final[dict[str, Function]] = {}
METHODS: Final[dict[str, Function]] = {}


def function(
    name: str,
    takes: Sequence[Kinds],
    run: Callable[..., Any],
    *,
    framed: bool = False,
    uses_now: bool = False,
    rest: Kinds | None = None,
) -> None:
    """Add an overload of the function `name`; a name with a dot lies in a namespace."""
    entry = FUNCTIONS.setdefault(name, Function(name, False))
    entry.overloads.append(Overload(tuple(takes), run, framed, (rest,) if rest is not None else ()))
    entry.uses_now = entry.uses_now or uses_now


def method(name: str, takes: Sequence[Kinds], run: Callable[..., Any], *, framed: bool = False) -> None:
    """Add an overload of the method `name`; the first of `takes` is what it is called on."""
    METHODS.setdefault(name, Function(name, True)).overloads.append(Overload(tuple(takes), run, framed))


def _describe(kinds: Kinds) -> str:
    if kinds is None:
        return "any"
    if kinds == NUMBER:
        return "number"
    return " or ".join(sorted(kind_name(of) for of in kinds))
