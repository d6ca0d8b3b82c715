"""What a step's function may raise to say more than that it failed, and how any exception becomes an error value."""

from __future__ import annotations

from datetime import timedelta

from durable_runtime.core.outcomes import Failure
from durable_runtime.core.values import encode


class Fatal(Exception):
    """Raise this when trying again cannot help; the step fails without another attempt.

    `data` is JSON for whoever handles it.
    """

    def __init__(self, message: str = "", *, data: object = None) -> None:
        super().__init__(message)
        self.data = data


class Retry(Exception):
    """Raise this to be tried again after a time of your choice, within the policy's attempts.

    `after` is a span or seconds.
    """

    def __init__(self, message: str = "", *, after: timedelta | float, data: object = None) -> None:
        super().__init__(message)
        self.after = after if isinstance(after, timedelta) else timedelta(seconds=after)
        self.data = data


class StepFailed(Exception):
    """What `ctx.step` raises for a sub-step that failed, now and when the function is entered again.

    `type` is the name of the error's class and `names` those of its bases, `data` what it carried. Where nothing
    catches it the step fails as if that error had been raised in it.
    """

    def __init__(self, message: str, *, type: str, data: object = None, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.type = type
        self.data = data
        self.names = (type, *(name for name in names if name != type))

    def is_a(self, name: str) -> bool:
        """Tells whether the error was of this class, or of one derived from it."""
        return name in self.names


def failure_of(error: BaseException) -> Failure:
    """Gives the error value of an exception: its class, its message, its `data` where it has JSON there."""
    names = tuple(cls.__name__ for cls in type(error).__mro__ if cls not in (object, BaseException))
    try:
        data = encode(getattr(error, "data", None))[1]
    except Exception:
        # Not storable, or a property of the author's that raises: neither may hide what happened first.
        data = None
    if isinstance(error, StepFailed):
        return Failure(type=error.type, message=_message(error), data=data, names=error.names)
    return Failure(
        type=type(error).__name__,
        message=_message(error),
        data=data,
        names=names,
        retry_after=_asked_for(error),
    )


def _asked_for(error: BaseException) -> timedelta | None:
    """Gives the wait that an error asks for: a `Retry`, and what an HTTP answer says."""
    after = getattr(error, "after", None)
    return after if isinstance(after, timedelta) else None


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:
        # The author's own __str__ failed; that must not hide what happened first.
        return f"(its message cannot be shown: {type(second).__name__})"


TIMEOUT = "Timeout"


def timed_out(path: str, after: timedelta) -> Failure:
    """Gives the error value of an attempt that took longer than the step's timeout."""
    seconds = after.total_seconds()
    return Failure(type=TIMEOUT, message=f"{path} took longer than {seconds:g} s", names=(TIMEOUT, "Exception"))
