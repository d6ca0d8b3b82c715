"""Secrets: known to the worker, resolved in the moment of an attempt, never part of a command or of what is stored."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from durable_dsl.expressions import ExpressionError
from durable_runtime.actions.functions import Missing
from durable_runtime.actions.masking import Masks
from durable_runtime.core.commands import Perform, Sealed

SecretSource: TypeAlias = Mapping[str, str] | Callable[[str], str | Awaitable[str | None] | None]
"""Where a worker finds secrets: values by name, or a function of a name, which gives None for one it does not know."""

LONGEST_LOOK_UP = 30.0
"""Seconds that a function gets to find a secret."""


class MissingSecret(Missing):
    """This worker does not know a secret. Another may, or it will: the execution is deferred, not failed."""


class Revealed(msgspec.Struct, frozen=True):
    """An attempt with its arguments, and what has to be masked in whatever comes of it."""

    perform: Perform
    masks: Masks


class Secrets:
    """Finds secrets by name, in the environment of the process unless told otherwise."""

    def __init__(self, source: SecretSource | None = None) -> None:
        self._source: SecretSource = os.environ if source is None else source

    async def reveal(self, perform: Perform, sealed: Sealed) -> Revealed:
        """Gives the attempt with its arguments rendered.

        Raises `MissingSecret` for a secret that is not there, is empty, or cannot be looked up, and `ExpressionError`,
        whose message holds no secret, for an expression that fails.
        """
        values = {name: await self._get(name) for name in sealed.secrets}
        names = {**sealed.names, "secrets": values}
        try:
            derived = [
                text
                for _path, expression in sealed.template.expressions
                if "secrets" in expression.names
                for text in _texts_in(expression.evaluate(names, now=sealed.now))
            ]
            arguments = sealed.template.render(names, now=sealed.now)
        except ExpressionError as error:
            raise ExpressionError(Masks(values.values()).text(error.message), error.source, error.offset) from None
        revealed = msgspec.structs.replace(perform, arguments=arguments, sealed=None)
        return Revealed(revealed, Masks(values.values(), derived))

    async def _get(self, name: str) -> str:
        source = self._source
        if isinstance(source, Mapping):
            value = source.get(name)
            where = "it is not in this process's environment" if source is os.environ else "it is not there"
        else:
            value, where = await _ask(source, name), "the function that knows secrets gave none"
        if not isinstance(value, str) or not value:
            raise MissingSecret(f"this worker has no secret {name!r}: {where}")
        return value


async def _ask(source: Callable[[str], Any], name: str) -> Any:
    """Asks a function, a plain one in a thread: it may speak to a vault far away."""
    try:
        async with asyncio.timeout(LONGEST_LOOK_UP):
            if inspect.iscoroutinefunction(source):
                return await source(name)
            value = await asyncio.to_thread(source, name)
            return await value if inspect.isawaitable(value) else value
    except Exception as error:
        # Its message is the user's and might quote what it found.
        raise MissingSecret(f"the secret {name!r} cannot be looked up: {type(error).__name__}") from None


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
