"""What the tests of secrets call: functions that are careless with what they are given."""

from __future__ import annotations

from typing import Any

from durable_runtime import StepContext, StepFailed

SEEN: list[str] = []
"""What functions were given, in order."""


class Refused(Exception):
    """Quotes the secret in its message and in its data."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key} is refused")
        self.data = {"tried": [key], key: "as a key"}


def charge(key: str) -> dict[str, Any]:
    """Gives back what it was given, in all its forms."""
    SEEN.append(key)
    return {"key": key, "nested": [{"url": f"https://example.org/?key={key}"}], key: 1, "length": len(key)}


def refuse(key: str) -> None:
    """Fails and quotes what it was given."""
    SEEN.append(key)
    raise Refused(key)


def refuse_once(key: str) -> str:
    """Fails at its first call."""
    SEEN.append(key)
    if len(SEEN) == 1:
        raise Refused(key)
    return f"{key!r} was taken"


async def charge_in_parts(key: str, ctx: StepContext) -> dict[str, Any]:
    """Makes two calls, whose results are stored, and logs what it must not."""
    first = await ctx.step("first", charge, key)
    ctx.log(f"charged with {key}")
    second = await ctx.step("second", charge, key)
    return {"first": first, "second": second}


async def tell_everything(key: str, ctx: StepContext) -> str:
    """Quotes what it was given wherever a function can tell something."""
    SEEN.append(key)
    ctx.log(f"the key is {key}", level="warning")
    ctx.heartbeat({"key": key})
    found = await ctx.step("show", lambda: {"key": key})
    try:
        await ctx.step("refuse", refuse, key)
    except StepFailed as error:
        ctx.log(str(error))
    return str(found["key"])
