"""Steps of these tests."""

from __future__ import annotations


def fail() -> None:
    """Fails."""
    raise ValueError("as always")
