"""What the smaller examples share: a paper for each piece of work, there once however often it was attempted."""

from __future__ import annotations

import json
from typing import Any

from durable_runtime import StepContext
from examples.workflows.ledger import record
from examples.workflows.output import output_folder, write_whole


def file_paper(ctx: StepContext, folder: str, **fields: Any) -> str:
    """Writes what an instance did to a file named after it, and gives the name of the file."""
    record(ctx)
    return write_whole(f"{folder}/{name_paper(ctx)}.json", json.dumps(fields, indent=2) + "\n")


def name_paper(ctx: StepContext) -> str:
    """Gives the name of an instance's paper, the same for all its attempts: its execution's folder, and what it is."""
    name = ctx.node.replace("/", "-").replace("[", "-").replace("]", "").replace("#", "-")
    return f"{ctx.execution_id}/{name}"


def list_papers(folder: str) -> dict[str, dict[str, Any]]:
    """Gives all papers of a folder by the name of the instance that wrote them."""
    files = sorted((output_folder() / folder).glob("*/*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
