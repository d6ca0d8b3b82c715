"""Steps that start other workflows, in memory: what becomes of the step when the child ends, fails, or is late."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from durable_runtime.errors import InvalidOption
from durable_runtime.testing import SimulationResult, simulate

PAYMENT = """
---
workflow: payment
input:
  type: object
  properties: {amount: {type: integer, default: 1}}
steps:
  - wait: clearing
    for: 10s
  - step: book
    call: bank.book
    with: {amount: "${ input.amount }", for: "${ execution.parent_id }"}
    save: booked
output: "${ data.booked }"
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Simulates a workflow of these steps beside the workflow `payment`."""

    def run(steps: str, input: Any = None, *, head: str = "", **mocks: Any) -> SimulationResult:
        file = tmp_path / "order.yaml"
        file.write_text(f"workflow: order\n{dedent(head).strip()}\nsteps:\n{dedent(steps)}{PAYMENT}")
        return simulate(file, input or {}, {"bank.book": 7, **mocks})

    return run


def kinds(result: SimulationResult, path: str) -> list[str]:
    return [checkpoint.kind for checkpoint in result.checkpoints if checkpoint.path == path]


def declined(amount: int, **_rest: Any) -> None:
    raise ValueError(f"{amount} is too much")


PAY = """
  - step: pay
    workflow: payment
    with: {amount: 30}
    save: paid
"""


def test_the_output_of_a_child_is_the_result_of_its_step(run: Any) -> None:
    result = run(PAY)
    assert (result.status, result.output) == ("completed", {"paid": 7})
    assert kinds(result, "pay") == ["waiting", "completed"]
    assert result.slept.total_seconds() == 10
    (book,) = result.calls
    assert book.arguments == {"amount": 30, "for": "00000000-0000-7000-8000-000000000001"}


def test_an_input_without_with_is_empty_and_has_the_schemas_defaults(run: Any) -> None:
    result = run("  - step: pay\n    workflow: payment\n")
    assert result.calls[0].arguments["amount"] == 1


def test_a_child_that_fails_fails_its_step_and_tells_why(run: Any) -> None:
    result = run(PAY, **{"bank.book": declined})
    assert result.status == "failed"
    error = result.error
    assert (error.type, error.node) == ("ChildFailed", "pay")
    assert error.message.endswith("failed: ValueError: 30 is too much")
    assert error.data["workflow"] == "payment"
    assert error.data["error"]["type"] == "ValueError"
    assert error.data["error"]["node"] == "book"


def test_a_child_that_fails_and_is_undone_tells_its_parent(tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(
        """
workflow: order
steps:
  - step: pay
    workflow: payment
---
workflow: payment
steps:
  - step: reserve
    set: {reserved: true}
    compensate: {log: given back}
  - fail: no
    type: NoMoney
    message: there is none
"""
    )
    error = simulate(file).error
    assert error is not None
    assert (error.type, error.data["status"], error.data["error"]["type"]) == ("ChildFailed", "compensated", "NoMoney")


def test_a_failed_child_can_be_caught_by_its_type(run: Any) -> None:
    result = run(
        PAY
        + """
    catch:
      - errors: [ChildFailed]
        steps:
          - step: note
            set: {why: "${ error.data.error.message }"}
""",
        **{"bank.book": declined},
    )
    assert result.status == "completed"
    assert result.output["why"] == "30 is too much"


def test_an_input_that_the_child_does_not_take_fails_the_step_and_starts_nothing(run: Any) -> None:
    result = run(
        """
  - step: pay
    workflow: payment
    with: {amount: many}
    retry: 3
"""
    )
    assert (result.error.type, result.error.node) == ("InvalidInput", "pay")
    assert result.error.data == {"problems": ['input.amount must be a whole number; it is "many"']}
    assert kinds(result, "pay") == ["failed"]
    assert result.calls == ()


def test_a_retry_starts_another_child(run: Any) -> None:
    answers = iter([ValueError("not now"), ValueError("not yet"), 5])

    def book(**_arguments: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    result = run(PAY + "    retry: {max_attempts: 3, delay: 1s, backoff: constant, jitter: 0}\n", **{"bank.book": book})
    assert result.output == {"paid": 5}
    assert kinds(result, "pay") == ["waiting", "retrying", "waiting", "retrying", "waiting", "completed"]
    children = [checkpoint.result["child"] for checkpoint in result.checkpoints if checkpoint.kind == "waiting"]
    assert len(set(children)) == 3
    assert result.slept.total_seconds() == 32


def test_a_child_that_takes_too_long_is_given_up(run: Any) -> None:
    result = run(PAY + "    timeout: 4s\n")
    assert (result.error.type, result.error.node) == ("Timeout", "pay")
    assert result.slept.total_seconds() == 4


def test_a_timeout_is_an_attempt_that_failed_and_may_be_retried(run: Any) -> None:
    result = run(PAY + "    timeout: 4s\n    retry: {max_attempts: 2, delay: 1s, jitter: 0}\n")
    assert result.error.type == "Timeout"
    assert kinds(result, "pay") == ["waiting", "retrying", "waiting", "failed"]
    assert result.slept.total_seconds() == 9


def test_the_late_word_of_an_earlier_child_is_not_that_of_the_next(run: Any) -> None:
    # The first is cancelled, and says so when the second is awaited already.
    result = run(PAY + "    timeout: 4s\n    retry: {max_attempts: 2, delay: 0s, jitter: 0}\n")
    assert kinds(result, "pay") == ["waiting", "retrying", "waiting", "failed"]
    assert result.error.type == "Timeout"
    assert result.slept.total_seconds() == 8


def test_an_end_in_time_counts_though_the_timeout_is_near(run: Any) -> None:
    assert run(PAY + "    timeout: 11s\n").status == "completed"


def test_a_start_gives_the_childs_id_and_goes_on(run: Any) -> None:
    result = run("  - step: pay\n    start: payment\n    save: child\n")
    assert result.status == "completed"
    assert len(result.output["child"]) == 36
    assert kinds(result, "pay") == ["completed"]
    assert result.slept.total_seconds() == 0


def test_items_of_a_foreach_have_a_child_each(run: Any) -> None:
    result = run(
        """
  - foreach: lines
    in: input.amounts
    concurrency: 3
    save: booked
    steps:
      - step: pay
        workflow: payment
        with: {amount: "${ item }"}
output: "${ data.booked }"
""",
        {"amounts": [4, 5, 6, 7]},
        **{"bank.book": lambda amount, **_rest: amount * 2},
    )
    assert result.output == [8, 10, 12, 14]
    assert result.slept.total_seconds() == 20


def test_branches_have_children_at_the_same_time(run: Any) -> None:
    result = run(
        """
  - parallel: both
    save: got
    branches:
      left:
        - step: pay
          workflow: payment
      right:
        - step: pay_too
          workflow: payment
          with: {amount: 2}
"""
    )
    assert result.output["got"] == {"left": 7, "right": 7}
    assert result.slept.total_seconds() == 10


def test_turns_of_a_loop_have_a_child_each(run: Any) -> None:
    result = run(
        """
  - loop: again
    until: iteration == 3
    steps:
      - step: pay
        workflow: payment
"""
    )
    assert [call.node for call in result.calls] == ["book"] * 3
    assert kinds(result, "again#3/pay") == ["waiting", "completed"]


def test_a_child_may_be_started_by_a_catch_and_by_on_failure(run: Any) -> None:
    result = run(
        """
  - step: try
    call: bank.look
    catch:
      - steps:
          - step: pay
            workflow: payment
  - fail: enough
    type: Enough
    message: it is enough
""",
        head="on_failure:\n  - step: pay_back\n    workflow: payment\n",
        **{"bank.look": ValueError("no")},
    )
    assert result.error.type == "Enough"
    assert kinds(result, "try/catch/pay") == ["waiting", "completed"]
    assert kinds(result, "on_failure/pay_back") == ["waiting", "completed"]


def test_a_step_may_be_undone_by_a_child(run: Any) -> None:
    result = run(
        """
  - step: reserve
    call: bank.reserve
    save: number
    compensate:
      workflow: payment
      with: {amount: "${ result }"}
  - fail: enough
    type: Enough
    message: it is enough
""",
        **{"bank.reserve": 12},
    )
    assert (result.status, result.error.type) == ("compensated", "Enough")
    assert kinds(result, "reserve/compensate") == ["waiting", "compensated"]
    assert [call.arguments["amount"] for call in result.calls if call.node == "book"] == [12]


def test_a_workflow_that_starts_itself_without_end_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "endless.yaml"
    file.write_text("workflow: endless\nsteps:\n  - step: again\n    workflow: endless\n")
    error = simulate(file).error
    assert error is not None
    depth = 0
    told: Any = error.as_json()
    while told["type"] == "ChildFailed":
        told, depth = told["data"]["error"], depth + 1
    assert (told["type"], depth) == ("DepthLimit", 50)
    assert told["message"].startswith(
        "again would start 'endless' below 51 other executions, and at most 50 are allowed"
    )


def test_an_execution_that_would_wait_for_itself_fails_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cycle.yaml"
    file.write_text(
        """
workflow: first
steps:
  - step: begin
    workflow: second
    key: same
---
workflow: second
steps:
  - step: again
    workflow: second
    key: same
    retry: 3
"""
    )
    error = simulate(file).error
    assert error is not None
    inner = error.data["error"]
    assert (error.type, inner["type"], inner["node"], inner["attempt"]) == ("ChildFailed", "KeyCycle", "again", 1)
    assert inner["data"] == {"id": error.data["id"]}


def test_the_step_of_a_child_may_have_a_mock(run: Any) -> None:
    result = run(PAY, pay=lambda amount: amount + 1)
    assert result.output == {"paid": 31}
    assert [(call.node, call.function) for call in result.calls] == [("pay", "payment")]


def test_a_child_that_is_not_in_the_file_needs_a_mock(run: Any) -> None:
    with pytest.raises(InvalidOption, match="go starts 'elsewhere', which is not beside it, so it needs a mock"):
        run(PAY + "  - step: go\n    workflow: elsewhere\n")
    assert run(PAY + "  - step: go\n    workflow: elsewhere\n    save: got\n", go=3).output == {"paid": 7, "got": 3}
