"""Functions that stand in place of expressions, and note when they are asked."""

from __future__ import annotations

from typing import Any

ASKED: list[str] = []


def is_open(data: dict[str, Any]) -> bool:
    """Opens once it has been looked at twice."""
    ASKED.append("is_open")
    return bool(data["looks"] >= 2)


async def kind(data: dict[str, Any]) -> str:
    """Says which case it is."""
    ASKED.append("kind")
    return str(data["kind"])


def orders(data: dict[str, Any]) -> list[int]:
    """Gives what there is to do."""
    ASKED.append("orders")
    return list(range(data["looks"]))
