"""The functions that `provisioning.yaml` calls."""

from __future__ import annotations

from durable_runtime import Fatal, StepContext
from examples.workflows.desk import file_paper

FULL = {"north": ("machines",), "moon": ("network", "database", "machines")}
"""What there is no room for, by region."""


class NoRoom(Fatal):
    """A region has no room for this."""


def create(what: str, name: str, region: str, ctx: StepContext) -> str:
    """Creates something and gives its id; asked again, it is the same one."""
    if what in FULL.get(region, ()):
        raise NoRoom(f"there is no room for {what} in {region}")
    file_paper(ctx, "built", id=f"{region}-{name}-{what}")
    return f"{region}-{name}-{what}"


def remove(id: str, ctx: StepContext) -> None:
    """Removes something; what is gone already is gone."""
    file_paper(ctx, "removed", id=id)
