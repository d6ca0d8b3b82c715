"""The operating system user that the server runs as: ourselves, or an unprivileged one when we are root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import AccessRefused

# PostgreSQL refuses to run as root. The first of these that exists is used for a folder that belongs to root;
# a user made for the purpose is best, since whoever is that user can read the data.
SERVER_USERS: Final = ("durable", "postgres", "nobody")


@dataclass(frozen=True)
class Outcome:
    """How a program ended and everything it said."""

    code: int
    output: str


@dataclass(frozen=True)
class Account:
    """A user, and how to run programs as that user."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        """Whether programs have to change to this user first."""
        return self.uid != os.geteuid()

    def run(self, *command: str | Path, feed: str = "", keep: Sequence[int] = ()) -> Outcome:
        """Run a program as this user to its end, away from our terminal, folder and pipes.

        ``feed`` is its standard input, ``keep`` the descriptors it inherits. Raises AccessRefused where the user
        cannot be changed, OSError where the program cannot be run.
        """
        # What the caller set for its own clients (PGPORT, PGOPTIONS, ...) must not bend the server.
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        surroundings |= {"LC_ALL": "C", "LANG": "C", "TZ": "UTC"}
        # A file and not a pipe takes the output: a server that inherits a pipe keeps its reader waiting for ever.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write(feed.encode())
            given.seek(0)
            try:
                code = subprocess.run(
                    [os.fspath(part) for part in command],
                    stdin=given,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env=surroundings,
                    umask=0o077,
                    start_new_session=True,
                    pass_fds=keep,
                    user=self.uid if self.is_other else None,
                    group=self.gid if self.is_other else None,
                    extra_groups=[] if self.is_other else None,
                    check=False,
                ).returncode
            except PermissionError as error:
                # Refused before the program was reached, of which Python tells no name, or that of the folder.
                if self.is_other and error.filename in (None, "/"):
                    raise AccessRefused(
                        f"PostgreSQL does not run as root, and changing to user {self.name!r} was refused."
                        " Run durable as an ordinary user, or name a database with --database."
                    ) from None
                raise
            output.seek(0)
            return Outcome(code, output.read().decode(errors="replace"))

    def can_run(self, program: Path) -> bool:
        """Tell whether this user can execute the program (and load its libraries)."""
        try:
            return self.run(program, "--version").code == 0
        except OSError:
            return False

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user can reach what is inside the folder."""
        return self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).code == 0


def choose_account(home: Path, data: Path) -> Account:
    """Return who runs the server for this home folder.

    An ordinary user runs it alone. Root runs it as the owner of the home folder, so that a project's owner and root
    share one server and root writes nothing into folders others control; for a home of its own as the owner of the
    data folder, and before there is one as the first of SERVER_USERS. Raises AccessRefused for folders not ours.
    """
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise AccessRefused(
                f"{data} belongs to {user_name(data.stat().st_uid)}, and only that user or root can use it."
                " Set DURABLE_HOME to a folder of yours, or name a database with --database."
            )
        return _account_of(os.geteuid())
    owner = home.stat().st_uid
    if owner != 0:
        return _account_of(owner)
    if data.exists():
        owner = data.stat().st_uid
        if owner == 0:
            raise AccessRefused(
                f"{data} belongs to root, but PostgreSQL does not run as root."
                f" Give it back to its user (chown -R nobody {data}) or move it away to start with an empty one."
            )
        return _account_of(owner)
    for name in SERVER_USERS:
        try:
            return _account_of(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise AccessRefused(
        f"PostgreSQL does not run as root, and there is none of the users {', '.join(SERVER_USERS)} to run it as."
        " Create a system user named durable, or name a database with --database."
    )


def user_name(uid: int) -> str:
    """Return the user's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _account_of(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise AccessRefused(
            f"User id {uid} has no entry in /etc/passwd, and PostgreSQL does not start without one."
            " Run durable as a named user, or name a database with --database."
        ) from None
    return Account(uid, entry.pw_gid, entry.pw_name)


def give_new_folder(path: Path, account: Account) -> None:
    """Make a folder that only this user can enter, in a folder of ours."""
    path.mkdir(mode=0o700)
    if not account.is_other:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise AccessRefused(f"{path} was exchanged by someone else while it was being made.")
        os.fchown(descriptor, account.uid, account.gid)
    finally:
        os.close(descriptor)


def is_private_to(path: Path, uid: int) -> bool:
    """Tell whether the path is a folder (no link) of this user that nobody else can enter."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077
