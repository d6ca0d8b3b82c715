"""What all values of a document are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value whose texts may hold `${ … }`. `Any` because JSON is recursive and every reader narrows it anyway."""


@dataclass(frozen=True, slots=True)
class Function:
    """A Python function of the data that stands in place of an expression, importable by name."""

    path: str


Condition: TypeAlias = str | Function
"""A bare expression, or a function."""


class Unset:
    """Tells an absent value from one that is null; there is exactly one, `UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
