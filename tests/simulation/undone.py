"""What was undone must be what had completed, each once, the newest first; told from the history alone."""

from __future__ import annotations

import re

from durable_dsl import Graph
from durable_dsl.graph import Step
from durable_runtime.core.checkpoints import Checkpoint

_INSTANCE = re.compile(r"\[\d+\]|#\d+")


def undoing_problems(graph: Graph, history: list[Checkpoint], status: str) -> list[str]:
    """Lists what does not fit between steps that completed, compensations that ran, and how the execution ended."""
    can_be_undone = {node.id for node in graph.walk() if isinstance(node, Step) and node.compensate is not None}
    done, undone, failed, found = dict[str, int](), dict[str, int](), set[str](), list[str]()
    recovered, passed, ended_by_cancel = set[str](), set[str](), False
    taken_back = {seq for one in history if one.kind == "rewound" for seq in one.result["without"]}
    for one in history:
        step = one.path.removesuffix("/compensate")
        if one.kind == "cancelled":
            ended_by_cancel = True
        if one.kind == "caught":
            recovered.add(one.path)
        elif not ended_by_cancel and (one.kind == "ignored" or (one.kind == "completed" and one.path in recovered)):
            # The flow went on after it: what a `catch` could not undo in there counts no more.
            passed |= {step for step in failed if step.startswith(f"{one.path}/")}
        elif step != one.path and one.kind in ("compensated", "failed"):
            if step in undone:
                found.append(f"{step} was undone twice")
            if step not in done:
                found.append(f"{step} was undone and had not completed")
            undone[step] = one.seq
            if one.kind == "failed":
                failed.add(step)
        elif one.kind == "completed" and _INSTANCE.sub("", one.path) in can_be_undone and one.path not in recovered:
            done[one.path] = one.seq
            if undone.get(one.path) in taken_back:
                # It ran again after a retry, and may be undone again.
                del undone[one.path]
                failed.discard(one.path)
    found += _out_of_order(history, done)
    # What an `on_failure` that worked has completed stays, also when the execution is retried after it.
    kept = {step for step, seq in done.items() if step.startswith("on_failure/") and seq in taken_back}
    left = {step for step in done if step not in undone and step not in kept}
    asked = any(one.kind == "cancelled" and (one.result or {}).get("compensate") for one in history)
    stopped = any(one.kind == "cancelled" and not (one.result or {}).get("compensate") for one in history)
    if status in ("failed", "compensated", "compensation_failed") and not stopped:
        left = {step for step in left if not step.startswith("on_failure/")}
        if left:
            found.append(f"is {status}, and {sorted(left)} were not undone")
        # What a `catch` undid counts only if its error is the one that ended the execution.
        begins = next((one.seq for one in history if one.kind == "compensating"), len(history) + 1)
        late = {step for step, seq in undone.items() if seq > begins}
        possible = {"compensation_failed"} if late & failed else {"compensated"} if late else {"failed"}
        if late < undone.keys():
            possible |= {"compensation_failed"} if failed else {"compensated"}
        if status not in possible and not asked:
            found.append(f"is {status}, with {len(undone)} undone of which {len(failed)} failed")
        if asked and status != "compensation_failed":
            found.append(f"is {status} although it was cancelled")
    if status == "cancelled" and asked and not stopped and (left or failed - passed):
        found.append(f"is {status}, {sorted(left)} were not undone and {sorted(failed)} could not be")
    return found


def _out_of_order(history: list[Checkpoint], done: dict[str, int]) -> list[str]:
    """Lists compensations of the whole execution that did not come newest first."""
    found: list[str] = []
    before: int | None = None
    for one in history:
        step = one.path.removesuffix("/compensate")
        if one.kind == "compensating":
            before = max(done.values(), default=0) + 1
        elif before is not None and step != one.path and one.kind in ("compensated", "failed") and step in done:
            if done[step] >= before:
                found.append(f"{step} was undone after what had completed before it")
            before = done[step]
    return found
