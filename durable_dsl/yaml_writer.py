"""Plain values as the YAML a person would write: block style, quotes only where the language needs them."""

from __future__ import annotations

import re
from typing import Any

import yaml

_LITERALS = {
    "tag:yaml.org,2002:bool": (r"true|false", "tf"),
    "tag:yaml.org,2002:null": (r"null", "n"),
    "tag:yaml.org,2002:int": (r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    "tag:yaml.org,2002:float": (r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
    "tag:yaml.org,2002:merge": (r"<<", "<"),
}
"""What the language does not read as text: JSON's literals, and the merge key, which it refuses."""

_BREAKS = re.compile("[\r\x85\u2028\u2029]")


class _Writer(yaml.SafeDumper):
    """PyYAML's emitter with the language's literals in place of YAML 1.1's."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # The emitter would put the dashes of a list below its key; people indent them.
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if value else "'"
    if _BREAKS.search(value):
        # Only as escapes do line breaks other than \n stay what they are.
        style = '"'
    elif "\n" in value:
        # A block that begins with a blank needs an indentation mark, which nobody writes by hand.
        style = '"' if value[0] in " \t\n" else "|"
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.yaml_implicit_resolvers = {}
_Writer.add_representer(str, _text)
for _tag, (_pattern, _first) in _LITERALS.items():
    _Writer.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))


def write_yaml(plain: Any) -> str:
    """Writes plain JSON values so that reading the text gives them back, keys in the same order.

    Raises `ValueError` for a number that JSON cannot hold (NaN, an infinity).
    """
    _refuse_unreadable(plain)
    return yaml.dump(
        plain, Dumper=_Writer, sort_keys=False, default_flow_style=False, allow_unicode=True, width=10**9, indent=2
    )


def _refuse_unreadable(value: Any) -> None:
    match value:
        case float() if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{value} is not a JSON number")
        case dict():
            for inner in value.values():
                _refuse_unreadable(inner)
        case list():
            for inner in value:
                _refuse_unreadable(inner)
        case _:
            return
