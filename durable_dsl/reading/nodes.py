"""Lists of nodes, and what all kinds of nodes have in common when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from durable_dsl.document import Json, Node, Step
from durable_dsl.places import BROKEN, Broken, Path
from durable_dsl.reading.actions import ACTIONS, UNREADABLE
from durable_dsl.reading.collector import Collector, subject
from durable_dsl.reading.fields import Field, head, read_fields
from durable_dsl.reading.forms import Form, choose_forms
from durable_dsl.reading.shapes import NAME
from durable_dsl.suggestions import did_you_mean

MAX_NESTING = 40
"""How many containers deep nodes may be nested."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of node. With `forms`, exactly one of their keys must be there."""

    doc: str
    node: Callable[..., Node]
    fields: Mapping[str, Field]
    forms: Mapping[str, Form] | None = None
    finish: Callable[[Collector, dict[str, Any], Path], None] | None = None


def read_nodes(
    collector: Collector, value: Json, path: Path, *, may_be_empty: bool = False
) -> tuple[Node, ...] | Broken:
    """Reads a list of nodes. A broken one becomes another node; left out, it would shift the places of those behind."""
    if not isinstance(value, list):
        hint = "put '- ' before each node, as in '- step: charge'" if isinstance(value, dict) else None
        return collector.wrong_type(path, "a list of nodes", value, hint)
    if not value and not may_be_empty:
        return collector.report("W034", f"{subject(path)} is empty; it must hold a node", path)
    return tuple(read_node(collector, item, (*path, index)) for index, item in enumerate(value))


def read_node(collector: Collector, plain: Json, path: Path) -> Node:
    """Reads one node; gives an innocent step where not even its kind is known."""
    if not isinstance(plain, dict):
        if plain is not BROKEN:
            hint = f"write '- step: {plain}' with its action below" if isinstance(plain, str) else None
            message = "a node is a mapping that begins with its kind, as in 'step: charge'"
            collector.report("W020", message, path, hint=hint)
        return _unreadable(collector, path)
    kinds = [key for key in plain if key in collector.kinds]
    if not kinds:
        _refuse_unkind(collector, plain, path)
        return _unreadable(collector, path)
    for other in kinds[1:]:
        message = f"a node has one kind; this one is a '{kinds[0]}' and a '{other}'"
        collector.report(
            "W021", message, (*path, other), at_key=True, hint="begin the second node with '- ' of its own"
        )
    name = _read_name(collector, plain[kinds[0]], (*path, kinds[0]))
    return _read_kind(collector, plain, path, kinds[0], name, kinds)


def _read_kind(collector: Collector, plain: dict[str, Json], path: Path, key: str, name: str, kinds: list[str]) -> Node:
    kind = collector.kinds[key]
    owner = f"{key} '{name}'"
    fields, known, elsewhere = kind.fields, set(kinds), _elsewhere(collector, key)
    for other in kinds[1:]:
        known.update(_keys_of(collector.kinds[other]))
    forms: list[tuple[str, Form]] = []
    if kind.forms is not None:
        forms = choose_forms(collector, plain, path, kind.forms, owner)
        for form_key, form in forms:
            fields = {**fields, **form.fields}
            known.add(form_key)
        if not forms:
            # Without its form nothing can be said about the keys that belong to one.
            known.update(_keys_of(kind) - set(kind.fields))
    values = read_fields(collector, plain, path, fields, owner, known=known, elsewhere=elsewhere)
    for _form_key, form in forms[:1]:
        values = form.build(values)
    if kind.finish is not None:
        kind.finish(collector, values, path)
    node: Node = kind.node(name=name, at=collector.place(path), **values)
    return node


def _keys_of(kind: Kind) -> set[str]:
    forms = (kind.forms or {}).items()
    return {*kind.fields, *(key for name, form in forms for key in (name, *form.fields))}


def _read_name(collector: Collector, value: Json, path: Path) -> str:
    if value is BROKEN or NAME.read(collector, value, path) is BROKEN:
        return value if isinstance(value, str) and value.strip() else collector.new_name()
    name = str(value)
    if name == "end":
        collector.report("W024", "'end' is where a jump to the end of a list goes, so no node can be called so", path)
    elif name in collector.names:
        first = collector.place(collector.names[name])
        hint = f"the first is in line {first.line}" if first is not None else "names are unique within a workflow"
        collector.report("W023", f"the name '{name}' is used twice", path, hint=hint)
    else:
        collector.names[name] = path
    return name


def _unreadable(collector: Collector, path: Path) -> Step:
    return Step(name=collector.new_name(), action=UNREADABLE, at=collector.place(path))


def _refuse_unkind(collector: Collector, plain: dict[str, Json], path: Path) -> None:
    """Reports a mapping without a kind; says what it nearly is."""
    hint = f"one of {', '.join(collector.kinds)}"
    action = next((key for key in plain if key in ACTIONS), None)
    first = next(iter(plain), "")
    near = next((found for key in plain if (found := did_you_mean(key, collector.kinds))), None)
    if action == "workflow":
        hint = "a workflow is run by a step: '- step: name' with 'workflow: ...' below"
    elif action is not None:
        hint = f"'{action}' is an action of a step: begin with '- step: name'"
    elif near is not None:
        hint = near
    elif len(plain) == 1 and isinstance(plain[first], dict):
        hint = f"write '- step: {first}' with its action below, at the same depth"
    message = "a node begins with its kind, as in 'step: charge'; this mapping has none"
    collector.report("W020", message, head(plain, path), hint=hint)


def _elsewhere(collector: Collector, kind: str) -> Mapping[str, str]:
    """Tells of every key of the language that another kind or form takes where it belongs."""
    if kind in collector.elsewhere:
        return collector.elsewhere[kind]
    kinds: Mapping[str, Kind] = collector.kinds
    places: dict[str, str] = {}
    forms = (kinds[kind].forms or {}).items()
    for form_key, form in forms:
        for key in form.fields:
            places.setdefault(key, f"'{form_key}'")
    for name, other in kinds.items():
        for key in (*other.fields, *(other.forms or {})):
            places.setdefault(key, f"'{name}'")
        for form_key, form in (other.forms or {}).items():
            for key in form.fields:
                places.setdefault(key, f"'{form_key}' of '{name}'")
    # What nearly every node takes belongs to no kind in particular.
    shared = [key for key in places if sum(key in other.fields for other in kinds.values()) > len(kinds) // 2]
    places.update(dict.fromkeys(shared, ""))
    collector.elsewhere[kind] = places
    return places
