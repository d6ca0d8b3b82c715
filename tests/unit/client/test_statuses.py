"""How far every node got, at a moment of an execution's life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from durable_dsl import compile_text
from durable_dsl.drawing import NodeState, NodeStatus
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.evolve import evolve
from durable_runtime.core.interpreter import settle
from durable_runtime.core.outcomes import Failure, Success, settle_attempt
from durable_runtime.core.program import Program
from durable_runtime.core.starting import initial_state
from durable_runtime.core.state import chain_to
from durable_runtime.core.statuses import statuses

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DONE = Success(None)
BROKEN = Failure(type="CardDeclined", message="no")


class Story:
    """An execution that runs as far as its outcomes are known, by path, and then stands still."""

    def __init__(self, steps: str, outcomes: Mapping[str, Success | Failure] | None = None) -> None:
        [graph] = compile_text(f"workflow: flow\nsteps:\n{steps}")
        self.program = Program(graph)
        self.state = initial_state(
            self.program, id="1", workflow="flow", queue="default", input={}, started_at=NOON, scheduled_at=None
        )
        self.checkpoints: list[Checkpoint] = []
        self.finish: str | None = None
        self.go_on(outcomes or {})

    def go_on(self, outcomes: Mapping[str, Success | Failure], at: datetime = NOON) -> None:
        waiting = dict(outcomes)
        while True:
            done = settle(self.program, self.state, None, at)
            self.state = done.state
            self.checkpoints += done.checkpoints
            self.finish = done.finish.status if done.finish else None
            performs = {perform.path: perform for perform in done.performs}
            path = next((path for path in waiting if path in performs), None)
            if path is None:
                return
            perform, outcome = performs[path], waiting.pop(path)
            checkpoint = settle_attempt(
                self.program, self.state, chain_to(self.state, perform.keys),
                perform.path, perform.keys, perform.attempt, outcome,
                started_at=at, at=at, uniform=0.5,
            )  # fmt: skip
            assert checkpoint is not None
            self.add(checkpoint)

    def add(self, checkpoint: Checkpoint) -> None:
        self.state, _touched = evolve(self.program, self.state, checkpoint)
        self.checkpoints.append(msgspec.structs.replace(checkpoint, seq=self.state.seq))

    def cancel(self) -> None:
        self.add(Checkpoint(path="", kind="cancelled", result={"reason": "enough"}, finished_at=NOON))
        self.go_on({})

    def states(self, row_status: str | None = None) -> dict[str, NodeState]:
        return statuses(self.program, self.state, self.checkpoints, row_status or self.finish or "running")

    def words(self, row_status: str | None = None) -> dict[str, str]:
        return {id: state.status.value for id, state in self.states(row_status).items()}


SEQUENCE = "  - step: one\n    call: m.one\n  - step: two\n    call: m.two\n  - step: three\n    call: m.three\n"


def test_before_the_start_all_is_pending() -> None:
    assert Story(SEQUENCE).words("pending") == {"one": "pending", "two": "pending", "three": "pending"}


def test_what_is_begun_runs_what_is_done_completed_what_is_to_come_pends() -> None:
    story = Story(SEQUENCE, {"one": DONE})

    assert story.words() == {"one": "completed", "two": "running", "three": "pending"}


def test_nothing_runs_between_two_workers() -> None:
    story = Story(SEQUENCE, {"one": DONE})

    assert story.words("pending") == {"one": "completed", "two": "pending", "three": "pending"}


def test_a_failed_step_tells_its_error_and_what_follows_was_never_reached() -> None:
    story = Story(SEQUENCE, {"one": DONE, "two": BROKEN})

    assert story.finish == "failed"
    assert story.words() == {"one": "completed", "two": "failed", "three": "pending"}
    assert story.states()["two"] == NodeState(NodeStatus.failed, attempts=1, detail="CardDeclined")


def test_a_retry_tells_when_and_which_attempt_it_will_be() -> None:
    steps = "  - step: one\n    call: m.one\n    retry: {max_attempts: 3, delay: 90s, jitter: 0}\n"
    story = Story(steps, {"one": BROKEN})

    assert story.states("waiting") == {
        "one": NodeState(NodeStatus.retrying, attempts=2, detail="retry at 12:01:30"),
    }


def test_attempts_are_counted_in_the_end() -> None:
    steps = "  - step: one\n    call: m.one\n    retry: {max_attempts: 3, delay: 90s, jitter: 0}\n"
    story = Story(steps, {"one": BROKEN})
    story.go_on({"one": DONE}, NOON + timedelta(seconds=90))

    assert story.states() == {"one": NodeState(NodeStatus.completed, attempts=2)}


def test_a_wait_tells_until_when_with_the_day_if_it_is_another() -> None:
    assert Story("  - wait: nap\n    for: 5m\n").states("waiting") == {
        "nap": NodeState(NodeStatus.waiting, detail="until 12:05:00"),
    }
    assert Story("  - wait: nap\n    for: 2d\n").states("waiting") == {
        "nap": NodeState(NodeStatus.waiting, detail="until 2026-02-02 12:00"),
    }


ROUTE = """
  - branch: route
    cases:
      - {when: "!has(data.x)", steps: [{step: taken, call: m.f}, {step: later, call: m.f}]}
      - {when: "data.x == 1", steps: [{group: other, steps: [{step: deep, call: m.f}]}]}
    default: [{step: fallback, call: m.f}]
  - step: after
    call: m.f
"""


def test_cases_that_were_not_taken_are_skipped_with_all_inside_of_them() -> None:
    assert Story(ROUTE).words() == {
        "route": "running",
        "route/taken": "running",
        "route/later": "pending",
        "route/other": "skipped",
        "route/other/deep": "skipped",
        "route/fallback": "skipped",
        "after": "pending",
    }


def test_a_finished_branch_keeps_them_skipped() -> None:
    story = Story(ROUTE, {"route/taken": DONE, "route/later": DONE})

    assert story.words() == {
        "route": "completed",
        "route/taken": "completed",
        "route/later": "completed",
        "route/other": "skipped",
        "route/other/deep": "skipped",
        "route/fallback": "skipped",
        "after": "running",
    }


def test_a_node_whose_condition_does_not_hold_is_skipped_with_all_inside_of_it() -> None:
    steps = '  - group: maybe\n    when: "false"\n    steps: [{step: a, call: m.f}]\n  - step: b\n    call: m.f\n'

    assert Story(steps).words() == {"maybe": "skipped", "maybe/a": "skipped", "b": "running"}


def test_what_a_jump_leaves_out_is_skipped_and_what_it_leaves_is_completed() -> None:
    steps = """
  - group: inner
    steps:
      - {decision: skip, choose: [{when: "true", goto: last}]}
      - {step: unreached, call: m.f}
  - {step: between, call: m.f}
  - {step: last, call: m.f}
"""
    # The checks rightly complain that nothing reaches `unreached`, so the condition must not be constant.
    story = Story(steps.replace('"true"', '"!has(data.x)"'))

    assert story.words() == {
        "inner": "completed",
        "inner/skip": "completed",
        "inner/unreached": "skipped",
        "between": "skipped",
        "last": "running",
    }


def test_what_a_jump_to_the_end_leaves_out_is_skipped_in_a_container_that_completed() -> None:
    steps = """
  - group: inner
    steps:
      - {decision: enough, choose: [{when: "!has(data.x)", goto: end}]}
      - {step: more, call: m.f}
  - {step: last, call: m.f}
"""
    assert Story(steps).words() == {
        "inner": "completed",
        "inner/enough": "completed",
        "inner/more": "skipped",
        "last": "running",
    }


FORK = """
  - parallel: both
    branches:
      left: [{step: a, call: m.f}, {step: b, call: m.f}]
      right: [{step: c, call: m.f}, {wait: nap, for: 1h}]
"""


def test_the_branches_of_a_parallel_go_their_own_ways() -> None:
    story = Story(FORK, {"both/a": DONE})

    assert story.words() == {
        "both": "running",
        "both/a": "completed",
        "both/b": "running",
        "both/c": "running",
        "both/nap": "pending",
    }


def test_a_container_waits_when_the_execution_does() -> None:
    story = Story(FORK, {"both/a": DONE, "both/b": DONE, "both/c": DONE})

    assert story.words("waiting") == {
        "both": "waiting",
        "both/a": "completed",
        "both/b": "completed",
        "both/c": "completed",
        "both/nap": "waiting",
    }


def test_what_a_failing_branch_stops_is_cancelled() -> None:
    story = Story(FORK, {"both/c": DONE, "both/a": BROKEN})

    assert story.finish == "failed"
    assert story.words() == {
        "both": "failed",
        "both/a": "failed",
        "both/b": "pending",
        "both/c": "completed",
        "both/nap": "cancelled",
    }


def test_a_step_that_ran_beside_the_failing_one_is_cancelled() -> None:
    story = Story(FORK, {"both/a": BROKEN})

    assert story.words() == {
        "both": "failed",
        "both/a": "failed",
        "both/b": "pending",
        "both/c": "cancelled",
        "both/nap": "pending",
    }


def test_a_step_that_a_join_no_longer_needs_is_cancelled() -> None:
    steps = FORK.replace("parallel: both", "parallel: both\n    join: any")
    story = Story(steps, {"both/a": DONE, "both/b": DONE})

    assert story.finish == "completed"
    assert story.words() == {
        "both": "completed",
        "both/a": "completed",
        "both/b": "completed",
        "both/c": "cancelled",
        "both/nap": "skipped",
    }


def test_what_a_timeout_cut_off_is_cancelled() -> None:
    steps = "  - group: slow\n    timeout: 1m\n    steps: [{step: a, call: m.f}, {step: b, call: m.f}]\n"
    story = Story(steps, {"slow/a": DONE})
    story.go_on({}, NOON + timedelta(minutes=1))

    assert story.finish == "failed"
    assert story.states() == {
        "slow": NodeState(NodeStatus.failed, detail="Timeout"),
        "slow/a": NodeState(NodeStatus.completed),
        "slow/b": NodeState(NodeStatus.cancelled),
    }


def test_cancelling_shows_where_it_was_stopped() -> None:
    story = Story(FORK, {"both/c": DONE})
    story.cancel()

    assert story.finish == "cancelled"
    assert story.words() == {
        "both": "cancelled",
        "both/a": "cancelled",
        "both/b": "pending",
        "both/c": "completed",
        "both/nap": "cancelled",
    }


EACH = """
  - foreach: lines
    in: "[1, 2, 3]"
    concurrency: 2
    on_error: complete_all
    steps: [{step: price, call: m.f}, {step: book, call: m.f}]
"""


def test_a_foreach_counts_and_shows_what_is_open_in_any_item() -> None:
    story = Story(EACH, {"lines[0]/price": DONE, "lines[0]/book": DONE})

    assert story.states()["lines"] == NodeState(NodeStatus.running, done=1, total=3)
    assert story.words() == {"lines": "running", "lines/price": "running", "lines/book": "completed"}


def test_of_many_items_a_failure_is_what_shows_in_the_end() -> None:
    story = Story(
        EACH,
        {
            "lines[0]/price": DONE, "lines[0]/book": DONE,
            "lines[1]/price": DONE, "lines[1]/book": BROKEN,
            "lines[2]/price": DONE, "lines[2]/book": DONE,
        },
    )  # fmt: skip

    assert story.finish == "completed"
    assert story.states() == {
        "lines": NodeState(NodeStatus.completed, done=3, total=3),
        "lines/price": NodeState(NodeStatus.completed),
        "lines/book": NodeState(NodeStatus.failed, detail="CardDeclined"),
    }


POLL = """
  - loop: poll
    until: data.ready
    every: 10m
    steps: [{step: ask, call: m.f}, {step: look, call: m.f}]
"""


def test_a_loop_shows_its_current_turn() -> None:
    story = Story(POLL, {"poll#1/ask": Success({"ready": False}), "poll#1/look": DONE})
    story.go_on({}, NOON + timedelta(minutes=10))

    assert story.states() == {
        "poll": NodeState(NodeStatus.running, turns=2),
        "poll/ask": NodeState(NodeStatus.running),
        "poll/look": NodeState(NodeStatus.pending),
    }


def test_between_two_turns_a_loop_waits_and_shows_the_last_one() -> None:
    story = Story(POLL, {"poll#1/ask": Success({"ready": False}), "poll#1/look": DONE})

    assert story.states("waiting") == {
        "poll": NodeState(NodeStatus.waiting, turns=1, detail="next turn at 12:10:00"),
        "poll/ask": NodeState(NodeStatus.completed),
        "poll/look": NodeState(NodeStatus.completed),
    }


def test_a_loop_that_is_over_keeps_the_number_of_its_turns() -> None:
    story = Story(POLL, {"poll#1/ask": Success({"ready": True}), "poll#1/look": DONE})

    assert story.states()["poll"] == NodeState(NodeStatus.completed, turns=1)


def test_a_finish_deep_inside_completes_its_containers_and_skips_the_rest() -> None:
    steps = """
  - parallel: both
    branches:
      left: [{group: inner, steps: [{finish: early, when: "!has(data.x)"}, {step: unreached, call: m.f}]}]
      right: [{step: slow, call: m.f}]
  - {step: after, call: m.f}
"""
    story = Story(steps)

    assert story.finish == "completed"
    assert story.words() == {
        "both": "completed",
        "both/inner": "completed",
        "both/inner/early": "completed",
        "both/inner/unreached": "skipped",
        "both/slow": "cancelled",
        "after": "skipped",
    }
