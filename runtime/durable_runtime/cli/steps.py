"""An execution's history as lines: one for each outcome that a person would count as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_runtime.cli.output import clock, error_text, printable, span

if TYPE_CHECKING:
    from durable_dsl.drawing import NodeStatus
    from durable_runtime.client import StepRecord
    from durable_runtime.store.seen import LogLine


_SILENT = (
    "entered",
    "turned",
    "answered",
    "paused",
    "resumed",
    "compensating",
    "received",
    "arrived",
    "rewound",
    "edited",
    "forked",
    "joined",
)


def status_of(step: StepRecord) -> NodeStatus | None:
    """Gives the status that a record gave its node; None where a container only began an item, a turn or a list."""
    from durable_dsl.drawing import NodeStatus

    if step.kind in _SILENT:
        return None
    shown = {"collected": "completed", "timed_out": "completed", "caught": "failed", "ignored": "failed"}
    return NodeStatus(shown.get(step.kind, step.kind))


def lasted(step: StepRecord) -> str:
    """Says how long an attempt took; empty where nothing ran outside of the engine."""
    return "" if step.started_at is None else span((step.finished_at - step.started_at).total_seconds())


def note(step: StepRecord) -> str:
    """Says what there is to know beside the status: the attempt, the error, when it goes on."""
    parts = []
    if step.attempt > 1 or step.kind == "retrying":
        parts.append(f"attempt {step.attempt}")
    if step.error:
        parts.append(error_text(step.error, with_place=False))
    if step.kind in ("caught", "ignored"):
        parts.append(step.kind)
    if step.kind == "waiting" and step.result:
        parts.append(f"for {awaited(step.result)}")
    if step.kind == "timed_out":
        parts.append(f"timed out, goes to {step.result}")
    if step.due_at is not None:
        parts.append(f"{'again at' if step.kind == 'retrying' else 'until'} {clock(step.due_at)}")
    return "; ".join(parts)


def awaited(opened: dict[str, Any]) -> str:
    """Says what a node waits for that others do: a child, an event, an answer."""
    if "child" in opened:
        return f"{opened['workflow']} {opened['child']}"
    return ", ".join(map(_awaited, opened["for"].values()))


def _awaited(spec: dict[str, Any]) -> str:
    if "ask" in spec:
        return printable(f"{spec['ask']}: {spec['prompt']}" if spec.get("prompt") else str(spec["ask"]))
    if "event" in spec:
        return printable(f"{spec['event']} {spec['key']}" if "key" in spec else str(spec["event"]))
    return str(spec["at"])


def step_line(step: StepRecord, status: NodeStatus, *, unicode: bool) -> str:
    """Gives a record as a line: `12:00:01 ✓ charge (0.3 s)`."""
    from durable_dsl.drawing import LOOKS

    look = LOOKS[status]
    name = printable(step.path) or "the execution"
    line = f"{clock(step.finished_at)} {look.glyph if unicode else look.code} {name}"
    if status.value in ("skipped", "waiting", "cancelled", "compensated"):
        line += f" {status.value}"
    took, said = lasted(step), note(step)
    if took:
        line += f" ({took})"
    return f"{line}: {said}" if said else line


def log_line(line: LogLine) -> str:
    """Gives a line of the log: `12:00:01   charge: card declined`, with its level unless that is info."""
    level = "" if line.level == "info" else f"[{line.level}] "
    attempt = f" (attempt {line.attempt})" if line.attempt > 1 else ""
    place = f"{line.path}{attempt}: " if line.path else ""
    return f"{clock(line.at)}   {printable(f'{level}{place}{line.message}')}"
