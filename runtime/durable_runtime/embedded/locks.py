"""File locks that the kernel drops when their last holder dies, however it dies.

Three files in the home folder carry all coordination between processes:

``server.lock``  held by whoever starts, stops, joins or leaves: one at a time.
``users.lock``   held shared by every process that uses the server; nobody else on it means the last user is out.
``alive.lock``   held by the server itself: the file is open in the postmaster and, by inheritance, in every one of
                 its children. Whoever gets it knows that nothing of an earlier server is left. No process id can tell
                 that: ids are reused, linger as zombies, and mean nothing in another container.

They are opened for reading only, so that one made by root does not lock out the owner of the folder.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from .errors import ServerBusy


class Deadline:
    """A moment after which waiting is given up."""

    def __init__(self, timeout: timedelta) -> None:
        self.timeout = timeout
        self._ends = time.monotonic() + timeout.total_seconds()

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends

    def pause(self, trouble: str) -> None:
        """Wait a moment before the next look, or raise `ServerBusy` with ``trouble`` when the time is up."""
        if self.passed:
            raise ServerBusy(f"{trouble} (waited {self.timeout.total_seconds():g} s)")
        time.sleep(0.005)


# A child that another thread forks while a lock is held must not keep it as long as it lives.
_not_for_children: set[int] = set()


def _close_in_child() -> None:
    while _not_for_children:
        os.close(_not_for_children.pop())


os.register_at_fork(after_in_child=_close_in_child)


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Return a descriptor that holds the lock until its `release`, or None where someone else holds it.

    A forked child keeps a shared lock with its parent, and loses an exclusive one.
    """
    # In a folder of ours nobody else needs the file, and who can open it can hold us up.
    mode = 0o600 if path.parent.stat().st_uid == os.geteuid() else 0o644
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    if not shared:
        _not_for_children.add(descriptor)
    return descriptor


def release(descriptor: int) -> None:
    """Give up the lock, unless a child that inherited it still holds it."""
    _not_for_children.discard(descriptor)
    os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether someone holds the lock for itself alone, without disturbing others who ask the same."""
    if not path.exists():
        return False
    descriptor = try_lock(path, shared=True)
    if descriptor is None:
        return True
    release(descriptor)
    return False


@contextmanager
def exclusively(path: Path, deadline: Deadline) -> Iterator[None]:
    """Hold the lock alone, waiting for others until the deadline."""
    while (descriptor := try_lock(path)) is None:
        deadline.pause(f"another process keeps {path} locked: it is starting or stopping the server, or hangs in it")
    try:
        yield
    finally:
        release(descriptor)


def count_holders(path: Path) -> int | None:
    """Return how many hold the lock shared, or None where the system does not tell (it does on Linux)."""
    try:
        inode = path.stat().st_ino
        table = Path("/proc/locks").read_text()
    except OSError:
        return None
    # "12: FLOCK  ADVISORY  READ 4711 fe:00:123456 0 EOF"; waiting ones have "->" in second place.
    rows = [line.split() for line in table.splitlines()]
    return sum(
        1 for row in rows if len(row) > 5 and row[1] == "FLOCK" and row[3] == "READ" and row[5].endswith(f":{inode}")
    )
