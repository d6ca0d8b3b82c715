"""What the command line ends with: one number for each kind of ending, the same for every command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes. Scripts rely on them: a number never changes its meaning."""

    OK = 0
    FAILED = 1
    """The execution failed or was cancelled, or what was asked cannot be done to it; or `fmt --check` objects."""
    USAGE = 2
    INVALID = 3
    """The workflow or its input is wrong, or a tool is missing on this machine."""
    NOT_FOUND = 4
    DATABASE = 5
    TIMED_OUT = 6
    WAITING = 7
    """The execution waits for an event or a person."""
    BUG = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141


class CommandError(Exception):
    """A command cannot go on; the message tells what happened and what to do."""

    def __init__(self, message: str, exit: Exit) -> None:
        super().__init__(message)
        self.exit = exit


class Ended(Exception):
    """A command has said everything and ends with this code."""

    def __init__(self, exit: Exit) -> None:
        super().__init__(exit.name)
        self.exit = exit
