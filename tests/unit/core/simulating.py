"""Short workflows, run to their ends in memory."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent
from typing import Any

from durable_dsl import compile_text
from durable_runtime.testing import Event, SimulationResult, simulate


def run(
    steps: str,
    input: dict[str, Any] | None = None,
    *,
    head: str = "",
    answers: dict[str, Any] | None = None,
    events: Sequence[Event] = (),
    **mocks: Any,
) -> SimulationResult:
    """Simulates a workflow of these steps; mocks are by node name, those below others as `route__make_link`."""
    text = f"workflow: w\n{dedent(head).strip()}\nsteps:\n{dedent(steps)}"
    (graph,) = compile_text(text)
    by_node = {name.replace("__", "/"): mock for name, mock in mocks.items()}
    return simulate(graph, input or {}, by_node, answers=answers, events=events)


def run_with(
    steps: str, input: dict[str, Any] | None = None, *, head: str = "", mocks: dict[str, Any]
) -> SimulationResult:
    """Simulates a workflow of these steps; mocks are by node id or by import path."""
    return run(steps, input, head=head, **mocks)


def output(steps: str, input: dict[str, Any] | None = None, *, head: str = "", **mocks: Any) -> Any:
    """Gives the output of a workflow that completes; without an `output` that is all of its data."""
    result = run(steps, input, head=head, **mocks)
    assert result.status == "completed", result.error
    return result.output


def failure(steps: str, input: dict[str, Any] | None = None, *, head: str = "", **mocks: Any) -> tuple[str, str | None]:
    """Gives (type, node) of the error of a workflow that fails."""
    result = run(steps, input, head=head, **mocks)
    assert result.status == "failed", result.output
    assert result.error is not None
    return result.error.type, result.error.node


def kinds(result: SimulationResult, path: str) -> list[str]:
    """Gives the kinds of an instance's checkpoints."""
    return [checkpoint.kind for checkpoint in result.checkpoints if checkpoint.path == path]
