"""The order of a function's calls, which must be the same whenever it is entered."""

from __future__ import annotations

from durable_runtime.actions.outcome import Fatal
from durable_runtime.core.calls import SubStep
from durable_runtime.core.commands import Perform
from durable_runtime.core.outcomes import Failure


class OrderChanged(Fatal):
    """The function was entered again and made another call than the one that is stored at this place."""


def order_changed(perform: Perform, position: int, what: str) -> Failure:
    """Gives the failure of a function that did something else than the call that is stored at a position."""
    names = [sub.name for sub in perform.done]
    stored = f"call {position + 1} was '{names[position]}'" if position < len(names) else ""
    message = (
        f"the function of {perform.path} was entered again and {what}, but {stored}; the order of its calls "
        "must not change under a running execution: deploy the new order under another name, or fork the execution"
    )
    return Failure(
        type="OrderChanged", message=message, data={"calls": names}, names=("OrderChanged", "Fatal", "Exception")
    )


def differs(found: SubStep | None, own: str, *, waits: bool) -> str | None:
    """Tells what a function did instead of the call that is stored at its place, if it is another one."""
    # What was refused before it waited, such as a child of no workflow, is the same call.
    same = found is None or found.waited == waits or (waits and found.error is not None)
    if found is None or (found.name == own and same):
        return None
    return f"called '{own}'" if found.name != own else f"made '{own}' a {'wait' if waits else 'step'}"
