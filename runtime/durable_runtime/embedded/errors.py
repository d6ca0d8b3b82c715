"""What can go wrong with the server that durable runs itself."""

from __future__ import annotations

import errno
from typing import Final

_OTHER_DATABASE: Final = "or name a database of your own with --database or DURABLE_DATABASE_URL"


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the message says why, where and what to do."""


class BinariesMissing(EmbeddedPostgresError):
    """No usable PostgreSQL binaries were found."""


class VersionMismatch(EmbeddedPostgresError):
    """The data folder was made by a major version of PostgreSQL for which there are no binaries."""


class AccessRefused(EmbeddedPostgresError):
    """A folder, file or user account is not ours to use."""


class DiskFull(EmbeddedPostgresError):
    """There is no room left for the data folder."""


class StartFailed(EmbeddedPostgresError):
    """The server, or the making of its data folder, ended with an error; the message carries the end of its log."""


class ServerBusy(EmbeddedPostgresError):
    """The server did not get ready, or did not stop, within the time allowed; it may still do so."""


def explain_output(what: str, output: str) -> EmbeddedPostgresError:
    """Turn the last words of a PostgreSQL program into the error that fits them best."""
    said = output.strip()[-2000:].strip() or "(it said nothing)"
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFull(
            f"{what}: the disk is full. Make room, set DURABLE_HOME to another disk, {_OTHER_DATABASE}.\n{said}"
        )
    if "Permission denied" in said or "Read-only file system" in said:
        return AccessRefused(
            f"{what}: access was refused. Set DURABLE_HOME to a folder of yours, {_OTHER_DATABASE}.\n{said}"
        )
    return StartFailed(f"{what}. Its last words:\n{said}")


def explain_os_error(what: str, error: OSError) -> EmbeddedPostgresError:
    """Turn an error of the operating system, met by durable itself, into the error that fits it best."""
    where = f" ({error.filename})" if error.filename else ""
    said = f"{what}{where}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{said}. Make room, set DURABLE_HOME to another disk, {_OTHER_DATABASE}.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
        return AccessRefused(f"{said}. Set DURABLE_HOME to a folder of yours, {_OTHER_DATABASE}.")
    return StartFailed(f"{said}. Set DURABLE_HOME to another folder, {_OTHER_DATABASE}.")
