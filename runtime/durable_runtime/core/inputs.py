"""The input of an execution: its schema's defaults filled in, checked, encoded; refused before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from durable_runtime.core.values import NotStorable, encode
from durable_runtime.errors import InvalidInput

if TYPE_CHECKING:
    from durable_runtime.core.schemas import Schema

Json: TypeAlias = Any

_SHOWN = 20


class InputCheck:
    """The check of one workflow's inputs; `schema` None lets every mapping through."""

    def __init__(self, workflow: str, schema: Json) -> None:
        self._workflow = workflow
        self._plain = schema

    @cached_property
    def _schema(self) -> Schema:
        # Imported here because it takes longer than everything else in a start.
        from durable_runtime.core.schemas import Schema

        return Schema(self._plain)

    def encode(self, value: Json) -> bytes:
        """Gives the input as the JSON text to store, with the schema's defaults filled in; None means `{}`.

        Raises `InvalidInput` with every reason, each with its place: `input.order.lines[2].qty: ...`.
        """
        try:
            encoded, stored = encode({} if value is None else value)
            if not isinstance(stored, dict):
                raise self._invalid(
                    f"the input has to be a mapping, since data begins as a copy of it; it is {_kind(stored)}"
                )
            if self._plain is None:
                return encoded
            # `stored` is a copy that nobody else has, so that filling it in changes nothing of the caller's.
            self._schema.fill_in(stored)
            reasons = self._schema.find_problems(stored)
            if reasons:
                raise invalid_input(self._workflow, reasons)
            return encode(stored)[0]
        except NotStorable as error:
            # The reason speaks of "the value"; here it is the input.
            raise self._invalid(str(error).replace("the value", "the input", 1)) from None

    def _invalid(self, problem: str) -> InvalidInput:
        return invalid_input(self._workflow, [problem])


def invalid_input(workflow: str, problems: Sequence[str]) -> InvalidInput:
    """Gives the error that says what is wrong with an input of this workflow."""
    more = len(problems) - _SHOWN
    shown = [*problems[:_SHOWN], f"and {more} more"] if more > 0 else problems
    return InvalidInput("\n  ".join([f"the input does not fit the workflow '{workflow}':", *shown]), tuple(problems))


def _kind(value: Json) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case _:
            return "a list"
