"""What all values of a document are made of."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value whose texts may hold `${ … }`. `Any` because JSON is recursive and every reader narrows it anyway."""


class Unset:
    """Tells an absent value from one that is null; there is exactly one, `UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
