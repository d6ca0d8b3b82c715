"""One scalar as text: plain where that is safe, else in quotes.

Double quotes are the rule. Single ones are for texts that themselves hold double quotes or backslashes. A text with
`${` is always quoted: it then stays what it is when somebody puts it into braces or adds a `: ` to it.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache

import yaml

# What the language does not read as text (JSON's literals), and the merge key, which it refuses.
_LITERAL = re.compile(r"true|false|null|<<|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# Most texts, recognised without asking the emitter, which takes a hundred times as long.
_SURELY_PLAIN = re.compile(r"[A-Za-z_](?:[\w ./()=<>+&|*-]*[\w./()=<>+&|*-])?", re.ASCII)
_NOT_RAW = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_TO_ESCAPE = re.compile(f'["\\\\]|{_NOT_RAW.pattern}')


@lru_cache(maxsize=4096)
def write_text(text: str, *, flow: bool) -> str:
    """Gives a text in one line as it stands in a block, or inside of braces and brackets (`flow`)."""
    if _SURELY_PLAIN.fullmatch(text) and not _LITERAL.fullmatch(text):
        return text
    if "${" not in text and not _LITERAL.fullmatch(text) and _may_be_plain(text, flow):
        return text
    if _NOT_RAW.search(text) is None and "'" not in text and ('"' in text or "\\" in text):
        return f"'{text}'"
    return f'"{_TO_ESCAPE.sub(_escape, text)}"'


def _may_be_plain(text: str, flow: bool) -> bool:
    analysis = yaml.emitter.Emitter(io.StringIO(), allow_unicode=True).analyze_scalar(text)
    if analysis.empty or analysis.multiline:
        return False
    return bool(analysis.allow_flow_plain if flow else analysis.allow_block_plain)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def may_be_block(text: str) -> bool:
    """Tells whether a text of several lines can stand in a block (`|`) that says nothing but itself."""
    # A block that begins with a blank needs an indentation mark, which nobody writes by hand; and other line breaks
    # than \n, as other characters, stay what they are only as escapes.
    return text[0] not in " \t\n" and all(not _NOT_RAW.search(line.replace("\t", "")) for line in text.split("\n"))


def block_mark(text: str) -> str:
    """Gives the sign behind `|` or `>` that says how many line breaks the text ends with."""
    return "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
