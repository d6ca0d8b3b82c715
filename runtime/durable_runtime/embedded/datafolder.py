"""The data folder of one server: made whole or not at all, and a server started on it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from .account import Account, give_new_folder, is_private_to, user_name
from .binaries import find_binaries, reachable_binaries
from .errors import AccessRefused, StartFailed, explain_output
from .places import find_shared_folder
from .postmaster import PORT, fits_socket, list_processes, without_stale_pid

_LOG_LIMIT: Final = 4 * 1024 * 1024

_SETTINGS: Final = """
# Written once by durable, and yours to change. Where the server listens is said on its command line.
max_connections = 200
shared_buffers = 128MB
max_wal_size = 512MB
min_wal_size = 80MB
jit = off
# Of a solid-state drive. With 4, which is of turning ones, a claim of a few reads and sorts a table of a thousand.
random_page_cost = 1.1
# In files of the data folder: /dev/shm often has only 64 MB in a container, and keeps what a killed server had there.
dynamic_shared_memory_type = mmap
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = off
log_checkpoints = off
log_min_messages = warning
# Statements carry the values of workflows, which do not belong into a log.
log_min_error_statement = panic
"""

# The folder of the socket keeps others out. This keeps them out again, should someone open that folder.
_ACCESS: Final = "local all all peer map=durable\n"

# Writes the users file, removes the lock beside the socket (PostgreSQL takes it for valid while any process has the id
# in it, like the pid file), and starts the server in the background: it must not become a child that we have to reap.
_START: Final = """
set -e
cd "$1"
cat >pg_ident.conf
rm -f "$2"
shift 2
"$@" >>server.log 2>&1 </dev/null &
"""


class DataFolder:
    """The data folder below one home folder; ``pgdata`` in it is the folder or a link to it."""

    def __init__(self, home: Path) -> None:
        self.link = home / "pgdata"

    @property
    def path(self) -> Path:
        """Where it really is. Changes once, when the folder is made."""
        return self.link.resolve()

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.path / "server.log"

    def find_version(self) -> int | None:
        """Return the major version of PostgreSQL that made the folder, or None where there is none yet."""
        try:
            return int((self.path / "PG_VERSION").read_text())
        except FileNotFoundError:
            if not os.path.lexists(self.link):
                return None
        except ValueError:
            pass
        what = f"points to {self.path}, which is gone" if not self.path.exists() else "is no data folder of PostgreSQL"
        raise StartFailed(f"{self.link} {what}. Remove it to start with an empty database.")

    def create(self, home: Path, account: Account, alive: int) -> None:
        """Make the folder, with a database ``durable`` in it.

        It is made under another name and renamed when it is whole. ``alive`` goes to the programs that make it: while
        they live, even without us, nobody else begins.
        """
        binaries = reachable_binaries(find_binaries(), account)
        if account.can_enter(home):
            draft = home / "pgdata.draft"
            final = self.link
        else:
            rooms = find_shared_folder(account)
            draft = rooms / f"draft-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
            # Never a name that can be guessed from the home: who removes a home wants an empty database afterwards.
            final = rooms / f"data-{secrets.token_hex(6)}"
        if draft.exists():
            shutil.rmtree(draft)
        if draft.parent.stat().st_uid != account.uid:
            give_new_folder(draft, account)
        self._fill(draft, binaries, account, alive)
        draft.rename(final)
        _flush(final.parent)
        if final != self.link:
            self.link.symlink_to(final)
            _flush(home)

    def _fill(self, draft: Path, binaries: Path, account: Account, alive: int) -> None:
        what = f"The data folder {draft} could not be made"
        options = ("-U", "postgres", "-A", "peer", "-E", "UTF8", "--no-locale", "--no-instructions")
        steps: list[tuple[tuple[str | Path, ...], str]] = [
            ((binaries / "initdb", "-D", draft, *options), ""),
            (("/bin/sh", "-c", 'cat >>"$1"', "sh", draft / "postgresql.conf"), _SETTINGS),
            (("/bin/sh", "-c", 'cat >"$1"', "sh", draft / "pg_hba.conf"), _ACCESS),
            # The only way to make a database without a client: the server itself, reading statements.
            (
                (binaries / "postgres", "--single", "-D", draft, "-c", "exit_on_error=on", "template1"),
                "CREATE DATABASE durable;\n",
            ),
        ]
        for command, feed in steps:
            made = account.run(*command, feed=feed, keep=[alive])
            if made.code != 0:
                shutil.rmtree(draft, ignore_errors=True)
                raise explain_output(what, made.output)

    def start(self, version: int, account: Account, alive: int) -> None:
        """Begin to start a server that holds ``alive`` as long as one of its processes lives; it is not ready yet.

        To be called by the holder of ``alive`` only, since it treats whatever an earlier server left as stale.
        """
        binaries = reachable_binaries(find_binaries(version), account)
        data = self.path
        self._mend_pid_file(account)
        self.bound_log(account)
        users = {account.name, user_name(os.geteuid()), user_name(0)}
        sockets = self._socket_folder(account)
        listed = str(sockets).replace('"', '""')
        started = account.run(
            "/bin/sh", "-c", _START, "sh", data, sockets / f".s.PGSQL.{PORT}.lock",
            binaries / "postgres", "-D", data, "-c", "listen_addresses=", "-c", f"port={PORT}",
            "-c", f'unix_socket_directories="{listed}"', "-c", "unix_socket_permissions=0700",
            feed="".join(f'durable "{user}" postgres\n' for user in sorted(users)),
            keep=[alive],
        )  # fmt: skip
        if started.code != 0:
            raise explain_output(f"The server on {data} could not be started", started.output)

    def _mend_pid_file(self, account: Account) -> None:
        data = self.path
        try:
            old = (data / "postmaster.pid").read_text()
            os.kill(int(old.split()[0]), 0)
        except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            return  # PostgreSQL itself sees that the file is stale
        except PermissionError:
            pass
        # Someone has that id. The lock says it is no server of ours; is it one that somebody else started here?
        if strangers := list_processes(data):
            raise StartFailed(
                f"{data} is used by a server that durable did not start (process {strangers[0]})."
                f" Stop it (pg_ctl -D {data} stop), or set DURABLE_HOME to another folder."
            )
        account.run("/bin/sh", "-c", 'cat >"$1"', "sh", data / "postmaster.pid", feed=without_stale_pid(old))

    def _socket_folder(self, account: Account) -> Path:
        data = self.path
        if fits_socket(data):
            return data
        folder = Path(f"/tmp/durable-{account.uid}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}")
        account.run("/bin/mkdir", "-m", "700", folder)
        try:
            if is_private_to(folder, account.uid):
                return folder
        except FileNotFoundError:
            pass
        raise AccessRefused(
            f"The server on {data} needs a folder with a short name for its socket, and {folder} is not one that only"
            f" user {account.name!r} can enter. Remove it, or set DURABLE_HOME to a folder with a shorter name."
        )

    def bound_log(self, account: Account) -> None:
        """Begin the log anew when it has grown large, keeping the one before it."""
        try:
            if self.log.lstat().st_size <= _LOG_LIMIT:
                return
        except FileNotFoundError:
            return
        # The server appends, so it goes on at the new end.
        account.run("/bin/sh", "-c", 'cp "$1" "$1.1" && : >"$1"', "sh", self.log)

    def log_size(self) -> int:
        """Return where the log ends now."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def log_since(self, size: int) -> str:
        """Return what the log says after this point, the last two thousand characters at most."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(size, self.log_size() - 2000))
                return log.read().decode(errors="replace")
        except OSError as error:
            return f"(its log {self.log} cannot be read: {error.strerror})"


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
