"""Things that come in several forms, told apart by one key each: the actions of a step, the kinds of waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from durable_dsl.document import Json
from durable_dsl.places import Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, head, refuse_later


def _unchanged(values: dict[str, Any]) -> dict[str, Any]:
    return values


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its fields, the key that marks it among them, and how their values become attributes of the document.

    `later` marks a form of the language that this release refuses; `companions` are the keys that belong to it.
    """

    fields: Mapping[str, Field]
    build: Callable[[dict[str, Any]], dict[str, Any]] = _unchanged
    later: bool = False
    companions: tuple[str, ...] = ()


def later(*companions: str) -> Form:
    """A form that this release does not have yet."""
    return Form({}, later=True, companions=companions)


def choose_forms(
    collector: Collector, plain: Mapping[str, Json], path: Path, forms: Mapping[str, Form], owner: str
) -> list[tuple[str, Form]]:
    """Gives the forms whose keys are there, in the order written; reports unless it is just one that is supported."""
    found = [(key, forms[key]) for key in plain if key in forms]
    for key, form in found:
        if form.later:
            refuse_later(collector, key, (*path, key))
    if not found:
        now = [key for key, form in forms.items() if not form.later]
        collector.report("W025", f"{owner} needs {one_of_words(now)}", head(plain, path))
    for key, _form in found[1:]:
        message = f"{owner} has '{found[0][0]}' and '{key}'; exactly one of them can be there"
        collector.report("W027", message, (*path, key), at_key=True)
    return found


def one_of_words(words: list[str]) -> str:
    """Writes a choice for a message."""
    return " or ".join(filter(None, [", ".join(f"'{word}'" for word in words[:-1]), f"'{words[-1]}'"]))
