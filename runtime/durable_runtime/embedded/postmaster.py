"""What a running server tells about itself: its pid file, its socket and its processes."""

from __future__ import annotations

import os
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

PORT: Final = 5432
# sun_path of a socket's address holds 108 bytes on Linux and 104 on macOS, the closing zero included.
_LONGEST_SOCKET_PATH: Final = 103
_CANNOT_CONNECT_NOW: Final = b"C57P03\0"
_DEAD_PID: Final = 2**31 - 1  # above any kernel's largest


@dataclass(frozen=True)
class Postmaster:
    """The contents of ``postmaster.pid``: what the last server on a data folder said about itself."""

    pid: int
    socket_folder: Path
    status: str

    @property
    def url(self) -> str:
        """The address of the database ``durable`` on this server, for libpq and everything that reads its URLs."""
        # With the port, which PGPORT in the environment of the client would otherwise replace.
        return f"postgresql://postgres@/durable?host={quote(str(self.socket_folder), safe='/')}&port={PORT}"

    def accepts_connections(self) -> bool:
        """Tell whether a connection can be made now: one that the server answers, not only a socket that is there."""
        return self.status == "ready" and _says_welcome(self.socket_folder)


def find_postmaster(data: Path) -> Postmaster | None:
    """Read the pid file of the data folder; None where there is none, or not yet all of it."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    # Line by line: pid, data folder, start, port, socket folder, TCP address, shared memory, status.
    if len(lines) < 8 or not lines[0].strip().isdigit():
        return None
    return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip())


def _says_welcome(folder: Path) -> bool:
    body = struct.pack("!i", 3 << 16) + b"user\0postgres\0database\0durable\0application_name\0durable\0\0"
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(folder / f".s.PGSQL.{PORT}"))
            # With the goodbye already in it, so that the server does not log a lost client.
            connection.sendall(struct.pack("!i", len(body) + 4) + body + b"X\0\0\0\4")
            answer = b""
            while part := connection.recv(4096):
                answer += part
    except OSError:
        return False
    # Any other refusal (too many clients, say) comes from a server that is up, and its reader will be told why.
    return answer[:1] == b"R" or (answer[:1] == b"E" and _CANNOT_CONNECT_NOW not in answer)


def fits_socket(folder: Path) -> bool:
    """Tell whether a socket in this folder has an address short enough, on a file system that has sockets."""
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > _LONGEST_SOCKET_PATH:
        return False
    probe = folder.parent / ".socket"
    try:
        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.bind(str(probe))
        probe.unlink()
    except OSError:
        return False
    return True


def list_processes(data: Path) -> list[int]:
    """Return the ids of the live processes that work in this data folder: a postmaster and its children, or orphans."""
    import psutil  # 15 ms that joining a server that runs, or starting one, need not pay

    found = []
    for process in psutil.process_iter():
        try:
            # A shell that someone left standing in the folder is none of them.
            if process.name() == "postgres" and process.cwd() == str(data):
                found.append(process.pid)
        except psutil.Error:  # gone, a zombie, or another user's
            continue
    return found


def kill_all(pids: list[int], sign: signal.Signals) -> None:
    """Send the signal to those that are still there."""
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue


def without_stale_pid(pid_file: str) -> str:
    """Return the pid file with an id that no process has.

    A server that was killed leaves its id behind, and PostgreSQL refuses to start while any process has it: a zombie
    that nobody reaps, or a stranger who got the same number. The rest of the file must stay: by the shared memory
    named in it PostgreSQL sees for itself that no child of the killed server is left.
    """
    _, rest = pid_file.split("\n", 1)
    return f"{_DEAD_PID}\n{rest}"
