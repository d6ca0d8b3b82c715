"""Plain documents to calls of the builder: a kind of node is the function of its name, a key the argument of its name.

It knows only where the builder differs from the document: which argument has no name, what becomes a list of calls, and
which texts are functions or spans. A new kind or key whose builder function follows the rule needs nothing here.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from durable_dsl import builder
from durable_dsl.document import Json, Workflow
from durable_dsl.durations import DurationError, format_duration, parse_duration
from durable_dsl.python_text.layout import Bracket, Expression, call, lines_of, literal, mapping, pair, row
from durable_dsl.python_text.names import Names

_CONDITIONS = frozenset({"when", "while", "until", "match", "in"})
_SPANS = frozenset({"timeout", "for", "every"})
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def write_python(workflows: Iterable[Workflow], is_function: Callable[[str], bool] = lambda path: True) -> str:
    """Writes a module that builds these workflows, each under its name.

    Where `is_function` says that an import path is a function of just that path, the module imports it; other paths
    stay texts. Comments of a file are not part of a workflow and so not of the module.
    """
    writer = _Writer(is_function)
    calls = [writer.workflow(workflow) for workflow in workflows]
    variables = [writer.names.of_workflow(workflow.name) for workflow in workflows]
    blocks = [
        "\n".join(lines_of(built, f"{variable} = ", 0, "")) + "\n"
        for variable, built in zip(variables, calls, strict=True)
    ]
    imports = "".join(f"{line}\n" for line in writer.names.lines())
    return "from __future__ import annotations\n\n" + imports + "".join(f"\n{block}" for block in blocks)


class _Writer:
    def __init__(self, is_function: Callable[[str], bool]) -> None:
        self.is_function = is_function
        self.names = Names(frozenset(builder.__all__))

    def workflow(self, workflow: Workflow) -> Bracket:
        plain = dict(workflow.to_plain())
        name = plain.pop("workflow")
        nodes = [self.node(node) for node in plain.pop("steps")]
        named = {self.argument(key): self.field(key, value) for key, value in plain.items()}
        return call(self.names.of_builder("workflow"), [literal(name), *nodes], named, tall=True)

    def node(self, node: Mapping[str, Json]) -> Bracket:
        """Gives the call for a node, whose first key is its kind."""
        fields = dict(node)
        kind = next(iter(fields))
        positional = [literal(fields.pop(kind))]
        match kind:
            case "step" | "decision" if "call" in fields:
                positional.append(self.function(fields.pop("call")))
            case "parallel":
                positional.append(self.lists(fields.pop("branches")))
            case _:
                positional += [self.node(inner) for inner in fields.pop("steps", ())]
        named = {self.argument(key): self.field(key, value) for key, value in fields.items()}
        return call(self.names.of_builder(kind), positional, named)

    def argument(self, key: str) -> str:
        return f"{key}_" if keyword.iskeyword(key) else key

    def field(self, key: str, value: Json) -> Expression:
        """Gives what stands behind the name of a field."""
        match key, value:
            case "cases", dict():
                return self.lists(value)
            case "cases", list():
                return row([self.case(each) for each in value])
            case "catch", list():
                return row([self.part("catch", each) for each in value])
            case "choose", list():
                return self.choose(value)
            case (("default" | "on_failure"), list()):
                return row([self.node(node) for node in value])
            case "retry", dict():
                return self.policy(value)
            case "retries", dict():
                return mapping({name: self.policy(policy) for name, policy in value.items()})
            case "defaults", dict():
                return mapping({name: self.field(name, inner) for name, inner in value.items()})
            case "compensate", _:
                return self.compensation(value)
            case _ if key in _CONDITIONS and isinstance(value, dict):
                return self.condition(value)
            case _:
                return self.span(value) if key in _SPANS else literal(value)

    def lists(self, lists: Mapping[str, Json]) -> Bracket:
        return mapping({name: row([self.node(node) for node in nodes]) for name, nodes in lists.items()})

    def case(self, plain: Mapping[str, Json]) -> Bracket:
        nodes = [self.node(node) for node in plain["steps"]]
        return call(self.names.of_builder("case"), [self.field("when", plain["when"]), *nodes], {})

    def part(self, function: str, plain: Mapping[str, Json]) -> Bracket:
        """Gives the call for a part of a node that holds a list itself."""
        nodes = [self.node(node) for node in plain.get("steps", ())]
        named = {self.argument(key): self.field(key, value) for key, value in plain.items() if key != "steps"}
        return call(self.names.of_builder(function), list(nodes), named)

    def condition(self, value: Json) -> Expression:
        """Gives a function of the data where there is one of this path, else the mapping that calls it."""
        if not isinstance(value, dict):
            return literal(value)
        function = self.function(value["call"])
        return literal(value) if function == literal(value["call"]) else function

    def choose(self, rows: list[Mapping[str, Json]]) -> Bracket:
        if any(isinstance(each["when"], dict) for each in rows):
            pairs: list[Expression] = [pair(self.condition(each["when"]), literal(each["goto"])) for each in rows]
            return row(pairs)
        chosen: dict[str, Expression] = {}
        for each in rows:
            when = str(each["when"]).lower() if isinstance(each["when"], bool) else str(each["when"])
            # The second of two equal conditions is never reached, but part of the document. A blank at its end is not.
            while when in chosen:
                when += " "
            chosen[when] = literal(each["goto"])
        return mapping(chosen)

    def policy(self, policy: Mapping[str, Json]) -> Expression:
        named = {self.argument(key): literal(value) for key, value in policy.items()}
        if list(named) == ["max_attempts"]:
            return named["max_attempts"]
        # Three attempts are what a policy without a number means.
        if policy["max_attempts"] == 3:
            del named["max_attempts"]
        return call(self.names.of_builder("Retry"), [], named)

    def compensation(self, value: Json) -> Expression:
        if isinstance(value, str):
            return self.function(value)
        if not isinstance(value, dict):
            return literal(value)
        return mapping(
            {key: self.function(each) if key == "call" else self.field(key, each) for key, each in value.items()}
        )

    def function(self, path: str) -> Expression:
        parts = path.split(".")
        fits = len(parts) > 1 and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
        return self.names.of_function(path) if fits and self.is_function(path) else literal(path)

    def span(self, value: Any) -> Expression:
        """Gives `minutes(5)` for a span of one unit whose text is the one that the builder would write."""
        if not isinstance(value, str):
            return literal(value)
        number, unit = value[:-1], value[-1:]
        try:
            same = format_duration(parse_duration(value)) == value
        except DurationError:
            same = False
        if not same or unit not in _UNITS or not number.isascii() or not number.isdigit():
            return literal(value)
        return call(self.names.of_builder(_UNITS[unit]), [number], {})
