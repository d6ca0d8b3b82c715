"""What reaches the terminal: data on stdout, talk on stderr, in any encoding, and nothing that could steer it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TextIO

import click

from durable_runtime.cli.settings import Settings

JSON_SCHEMA = 1
"""The version of everything that `--json` prints. Fields may be added; a change that breaks readers raises it."""

STATUS_COLOURS = {
    "pending": None,
    "running": "blue",
    "waiting": "yellow",
    "retrying": "yellow",
    "paused": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "magenta",
    "compensated": "magenta",
    "compensation_failed": "bright_red",
    "skipped": "bright_black",
}


def prepare_streams() -> None:
    """Lets a terminal or file that cannot show a character get an escape instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def shows_unicode(stream: TextIO) -> bool:
    """Tells whether a stream can show the glyphs of a drawing."""
    try:
        "✓○▶‖↻»✗⊘↩├─└│→·".encode(getattr(stream, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def print_text(text: str, end: str = "\n") -> None:
    """Prints data on stdout at once, in colour only on a terminal."""
    _write(sys.stdout, text + end)


def _write(stream: TextIO, text: str) -> None:
    # Not click's echo, which takes a stream in ASCII for a mistake and writes UTF-8 into it.
    coloured = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    stream.write(text if coloured else click.unstyle(text))
    stream.flush()


def print_json(content: Mapping[str, Any]) -> None:
    """Prints one JSON object with the version of its form."""
    ascii_only = not shows_unicode(sys.stdout)
    print_text(json.dumps({"schema": JSON_SCHEMA, **content}, indent=2, ensure_ascii=ascii_only, default=_plain))


def pretty_json(value: Any) -> str:
    """Gives a value as people read JSON."""
    return json.dumps(value, indent=2, ensure_ascii=not shows_unicode(sys.stdout), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def plain_problem(problem: object) -> dict[str, Any]:
    """Gives a problem of a workflow as JSON that editors place their marks with."""
    fields = ("code", "severity", "message", "file", "line", "column", "width", "hint")
    return {field: getattr(problem, field) for field in fields}


def say(settings: Settings, text: str) -> None:
    """Says something to the person at the terminal, unless they want quiet."""
    if not settings.quiet:
        complain(text)


def complain(text: str) -> None:
    """Says something to the person at the terminal. Nobody listening is no reason to stop working."""
    with suppress(BrokenPipeError):
        _write(sys.stderr, text + "\n")


def printable(text: str) -> str:
    """Shows control characters as escapes, so that a text from outside can neither clear a screen nor fake a line."""
    return "".join(
        character if character in "\n\t" or character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def one_line(text: str, width: int = 100) -> str:
    """Gives a text as one line of at most `width` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 3] + "..."


def paint_status(status: str) -> str:
    """Gives a status in its colour; where there are no colours click takes it off again."""
    return click.style(status, fg=STATUS_COLOURS.get(status))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints columns as wide as their widest cell; a pipe gets the same text as a terminal, without colours."""
    styled = [[click.style(header, bold=True) for header in headers], *rows]
    plain = [[click.unstyle(cell) for cell in row] for row in styled]
    widths = [max(len(row[index]) for row in plain) for index in range(len(headers))]
    for row, texts in zip(styled, plain, strict=True):
        line = ""
        for cell, text, width in zip(row, texts, widths, strict=True):
            line += cell + " " * (width - len(text) + 2)
        print_text(line.rstrip())


def span(seconds: float) -> str:
    """Gives a duration as people say it: `20 ms`, `0.3 s`, `12 s`, `3 min 5 s`, `2 h 4 min`."""
    if seconds < 0.095:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def clock(at: datetime) -> str:
    """Gives an instant as the wall clock here shows it: `12:00:01`."""
    return at.astimezone().strftime("%H:%M:%S")


def moment(at: datetime | None) -> str:
    """Gives an instant with its date in local time, or a dash."""
    return "-" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def error_text(error: Any, *, with_place: bool = True) -> str:
    """Says an execution's error in one line: `CardDeclined at charge, attempt 3: no money`."""
    if not isinstance(error, dict):
        return one_line(str(error), 500)
    place = f" at {error['node']}" if with_place and error.get("node") else ""
    attempt = f", attempt {error['attempt']}" if with_place and (error.get("attempt") or 1) > 1 else ""
    return one_line(f"{error.get('type')}{place}{attempt}: {error.get('message')}", 500)
