"""A real PostgreSQL server for whoever has none: started by its first user, stopped by its last.

It is what durable uses when neither ``--database`` nor ``DURABLE_DATABASE_URL`` is given. Importing this starts nothing
and imports nothing heavy.
"""

from __future__ import annotations

from .binaries import find_binaries
from .errors import (
    AccessRefused,
    BinariesMissing,
    DiskFull,
    EmbeddedPostgresError,
    ServerBusy,
    StartFailed,
    VersionMismatch,
)
from .places import default_home
from .server import EmbeddedServer, ServerStatus

__all__ = [
    "AccessRefused",
    "BinariesMissing",
    "DiskFull",
    "EmbeddedPostgresError",
    "EmbeddedServer",
    "ServerBusy",
    "ServerStatus",
    "StartFailed",
    "VersionMismatch",
    "default_home",
    "find_binaries",
]
