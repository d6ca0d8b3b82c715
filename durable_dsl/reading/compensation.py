"""What undoes a step: a function's path, or one action with a retry and a timeout of its own."""

from __future__ import annotations

from typing import Any

from durable_dsl.document import Call, Compensation, Json
from durable_dsl.places import BROKEN, Broken, Path
from durable_dsl.reading.actions import ACTIONS, check_emit
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, read_fields
from durable_dsl.reading.forms import Form, choose_forms
from durable_dsl.reading.policies import RETRY
from durable_dsl.reading.shapes import DURATION, FUNCTION, Shape

# What it put into the data nobody would read any more.
COMPENSATIONS = {key: form for key, form in ACTIONS.items() if key != "set"}

COMPENSATION_FIELDS = {
    "retry": Field(RETRY, "What happens when undoing fails: attempts, a policy's name, or a policy."),
    "timeout": Field(DURATION, "How long one attempt may take."),
}


def _compensation(collector: Collector, value: Json, path: Path) -> Compensation | Broken:
    if isinstance(value, str):
        function = FUNCTION.read(collector, value, path)
        return BROKEN if isinstance(function, Broken) else Compensation(action=Call(function=function))
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a function or a mapping with an action", value)
    fields, known = dict(COMPENSATION_FIELDS), set[str]()
    forms: list[tuple[str, Form]] = choose_forms(collector, value, path, COMPENSATIONS, "'compensate'")
    for key, form in forms:
        fields |= form.fields
        known.add(key)
    if not forms:
        known.add("with")
    elsewhere = {"set": "a step"}
    values: dict[str, Any] = read_fields(
        collector, value, path, fields, "'compensate'", known=known, elsewhere=elsewhere
    )
    if not forms:
        return BROKEN
    built = forms[0][1].build(values)
    check_emit(collector, built["action"], path)
    return Compensation(action=built["action"], retry=built.get("retry"), timeout=built.get("timeout"))


COMPENSATION = Shape(_compensation, {"anyOf": [FUNCTION.schema, {"$ref": "#/definitions/compensation"}]})
