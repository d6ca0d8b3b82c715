"""The functions that `documents.yaml` calls."""

from __future__ import annotations

import re
from typing import Any

from durable_runtime import StepContext
from examples.workflows.desk import file_paper
from examples.workflows.ledger import record

_SUM = re.compile(r"total\s+(\d+)[.,](\d\d)\s*EUR", re.IGNORECASE)


def recognise(text: str, ctx: StepContext) -> dict[str, Any]:
    """Finds the sum in a text; not sure where there are several or none."""
    record(ctx)
    sums = {100 * int(euros) + int(cents) for euros, cents in _SUM.findall(text)}
    return {"sure": len(sums) == 1, "cents": sums.pop() if len(sums) == 1 else None}


def file_document(name: str, cents: int, ctx: StepContext) -> str:
    """Files what was read."""
    return file_paper(ctx, "documents", name=name, cents=cents)
