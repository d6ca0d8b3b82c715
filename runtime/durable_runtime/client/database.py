"""The database of a client: found, started if it is the embedded one, and brought up to date, at first use."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from durable_runtime.errors import DatabaseUnavailable, SchemaMismatch
from durable_runtime.store.migrations import list_pending, migrate

if TYPE_CHECKING:
    from durable_runtime.embedded import EmbeddedServer

URL_VARIABLE = "DURABLE_DATABASE_URL"
AUTO_MIGRATE_VARIABLE = "DURABLE_AUTO_MIGRATE"


class Database:
    """A database by its URL, by `$DURABLE_DATABASE_URL`, or of the embedded server in `home`.

    Every method blocks, may be called from any thread, and raises `DatabaseUnavailable` or `SchemaMismatch`.
    """

    def __init__(self, url: str | None, schema: str, home: Path | None) -> None:
        self._given = url
        self._home = home
        self.schema = schema
        self._server: EmbeddedServer | None = None
        self._url: str | None = None
        self._turn = threading.Lock()

    def open(self) -> str:
        """Gives the URL of the database, its schema up to date; joins the embedded server if that is the one.

        With `DURABLE_AUTO_MIGRATE=0` a database named by a URL is only looked at, and raises `SchemaMismatch` when it
        is behind.
        """
        with self._turn:
            if self._url is None:
                url = self._join() or self._given or os.environ[URL_VARIABLE]
                if self._server is None and os.environ.get(AUTO_MIGRATE_VARIABLE) == "0":
                    self._require_current(url)
                else:
                    migrate(url, self.schema)
                self._url = url
            return self._url

    def migrate(self) -> list[str]:
        """Brings the schema up to date, asked for or not by `open`; gives the names of the migrations applied."""
        with self._turn:
            url = self._join() or self._given or os.environ[URL_VARIABLE]
            return migrate(url, self.schema)

    def revive(self) -> None:
        """Starts the embedded server again if it died; other databases are somebody else's to start."""
        with self._turn:
            if self._server is not None:
                self._join()

    def close(self) -> None:
        """Leaves the embedded server, which stops when nobody else uses it."""
        with self._turn:
            self._url = None
            if self._server is not None:
                server, self._server = self._server, None
                server.leave()

    def _join(self) -> str | None:
        if self._given or (self._home is None and os.environ.get(URL_VARIABLE)):
            return None
        # Imported here: whoever has a database of his own needs none of it.
        from durable_runtime.embedded import EmbeddedPostgresError, EmbeddedServer

        try:
            if self._server is None:
                self._server = EmbeddedServer(self._home)
            return self._server.join()
        except EmbeddedPostgresError as error:
            raise DatabaseUnavailable(str(error)) from error

    def _require_current(self, url: str) -> None:
        pending = list_pending(url, self.schema)
        if pending:
            raise SchemaMismatch(
                f"the schema {self.schema!r} of this database lacks {', '.join(pending)}, and "
                f"{AUTO_MIGRATE_VARIABLE}=0 forbids applying that unasked: run `durable migrations apply`"
            )
