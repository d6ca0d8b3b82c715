"""Masks: the values of secrets, taken out of everything that an attempt leaves behind."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from durable_runtime.core.checkpoints import Json
from durable_runtime.core.outcomes import Failure, Success

MASK = "***"

SHORTEST_DERIVED = 8
"""Characters that a text made from a secret must have to be taken for one; shorter ones are in too much else."""


class Masks:
    """Replaces secrets by `***` in texts and in JSON values, in the forms in which they come back.

    Those forms are: as they are, in a URL, in JSON or Python quotes, in base64. `derived` are texts that expressions
    made from secrets, such as the value of a header.
    """

    def __init__(self, secrets: Iterable[str], derived: Iterable[str] = ()) -> None:
        texts = {*secrets, *(text for text in derived if len(text) >= SHORTEST_DERIVED)}
        forms = {form for text in texts for form in _forms(text)}
        # The longest first: a secret that is a part of another one must not leave the rest of it.
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """Gives the text without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def value(self, value: Any) -> Any:
        """Gives a value without secrets, keys included; what is no JSON is left to those who refuse it."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self._pattern.sub(MASK, value) if self._pattern.search(value) else value
        if isinstance(value, dict):
            return {self.text(key) if isinstance(key, str) else key: self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self._pattern.fullmatch(str(value)):
            return MASK
        return value

    def outcome(self, outcome: Success | Failure) -> Success | Failure:
        """Gives an attempt's outcome without secrets."""
        if isinstance(outcome, Success):
            try:
                return Success(self.value(outcome.value))
            except RecursionError:
                message = "the value nests too deeply, or holds itself"
                return Failure(type="ResultNotStorable", message=message, names=("ResultNotStorable", "Fatal"))
        data: Json = self.value(outcome.data)
        return msgspec.structs.replace(outcome, message=self.text(outcome.message), data=data)


def _forms(text: str) -> set[str]:
    raw = text.encode("utf-8", "surrogatepass")
    return {
        text,
        text.strip(),
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        base64.b64encode(raw).decode(),
    } - {""}
