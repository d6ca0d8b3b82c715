"""SQL by name from the `.sql` files beside this module, with the schema's name put in."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

DEFAULT_SCHEMA = "durable"

_PARAMETER = re.compile(r"%\((\w+)\)s")

_DEFINED = re.compile(r"^-- define: (\w+)\n", re.MULTILINE)
_PART = re.compile(r"^-- part: (\w+)$", re.MULTILINE)
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_SCHEMA = re.compile(r"\bdurable\.")
_SAFE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@lru_cache(maxsize=32)
def load_queries(file: str, schema: str = DEFAULT_SCHEMA) -> dict[str, bytes]:
    """Gives the statements of `sql/<file>.sql` by name.

    The files are written for the schema `durable`, so that each can be pasted into psql as it is. What several have in
    common is defined above the first: `-- part: name` stands for it.
    """
    text = (Path(__file__).with_name("sql") / f"{file}.sql").read_text(encoding="utf-8")
    head, *rest = _NAME.split(text)
    defined = _DEFINED.split(head)[1:]
    parts = {name: body.strip() for name, body in zip(defined[::2], defined[1::2], strict=True)}
    return {
        name: with_schema(_PART.sub(lambda found: parts[found[1]], body.strip()), schema).encode()
        for name, body in zip(rest[::2], rest[1::2], strict=True)
    }


class Statement:
    """A statement in the form of the server's protocol: `$1` where the file says `%(name)s`.

    `plan_lasts` are the seconds for which its plan is kept, `math.inf` for what can be planned in one way only. Others
    were best for the tables as they were: one made when they were empty read all of a hundred thousand rows, again and
    again, until statistics happened to be gathered.
    """

    __slots__ = ("name", "parameters", "plan_lasts", "text")

    def __init__(self, name: str, query: bytes, *, plan_lasts: float) -> None:
        numbers: dict[str, int] = {}
        text = _PARAMETER.sub(lambda found: f"${numbers.setdefault(found[1], len(numbers) + 1)}", query.decode())
        self.name = f"durable_{name}".encode()
        self.text = text.replace("%%", "%").encode()
        self.parameters = tuple(numbers)
        self.plan_lasts = plan_lasts


def check_schema(schema: str) -> None:
    """Raises `ValueError` unless this is a plain lower-case name, which also keeps SQL out of it."""
    if not _SAFE.fullmatch(schema):
        raise ValueError(f"{schema!r} is not a schema name; use lower-case letters, digits and _, at most 63 of them")


def with_schema(sql: str, schema: str) -> str:
    """Puts the schema's name in; raises as `check_schema` does."""
    check_schema(schema)
    return sql if schema == DEFAULT_SCHEMA else _SCHEMA.sub(f"{schema}.", sql)
