"""The command `durable`, with steps of the examples that stop for good where a test wants them: in a node, for certain.

`python -m tests.acceptance.held PATTERN COUNT MARKER ARGUMENTS...` runs `durable ARGUMENTS`. The step whose line in the
ledger, `execution node attempt`, is the COUNT-th to match PATTERN never gets further, nor does any that matches later;
the file MARKER is there as soon as the first of them stands still. The line `paid` is written when the gateway has
taken the money and before the step can tell anyone.
"""

from __future__ import annotations

import itertools
import re
import sys
import threading
from pathlib import Path
from typing import Any

from durable_runtime.actions import StepContext
from durable_runtime.cli import main as durable
from examples.workflows import gateway, ledger


def main() -> None:
    """Put the stops in before the modules that use them are imported, and become the command."""
    pattern, count, marker, *arguments = sys.argv[1:]
    matches = itertools.count(1)

    def stop_at(line: str) -> None:
        if re.search(pattern, line) and next(matches) >= int(count):
            Path(marker).touch()
            threading.Event().wait()

    record, charge = ledger.record, gateway.charge

    def record_and_stop(ctx: StepContext) -> None:
        record(ctx)
        stop_at(f"{ctx.execution_id} {ctx.node} {ctx.attempt}")

    def charge_and_stop(*args: Any, **kwargs: Any) -> str:
        charge_id = charge(*args, **kwargs)
        stop_at("paid")
        return charge_id

    ledger.record = record_and_stop
    gateway.charge = charge_and_stop
    durable(arguments)


if __name__ == "__main__":
    main()
