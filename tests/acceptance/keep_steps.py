"""What loops of `test_keep.py` call."""

from __future__ import annotations

fails_at = 0
undone: list[int] = []


def check(n: int) -> None:
    """Fails in one turn."""
    if n == fails_at:
        raise ValueError("not yet")


def undo(n: int) -> None:
    """Notes what was undone."""
    undone.append(n)
