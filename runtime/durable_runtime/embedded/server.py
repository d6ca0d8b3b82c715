"""A PostgreSQL server that belongs to a folder and is shared by the processes that use it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from .account import choose_account
from .datafolder import DataFolder
from .ending import STOP_TIMEOUT, Orphans, stop_processes
from .errors import EmbeddedPostgresError, StartFailed, explain_os_error, explain_output
from .locks import Deadline, count_holders, exclusively, is_locked, release, try_lock
from .places import default_home, make_home
from .postmaster import Postmaster, find_postmaster


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the embedded server of one home folder, at one moment."""

    home: Path
    data_folder: Path
    running: bool
    pid: int | None
    version: str | None
    users: int | None
    """How many processes use it now, where the system tells."""
    conninfo: str | None
    size_bytes: int


class EmbeddedServer:
    """A PostgreSQL server below ``home`` (see `default_home`), started by its first user and stopped by its last.

    Any number of processes may share it. Making one of these does nothing yet: `join` does, as does
    entering it as a context. Every method raises `EmbeddedPostgresError`, or one of its kinds, with a message that
    says what to do.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(os.path.realpath(home or default_home()))
        self._data = DataFolder(self.home)
        self._use: int | None = None

    def join(self, timeout: timedelta = timedelta(seconds=30)) -> str:
        """Return the URL of the database ``durable`` on a server that answers, and count as a user of it until `leave`.

        Starts the server, and makes its data folder first, where need be; a server that died since an earlier `join` is
        started again. A process that ends without `leave` has left: in order, or by the kernel when it is killed.
        Raises ServerBusy when the server is not ready within ``timeout``.
        """
        deadline = Deadline(timeout)
        with self._alone(deadline, making=True):
            postmaster = self._serve(deadline)
            if self._use is None:
                self._use = try_lock(self._users_lock, shared=True)
                atexit.register(self._leave_at_exit)
            return postmaster.url

    def leave(self) -> bool:
        """Stop using the server, and stop it when nobody else uses it; tell whether it was stopped.

        Does nothing for who has not joined. Processes that share a use by a fork have left when all of them have.
        """
        if not self._joined:
            return False
        with self._alone(Deadline(STOP_TIMEOUT)):
            if self._use is None:  # another thread was first
                return False
            atexit.unregister(self._leave_at_exit)
            release(self._use)
            self._use = None
            # Parent and children of a fork hold one lock, which seems free to each of them: ask as a stranger would.
            last = try_lock(self._users_lock)
            if last is None:
                return False
            try:
                return self._stop()
            finally:
                release(last)

    def stop(self) -> bool:
        """Stop the server even if others use it, with all it has committed on disk; False if it was not running."""
        with self._explained():
            if not self.home.is_dir():
                return False
        with self._alone(Deadline(STOP_TIMEOUT)):
            return self._stop()

    def status(self) -> ServerStatus:
        """Look at the server without waiting for anyone or changing anything."""
        with self._explained():
            running = is_locked(self._alive_lock)
            postmaster = find_postmaster(self._data.path) if running else None
            version = self._data.find_version()
            return ServerStatus(
                home=self.home,
                data_folder=self._data.path,
                running=running,
                pid=postmaster.pid if postmaster else None,
                version=None if version is None else str(version),
                users=count_holders(self._users_lock) if self._users_lock.exists() else 0,
                conninfo=postmaster.url if postmaster and postmaster.accepts_connections() else None,
                size_bytes=_size_of(self._data.path),
            )

    def __enter__(self) -> str:
        return self.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    @property
    def _joined(self) -> bool:
        return self._use is not None

    @property
    def _alive_lock(self) -> Path:
        return self.home / "alive.lock"

    @property
    def _users_lock(self) -> Path:
        return self.home / "users.lock"

    @contextmanager
    def _alone(self, deadline: Deadline, *, making: bool = False) -> Iterator[None]:
        """Keep all others, threads of this process included, from starting and stopping the server meanwhile."""
        with self._explained():
            if making:
                make_home(self.home)
            with exclusively(self.home / "server.lock", deadline):
                yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise explain_os_error(f"The embedded server in {self.home} cannot be used", error) from error

    def _serve(self, deadline: Deadline) -> Postmaster:
        """Return a server that accepts connections, waiting for whatever is under way on the data folder."""
        log_before: int | None = None
        orphans = Orphans()
        while True:
            alive = try_lock(self._alive_lock)
            if alive is not None:
                try:
                    if log_before is not None:
                        said = self._data.log_since(log_before)
                        raise explain_output(f"The server on {self._data.path} ended while it was starting", said)
                    log_before = self._start(alive)
                finally:
                    release(alive)
            postmaster = find_postmaster(self._data.path)
            if postmaster is not None and postmaster.accepts_connections():
                if log_before is None:
                    self._data.bound_log(choose_account(self.home, self._data.path))
                return postmaster
            if log_before is None:
                orphans.end(self._data.path, postmaster)
            deadline.pause(f"The server on {self._data.path} is not ready; {self._data.log} may say why")

    def _start(self, alive: int) -> int:
        version = self._data.find_version()
        account = choose_account(self.home, self._data.path)
        if version is None:
            self._data.create(self.home, account, alive)
            version = self._data.find_version()
            if version is None:
                raise StartFailed(f"{self._data.link} vanished while it was made")
        log_before = self._data.log_size()
        self._data.start(version, account, alive)
        return log_before

    def _stop(self) -> bool:
        """Stop the server and wait until not one of its processes is left."""
        if not is_locked(self._alive_lock):
            return False
        data = self._data.path
        account = choose_account(self.home, data)
        postmaster = find_postmaster(data)
        stop_processes(data, lambda: is_locked(self._alive_lock))
        if postmaster is not None and postmaster.socket_folder != data:
            account.run("/bin/rmdir", postmaster.socket_folder)
        return True

    def _leave_at_exit(self) -> None:
        # Too late to tell anyone; the next process finds the server running or makes it so.
        with suppress(EmbeddedPostgresError):
            self.leave()


def _size_of(folder: Path) -> int:
    size = 0
    for root, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += os.lstat(os.path.join(root, name)).st_size
    return size
