"""Where the embedded server keeps its things."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from .account import Account
from .errors import AccessRefused

# Where root puts what the server's user cannot reach in its own place: the first that can be used.
SHARED_FOLDERS: Final = [Path("/var/lib/durable"), Path("/var/tmp/durable")]
_PROJECT_MARKS: Final = ("durable.yaml", "pyproject.toml")


def default_home(cwd: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the embedded server for whoever works in ``cwd``.

    ``$DURABLE_HOME``; else ``.durable`` beside the nearest ``durable.yaml`` or ``pyproject.toml`` from ``cwd`` upward;
    else ``durable`` in the user's data directory (``$XDG_DATA_HOME`` or ``~/.local/share``). It need not exist.
    Raises AccessRefused for a user without a home directory.
    """
    start = Path(cwd or Path.cwd()).absolute()
    if chosen := environ.get("DURABLE_HOME"):
        return start / Path(chosen).expanduser()
    for folder in (start, *start.parents):
        if any((folder / mark).is_file() for mark in _PROJECT_MARKS):
            return folder / ".durable"
    if data_home := environ.get("XDG_DATA_HOME"):
        return Path(data_home) / "durable"
    try:
        return Path(environ.get("HOME") or Path.home()) / ".local" / "share" / "durable"
    except RuntimeError:
        raise AccessRefused("This user has no home directory to keep a database in. Set DURABLE_HOME.") from None


def make_home(home: Path) -> None:
    """Make the home folder, complete at its first sight, unless it is there. Existing folders stay as they are."""
    if home.is_dir():
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        # Root's server runs as another user, which has to pass through here to its own folder inside.
        draft.chmod(0o755 if os.geteuid() == 0 else 0o700)
        (draft / ".gitignore").write_text("# What is in here is one machine's data.\n*\n")
        try:
            draft.rename(home)  # refused when another process was first, since theirs is not empty
        except OSError:
            if not home.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def find_shared_folder(account: Account) -> Path:
    """Return a folder of root's that the server's user can reach. Raises AccessRefused when there is none."""
    for folder in SHARED_FOLDERS:
        with suppress(OSError):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(0o755)
            found = folder.lstat()
            is_ours = found.st_uid == os.geteuid() and not found.st_mode & 0o022 and not folder.is_symlink()
            if is_ours and account.can_enter(folder):
                return folder
    raise AccessRefused(
        f"User {account.name!r}, who runs the server for root, can reach neither the home folder nor any of"
        f" {', '.join(map(str, SHARED_FOLDERS))}. Set DURABLE_HOME to a folder it can reach (say, /srv/durable),"
        " or name a database with --database."
    )
