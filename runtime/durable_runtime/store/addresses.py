"""Where a database is, in words for people: with host, port and name, and never with the password."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from durable_runtime.errors import InvalidOption

# What libpq says of text it cannot read quotes that text, so none of it may be repeated.
_ADVICE = (
    "expected something like postgresql://user:password@host:5432/database; "
    "in a password, @ : / # ? and % are written %40 %3A %2F %23 %3F %25"
)


def check_address(conninfo: str) -> None:
    """Raises `InvalidOption` when this is not an address of PostgreSQL, without repeating a part of it."""
    _parse(conninfo)


def describe_address(conninfo: str) -> str:
    """Gives `database orders on db.example.com:5432`."""
    parts = _parse(conninfo)
    # libpq itself knows what comes from PGHOST and the like, but only once it has connected.
    host = parts.get("host") or parts.get("hostaddr")
    port = parts.get("port")
    where = "the default server" if host is None else f"{host}:{port}" if port else host
    return f"database {parts['dbname']} on {where}" if "dbname" in parts else str(where)


def _parse(conninfo: str) -> dict[str, str]:
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(conninfo).items() if value is not None}
    except psycopg.Error:
        raise InvalidOption(f"this is not the address of a PostgreSQL database: {_ADVICE}") from None
    # An unescaped character of a password shifts what follows it: user:a@b@host has the host b@host.
    if "@" in parts.get("host", "") or not all(port.isdigit() for port in parts.get("port", "0").split(",") if port):
        raise InvalidOption(f"the address of the database has no proper host or port: {_ADVICE}")
    return parts
