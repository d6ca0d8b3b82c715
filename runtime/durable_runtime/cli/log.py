"""What the engine logs, as lines for the person at the terminal."""

from __future__ import annotations

import logging

from durable_runtime.cli.output import complain, printable


class _Lines(logging.Handler):
    """One line for each record; warnings and worse say so."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
            at = self.clock.formatTime(record, "%H:%M:%S")
            complain(f"{at} {level}{printable(record.getMessage())}")
        except Exception:  # what cannot be formatted must not end the worker
            self.handleError(record)

    clock = logging.Formatter()


def show_log(level: int) -> None:
    """Shows what the engine logs from this level on; the root logger is left to the code of the steps."""
    found = logging.getLogger("durable")
    found.handlers = [_Lines()]
    found.setLevel(level)
    found.propagate = False
