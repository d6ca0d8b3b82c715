"""A failure taken back: what failed runs again, what has finished does not."""

from __future__ import annotations

from datetime import timedelta

from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.core.state import timers_of
from tests.unit.core.living import HOUR, NOON, Life

NO = Failure(type="Oops", message="no", names=("Oops",))
MINUTE = timedelta(minutes=1)


def failed(life: Life) -> str | None:
    assert life.finish is not None
    assert life.finish.status == "failed"
    assert life.finish.error is not None
    return life.finish.error.node


def completed(life: Life) -> bool:
    return life.finish is not None and life.finish.status == "completed"


def test_the_step_that_failed_runs_again_and_the_one_before_it_does_not() -> None:
    life = Life("  - step: one\n    call: m.one\n  - step: two\n    call: m.two\n  - step: three\n    call: m.three\n")
    assert life.run(two=NO) == ["one", "two"]
    assert failed(life) == "two"
    life.retry({"by": "ann"})
    assert life.run() == ["two", "three"]
    assert completed(life)
    rewound = [one for one in life.history if one.kind == "rewound"]
    assert [one.result for one in rewound] == [{"by": "ann", "without": [2]}]


def test_it_may_fail_and_be_taken_back_again_and_again() -> None:
    life = Life("  - step: one\n    call: m.one\n  - step: two\n    call: m.two\n")
    life.run(one=NO)
    for _ in range(3):
        life.retry()
        assert life.run(two=NO)[-1] == "two"
        assert failed(life) == "two"
    life.retry()
    assert life.run() == ["two"]
    assert completed(life)


def test_attempts_are_counted_anew_and_the_history_keeps_the_old_ones() -> None:
    life = Life("  - step: one\n    call: m.one\n    retry: {max_attempts: 2, delay: 1m}\n")
    life.run(one=NO)
    assert life.run(NOON + MINUTE, one=NO) == ["one"]
    assert failed(life) == "one"
    life.retry(at=NOON + HOUR)
    assert life.run(NOON + HOUR, one=NO) == ["one"]
    assert life.finish is None
    assert life.run(NOON + HOUR + MINUTE) == ["one"]
    assert completed(life)
    told = [(one.kind, one.attempt) for one in life.history if one.path == "one"]
    assert told == [("retrying", 1), ("failed", 2), ("retrying", 1), ("completed", 2)]


BRANCHES = """
  - parallel: both
    {how}
    branches:
      left: [{{step: a, call: m.a}}, {{step: b, call: m.b}}]
      right: [{{step: c, call: m.c}}, {{step: d, call: m.d}}]
"""


def test_a_branch_that_was_cut_off_goes_on_where_it_stood() -> None:
    life = Life(BRANCHES.format(how="on_error: fail_fast"))
    life.look()
    life.end("both/c", Success({"c": 1}))
    assert life.run(both__a=NO) == ["both/a"]
    life.retry()
    assert sorted(life.run()) == ["both/a", "both/b", "both/d"]
    assert completed(life)
    assert life.finish is not None
    assert life.finish.output == {"c": 1}


def test_what_other_branches_did_after_the_first_failure_is_not_done_again() -> None:
    life = Life(BRANCHES.format(how="join: any"))
    assert len(life.run(both__a=NO, both__d=NO)) == 3
    life.retry()
    # The left one failed first and the right one went on: both begin where they failed.
    assert life.run(both__a=NO) == ["both/a", "both/d"]
    assert completed(life)


def test_items_that_are_done_are_not_done_again() -> None:
    life = Life("  - foreach: each\n    in: '[1, 2, 3, 4]'\n    concurrency: 2\n    steps: [{step: s, call: m.s}]\n")
    ran = life.run(NOON, {"each[2]/s": NO})
    assert ran[:3] == ["each[0]/s", "each[1]/s", "each[2]/s"]
    life.retry()
    assert set(life.run()) == {"each[2]/s", "each[3]/s"} - set(ran[3:])
    assert completed(life)


DEEP = """
  - group: outer
    steps:
      - branch: which
        cases:
          - when: "true"
            steps:
              - loop: turns
                until: iteration == 2
                steps: [{step: s, call: m.s}, {step: t, call: m.t}]
"""


def test_a_failure_deep_inside_is_taken_back_all_the_way() -> None:
    life = Life(DEEP)
    path = "outer/which/turns#2/s"
    assert life.run(NOON, {path: NO})[-1] == path
    assert failed(life) == path
    life.retry()
    assert life.run() == [path, "outer/which/turns#2/t"]
    assert completed(life)


CAUGHT = """
  - step: one
    call: m.one
    catch: [{{{how} steps: [{{step: mend, call: m.mend}}]}}]
"""


def test_a_catch_that_failed_goes_on_within_the_catch() -> None:
    life = Life(CAUGHT.format(how=""))
    assert life.run(one=NO, one__catch__mend=NO) == ["one", "one/catch/mend"]
    life.retry()
    assert life.run() == ["one/catch/mend"]
    assert completed(life)


def test_an_error_that_a_catch_gave_on_is_taken_back_to_the_node_itself() -> None:
    life = Life(CAUGHT.format(how="rethrow: true,"))
    assert life.run(one=NO) == ["one", "one/catch/mend"]
    assert failed(life) == "one"
    life.retry()
    assert life.run() == ["one"]
    assert completed(life)


def test_a_group_whose_catch_gave_the_error_of_a_step_on_goes_on_at_the_step() -> None:
    life = Life("""
  - group: g
    catch: [{rethrow: true, steps: [{step: mend, call: m.mend}]}]
    steps: [{step: one, call: m.one}, {step: two, call: m.two}]
""")
    assert life.run(g__two=NO) == ["g/one", "g/two", "g/catch/mend"]
    life.retry()
    assert life.run() == ["g/two"]
    assert completed(life)


def test_on_failure_runs_again_when_it_fails_again() -> None:
    life = Life("  - step: one\n    call: m.one\n", "on_failure: [{step: tell, call: m.tell}]")
    assert life.run(one=NO) == ["one", "on_failure/tell"]
    life.retry()
    assert life.run(one=NO) == ["one", "on_failure/tell"]
    life.retry()
    assert life.run() == ["one"]
    assert completed(life)


def test_timeouts_begin_anew() -> None:
    head = "timeout: 1h"
    life = Life("  - group: g\n    timeout: 30m\n    steps: [{step: one, call: m.one}]\n", head)
    life.run(g__one=NO)
    late = NOON + timedelta(days=1)
    life.retry(at=late)
    assert sorted(at for at, _keys, _path in timers_of(life.state)) == [late + timedelta(minutes=30), late + HOUR]
    later = late + timedelta(days=1)
    life.run(late, g__one=NO)
    life.retry(at=later)
    assert sorted(at for at, _keys, _path in timers_of(life.state)) == [later + timedelta(minutes=30), later + HOUR]


def test_a_group_that_took_too_long_gets_its_time_once_more() -> None:
    life = Life("  - group: g\n    timeout: 30m\n    steps: [{step: one, call: m.one}, {step: two, call: m.two}]\n")
    life.look()
    life.end("g/one", Success(None))
    life.look()
    life.run(NOON + HOUR)
    assert failed(life) == "g"
    life.retry(at=NOON + HOUR)
    assert life.run(NOON + HOUR) == ["g/two"]
    assert completed(life)


def test_an_execution_that_took_too_long_gets_its_time_once_more() -> None:
    life = Life("  - wait: w\n    for: 90m\n", "timeout: 1h")
    life.look()
    life.run(NOON + HOUR)
    assert life.finish is not None
    life.retry(at=NOON + HOUR)
    life.run(NOON + HOUR)
    assert not completed(life)
    life.run(NOON + timedelta(minutes=90))
    assert completed(life)


def test_a_failure_that_no_node_owns_is_simply_gone() -> None:
    life = Life("  - step: one\n    call: m.one\n  - step: two\n    call: m.two\n")
    life.look()
    life.end("one", Success(None))
    life.retry()
    assert life.history[-1].result == {"without": []}
    assert life.run() == ["two"]


def test_what_failed_may_be_given_a_result_instead() -> None:
    life = Life("  - step: one\n    call: m.one\n    save: x\n  - step: two\n    call: m.two\n")
    life.run(one=NO)
    life.retry({"edit": {"node": "one", "value": 7}})
    assert life.run() == ["two"]
    assert completed(life)
    assert life.finish is not None
    assert life.finish.output == {"x": 7}
    assert life.state.edits == {}


def test_an_open_node_is_given_its_result_even_while_the_execution_is_paused() -> None:
    life = Life("  - step: one\n    call: m.one\n    save: x\n  - step: two\n    call: m.two\n")
    life.look()
    life.ask("pause")
    life.ask("set_result", {"by": "ann", "edit": {"node": "one", "value": 7}})
    done = life.look()
    assert [abandon.path for abandon in done.abandons] == ["one"]
    assert life.begun() == []
    life.ask("resume")
    assert life.run() == ["two"]


def test_a_result_that_comes_too_late_is_told_and_changes_nothing() -> None:
    life = Life("  - step: one\n    call: m.one\n    save: x\n  - step: two\n    call: m.two\n")
    life.look()
    life.end("one", Success(1))
    life.ask("set_result", {"by": "ann", "edit": {"node": "one", "value": 7}})
    assert life.history[-1].result == {"by": "ann", "edit": None, "too_late_for": "one"}
    assert life.run() == ["two"]
    assert life.finish is not None
    assert life.finish.output == {"x": 1}


def test_a_container_is_given_its_result_and_what_runs_in_it_is_stopped() -> None:
    life = Life("  - foreach: each\n    in: '[1, 2]'\n    save: x\n    steps: [{step: s, call: m.s}]\n")
    life.look()
    life.ask("set_result", {"edit": {"node": "each", "value": ["a", "b"]}})
    done = life.look()
    assert [abandon.path for abandon in done.abandons] == ["each"]
    assert done.finish is not None
    assert done.finish.output == {"x": ["a", "b"]}
