"""Things that come in several forms, told apart by one key each: the actions of a step, the kinds of waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from durable_dsl.document import Json
from durable_dsl.places import Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, head


def _unchanged(values: dict[str, Any]) -> dict[str, Any]:
    return values


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its fields, its key among them, and how their values become attributes of the document."""

    fields: Mapping[str, Field]
    build: Callable[[dict[str, Any]], dict[str, Any]] = _unchanged


def choose_forms(
    collector: Collector, plain: Mapping[str, Json], path: Path, forms: Mapping[str, Form], owner: str
) -> list[tuple[str, Form]]:
    """Gives the forms whose keys are there, in the order written; reports unless it is just one."""
    found = [(key, forms[key]) for key in plain if key in forms]
    if not found:
        collector.report("W025", f"{owner} needs {one_of_words(list(forms))}", head(plain, path))
    for key, _form in found[1:]:
        message = f"{owner} has '{found[0][0]}' and '{key}'; exactly one of them can be there"
        collector.report("W027", message, (*path, key), at_key=True)
    return found


def one_of_words(words: list[str]) -> str:
    """Writes a choice for a message."""
    return " or ".join(filter(None, [", ".join(f"'{word}'" for word in words[:-1]), f"'{words[-1]}'"]))
