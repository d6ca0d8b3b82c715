"""The input of an execution, as it is written on a command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from durable_runtime.cli.exits import CommandError, Exit


def read_input(whole: str | None, pairs: Sequence[str]) -> dict[str, Any] | None:
    """Puts the input together from `--input` (JSON, `@file` or `-`) and `-i` pairs, which win; None when none is given.

    Raises `click.UsageError` for a pair that is none, `CommandError` for a file that is not there or no JSON object.
    """
    if whole is None and not pairs:
        return None
    given = {} if whole is None else _read_whole(whole)
    given.update(_read_pairs(pairs))
    return given


def read_json(text: str, what: str) -> Any:
    """Reads one value: JSON, `@file` or `-` for stdin; raises `CommandError` when it is none."""
    return _read_any(text, what)[0]


def read_inputs(whole: str) -> list[Any]:
    """Reads many inputs: a JSON list, or an object on each line; as it stands, `@file` or `-` for stdin.

    Raises `CommandError` when it is neither.
    """
    text, source = _read_text(whole, "the inputs")
    if text.lstrip().startswith("["):
        inputs: list[Any] = _parse(text, source)
        return inputs
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return [_parse(line, f"line {number} of {source}") for number, line in lines]


def _read_any(whole: str, what: str) -> tuple[Any, str]:
    text, source = _read_text(whole, what)
    return _parse(text, source), source


def _read_text(whole: str, what: str) -> tuple[str, str]:
    if whole == "-":
        return sys.stdin.read(), f"{what} from stdin"
    if whole.startswith("@"):
        return _read_file(whole[1:], what), f"{what} in {whole[1:]}"
    return whole, what


def _read_whole(whole: str) -> dict[str, Any]:
    value, source = _read_any(whole, "the input")
    if not isinstance(value, dict):
        raise CommandError(f"{source} is {_kind(value)}; an input is a JSON object: {{...}}", Exit.INVALID)
    return value


def _read_file(name: str, what: str) -> str:
    try:
        return Path(name).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise CommandError(f"there is no file {name} for {what}", Exit.NOT_FOUND) from None
    except OSError as error:
        raise CommandError(f"{what} in {name} cannot be read: {error.strerror}", Exit.NOT_FOUND) from None
    except UnicodeDecodeError:
        raise CommandError(f"{what} in {name} is not UTF-8; save it as UTF-8", Exit.INVALID) from None


def _read_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        is_json = key.endswith(":")
        key = key.removesuffix(":").strip()
        if not equals or not key:
            raise click.UsageError(f"-i takes key=value for a text or key:=json for anything else, not '{pair}'")
        if key in values:
            raise click.UsageError(f"-i gives '{key}' twice")
        values[key] = _parse(text, f"the value of '{key}'") if is_json else text
    return values


def _parse(text: str, source: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: " if text.strip() else ""
        reason = "it is empty" if not text.strip() else error.msg[:1].lower() + error.msg[1:]
        raise CommandError(f"{source} is not JSON: {place}{reason}", Exit.INVALID) from None
    except ValueError as error:
        raise CommandError(f"{source} is not JSON: {error}", Exit.INVALID) from None
    except RecursionError:
        raise CommandError(f"{source} is nested too deeply", Exit.INVALID) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key '{key}' stands there twice")
        values[key] = value
    return values


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {int: "a number", float: "a number", str: "a text", list: "a list"}[type(value)]
