"""Ending a server, or what is left of one, so that not one of its processes stays behind."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from .errors import ServerBusy
from .locks import Deadline
from .postmaster import Postmaster, find_postmaster, kill_all, list_processes

# PostgreSQL's fast shutdown writes a checkpoint, which takes its time on a slow disk; its immediate one does not.
_FAST: Final = timedelta(seconds=20)
_IMMEDIATE: Final = timedelta(seconds=5)
_KILLED: Final = timedelta(seconds=5)
STOP_TIMEOUT: Final = _FAST + _IMMEDIATE + _KILLED

_ORPHANS_MAY_LIVE: Final = timedelta(seconds=1)


def stop_processes(data: Path, is_alive: Callable[[], bool]) -> None:
    """Stop the server on this data folder: fast, then immediately, then by force, each only if the one before failed.

    Returns when ``is_alive`` says so; raises ServerBusy when it still does not after STOP_TIMEOUT.
    """
    for sign, patience in ((signal.SIGINT, _FAST), (signal.SIGQUIT, _IMMEDIATE), (signal.SIGKILL, _KILLED)):
        here = list_processes(data)
        postmaster = find_postmaster(data)
        if postmaster is not None and postmaster.pid in here and sign != signal.SIGKILL:
            here = [postmaster.pid]  # it passes the signal on
        kill_all(here, sign)
        wait = Deadline(patience)
        while is_alive():
            if wait.passed:
                break
            wait.pause("")
        else:
            return
    raise ServerBusy(
        f"The server on {data} does not stop (processes here: {', '.join(map(str, list_processes(data))) or 'none'})."
        " If there are none, it runs in another container that shares this folder: stop it there."
    )


class Orphans:
    """Ends what is left of a server whose postmaster was killed, while someone waits for the data folder.

    Its children see that and end by themselves, except one in the middle of a long computation. A new server beside it
    would ruin the data, and waiting for it could take for ever. So it is told to quit, as a postmaster tells the other
    children when one of them crashed, and in the end it is killed; what it had not committed is rolled back.
    """

    def __init__(self) -> None:
        self._steps = [
            (Deadline(_ORPHANS_MAY_LIVE), signal.SIGQUIT),
            (Deadline(_ORPHANS_MAY_LIVE + _IMMEDIATE), signal.SIGKILL),
        ]

    def end(self, data: Path, postmaster: Postmaster | None) -> None:
        """Look whether it is time, and whether they are orphans at all: a server that starts or stops is left alone."""
        if not self._steps or not self._steps[0][0].passed:
            return
        _, sign = self._steps.pop(0)
        here = list_processes(data)
        if postmaster is None or postmaster.pid not in here:
            kill_all(here, sign)
