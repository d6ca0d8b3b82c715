"""From the text of a literal to its value."""

from __future__ import annotations

import re

from durable_dsl.expressions.errors import SyntaxProblem, shorten
from durable_dsl.expressions.values import INT_MAX, UINT_MAX, Uint

# A text or bytes literal, as the grammar has it, or what begins like one and is never closed.
TEXT_LITERAL = (
    r"(?:[bB]?[rR](?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|\"[^\"\r\n]*\"|'[^'\r\n]*')"
    r"|[bB]?(?:\"\"\"(?:[^\\]|\\[\s\S])*?\"\"\"|'''(?:[^\\]|\\[\s\S])*?'''"
    r"|\"(?:[^\"\\\r\n]|\\.)*\"|'(?:[^'\\\r\n]|\\.)*')"
    r"|['\"][\s\S]*)"
)

_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\?\"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<wrong>[\s\S]))"
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def text_value(token: str, at: int) -> str:
    """Give what a text literal stands for: raw, triple-quoted, with escapes; raises SyntaxProblem."""
    body, raw, start = _unquote(token)
    if raw or "\\" not in body:
        return body

    def unescape(match: re.Match[str]) -> str:
        code = _code(match, at + start)
        if isinstance(code, str):
            return code
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise SyntaxProblem(f"{match.group()} is not a character", at + start + match.start())
        return chr(code)

    return _ESCAPE.sub(unescape, body)


def bytes_value(token: str, at: int) -> bytes:
    """Give what a bytes literal (`b'…'`) stands for; raises SyntaxProblem."""
    body, raw, start = _unquote(token[1:])
    if raw:
        return _encode(body, at)
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(_encode(body[end : match.start()], at))
        end = match.end()
        code = _code(match, at + 1 + start)
        if isinstance(code, str):
            parts.append(_encode(code, at))
        elif match["short"] or match["long"]:
            raise SyntaxProblem("\\u and \\U have no place in bytes", at + 1 + start + match.start(), "use \\x")
        else:
            parts.append(bytes([code]))
    parts.append(_encode(body[end:], at))
    return b"".join(parts)


def integer_value(token: str, at: int) -> int:
    """Give what an integer literal stands for, a Uint if it ends in `u`; raises SyntaxProblem out of 64 bits.

    2**63 is let through, for the sign that may stand before it; `out_of_range` refuses it where none does.
    """
    unsigned = token[-1] in "uU"
    digits = token[:-1] if unsigned else token
    # Longer than any 64-bit number: refused before Python's own limit on digits is met.
    hexadecimal = digits[:2] in ("0x", "0X")
    significant = (digits[2:] if hexadecimal else digits).lstrip("0") or "0"
    value = int(significant, 16 if hexadecimal else 10) if len(significant) <= 20 else UINT_MAX + 1
    if unsigned:
        if value > UINT_MAX:
            raise SyntaxProblem(f"{shorten(token)} does not fit in 64 unsigned bits", at)
        return Uint(value)
    if value > INT_MAX + 1:
        raise out_of_range(token, at)
    return value


def out_of_range(token: str, at: int) -> SyntaxProblem:
    """Say that an integer literal is too large."""
    return SyntaxProblem(f"{shorten(token)} does not fit in 64 bits", at, "write it as a double, with `.0` at its end")


def _unquote(token: str) -> tuple[str, bool, int]:
    raw = token[0] in "rR"
    width = 3 if token[raw : raw + 3] in ('"""', "'''") else 1
    return token[raw + width : -width], raw, raw + width


def _code(match: re.Match[str], start: int) -> str | int:
    simple = match["simple"]
    if simple is not None:
        return _SIMPLE.get(simple, simple)
    if match["wrong"] is not None:
        raise SyntaxProblem(
            f"{match.group()} is not an escape",
            start + match.start(),
            "write \\\\ for a backslash, or r'…' for a raw text",
        )
    if match["octal"] is not None:
        return int(match["octal"], 8)
    return int(match["hex"] or match["short"] or match["long"], 16)


def _encode(text: str, at: int) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise SyntaxProblem("half a surrogate pair has no bytes", at) from None
