"""Functions that the executions of these tests call."""

from __future__ import annotations


async def answer(number: int, odd_one: int) -> str:
    """Gives a text that every database can store, and for the odd one a text that LATIN1 has no bytes for."""
    return "\N{CJK UNIFIED IDEOGRAPH-6F22}" if number == odd_one else f"answer {number}"
