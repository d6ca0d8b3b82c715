"""The functions that benchmarked workflows call: nothing, so that only the engine is measured."""

from __future__ import annotations

from typing import Any


async def nothing(data: dict[str, Any]) -> None:
    """Takes the data and changes nothing."""


async def same(item: int) -> int:
    """Gives back what it was given."""
    return item


def numbers(count: int) -> list[int]:
    """Gives a list to go through."""
    return list(range(count))
