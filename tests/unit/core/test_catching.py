"""What `catch`, `ignore_errors` and `on_failure` do, on texts as people write them."""

from __future__ import annotations

from typing import Any

from durable_dsl import compile_text
from durable_runtime.testing import SimulationResult, simulate


class Declined(Exception):
    """The card is no good."""


class HardDeclined(Declined):
    """The card is stolen."""


def run(text: str, **mocks: Any) -> SimulationResult:
    (graph,) = compile_text("workflow: w\n" + text)
    return simulate(graph, {}, mocks={f"shop.{name}": value for name, value in mocks.items()})


def paths(result: SimulationResult) -> list[tuple[str, str]]:
    return [(checkpoint.path, checkpoint.kind) for checkpoint in result.checkpoints]


CHARGE = """
steps:
  - step: charge
    call: shop.charge
    with: {}
    save: charge
    catch:
      - errors: [Declined]
        steps:
          - step: apologise
            set: {told: "${ error.message }"}
            output: {declined: "${ error.type }"}
  - step: done
    set: {done: true}
"""


def test_an_error_of_a_named_type_is_caught_and_the_flow_goes_on() -> None:
    result = run(CHARGE, charge=Declined("no money"))

    assert result.status == "completed"
    assert result.output == {"told": "no money", "charge": {"declined": "Declined"}, "done": True}
    assert paths(result) == [
        ("charge", "caught"),
        ("charge/catch/apologise", "completed"),
        ("charge", "completed"),
        ("done", "completed"),
    ]


def test_every_error_is_an_exception_those_of_the_engine_too() -> None:
    result = run("""
steps:
  - wait: answer
    for: 2h
    timeout: 1s
    save: answer
    catch: [{errors: [Exception], steps: [{step: late, set: {late: true}}]}]
""")

    assert (result.status, result.output) == ("completed", {"late": True, "answer": {"late": True}})


def test_a_class_is_caught_by_the_name_of_its_base() -> None:
    result = run(CHARGE, charge=HardDeclined("stolen"))

    assert result.output["charge"] == {"declined": "HardDeclined"}


def test_an_error_that_no_row_takes_goes_on_up() -> None:
    result = run(CHARGE, charge=KeyError("card"))

    assert result.status == "failed"
    assert result.error is not None
    assert result.error.type == "KeyError"
    assert paths(result) == [("charge", "failed")]


def test_retries_come_before_catching() -> None:
    result = run(
        """
steps:
  - step: charge
    call: shop.charge
    with: {}
    retry: {max_attempts: 2, jitter: 0}
    catch: [{steps: [{step: give_up, set: {gave_up: "${ error.attempt }"}}]}]
""",
        charge=Declined("no"),
    )

    assert result.output == {"gave_up": 2}
    assert paths(result)[:2] == [("charge", "retrying"), ("charge", "caught")]


def test_the_first_row_whose_condition_holds_takes_the_error() -> None:
    result = run(
        """
steps:
  - group: g
    catch:
      - when: error.data.code == 1
        steps: [{step: one, set: {row: 1}}]
      - when: error.data.code == 2
        steps: [{step: two, set: {row: 2}}]
    steps:
      - step: before
        set: {kept: true}
      - fail: stop
        type: Odd
        data: {code: 2}
"""
    )

    assert result.output == {"kept": True, "row": 2}
    assert ("g/stop", "failed") in paths(result)
    assert ("g/catch/two", "completed") in paths(result)


def test_changes_made_in_branches_of_a_parallel_that_failed_are_lost() -> None:
    result = run(
        """
steps:
  - parallel: both
    catch: [{steps: [{step: note, set: {caught: "${ error.node }"}}]}]
    branches:
      left: [{step: keep, set: {lost: 1}}]
      right: [{step: ask, call: shop.ask, with: {}}]
""",
        ask=Declined("no"),
    )

    assert result.output == {"caught": "both/ask"}


def test_a_caught_item_is_an_item_that_worked() -> None:
    result = run(
        """
steps:
  - foreach: each
    in: "[1, 2, 3]"
    on_error: complete_all
    save: results
    steps:
      - step: price
        call: shop.price
        with: {n: "${ item }"}
        catch: [{steps: [{step: guess, set: {guessed: "${ item }"}, output: -1}]}]
""",
        price=lambda n: 10 * n if n != 2 else _raise(Declined("two")),
    )

    assert result.output == {
        "results": [{"ok": True, "value": 10}, {"ok": True, "value": -1}, {"ok": True, "value": 30}]
    }


def _raise(error: Exception) -> Any:
    raise error


def test_rethrow_runs_its_list_and_passes_the_error_on() -> None:
    result = run(
        """
steps:
  - group: outer
    catch: [{errors: [Declined], steps: [{step: outside, set: {outside: true}}]}]
    steps:
      - step: charge
        call: shop.charge
        with: {}
        catch: [{rethrow: true, steps: [{step: inside, set: {inside: true}}]}]
""",
        charge=Declined("no"),
    )

    assert result.output == {"inside": True, "outside": True}


def test_an_error_in_the_list_of_a_catch_is_not_caught_by_the_same_node() -> None:
    result = run(
        """
steps:
  - step: charge
    call: shop.charge
    with: {}
    catch: [{steps: [{fail: worse, type: Worse, message: second}]}]
""",
        charge=Declined("first"),
    )

    assert result.status == "failed"
    assert result.error is not None
    assert (result.error.type, result.error.node) == ("Worse", "charge/catch/worse")


def test_an_ignored_error_leaves_null_where_nothing_was() -> None:
    result = run(
        """
steps:
  - {step: ping, call: shop.ping, with: {}, save: ping, ignore_errors: true}
  - {step: done, set: {done: true}}
""",
        ping=Declined("down"),
    )

    assert result.output == {"ping": None, "done": True}
    assert paths(result)[0] == ("ping", "ignored")


def test_a_timeout_of_a_container_is_caught_by_its_type() -> None:
    result = run(
        """
steps:
  - group: slow
    timeout: 5s
    catch: [{errors: [Timeout], steps: [{step: late, set: {late: true}}]}]
    steps: [{wait: long, for: 1h}]
"""
    )

    assert result.output == {"late": True}


ON_FAILURE = """
steps:
  - step: charge
    call: shop.charge
    with: {}
on_failure:
  - step: tell
    call: shop.tell
    with: {what: "${ error.type }"}
  - wait: a_moment
    for: 2h
  - step: file
    call: shop.file
    with: {}
"""


def test_on_failure_runs_before_the_execution_fails_with_its_error() -> None:
    told: list[str] = []
    result = run("timeout: 1h\n" + ON_FAILURE, charge=Declined("no"), tell=lambda what: told.append(what), file=None)

    assert result.status == "failed"
    assert result.error is not None
    assert result.error.type == "Declined"
    assert told == ["Declined"]
    assert paths(result) == [
        ("charge", "failed"),
        ("on_failure", "entered"),
        ("on_failure/tell", "completed"),
        ("on_failure/a_moment", "waiting"),
        ("on_failure/a_moment", "completed"),
        ("on_failure/file", "completed"),
    ]


def test_an_error_in_on_failure_is_told_beside_the_first() -> None:
    result = run(ON_FAILURE, charge=Declined("no"), tell=KeyError("mail"), file=None)

    assert result.error is not None
    assert result.error.type == "Declined"
    assert result.error.data["on_failure"]["type"] == "KeyError"


def test_on_failure_is_not_run_when_all_went_well() -> None:
    result = run(ON_FAILURE, charge=None, tell=None, file=None)

    assert result.status == "completed"
    assert paths(result) == [("charge", "completed")]


def test_what_a_catch_gives_is_no_jump_of_the_decision_that_failed() -> None:
    result = run(
        """
steps:
  - decision: d
    call: shop.choose
    goto: [end]
    catch: [{steps: [{step: instead, set: {b: 2}, output: end}]}]
  - {step: last, set: {last: true}}
""",
        choose=Declined("no"),
    )

    assert result.output == {"b": 2, "last": True}


def test_what_a_catch_gives_is_not_put_into_the_data_by_the_set_that_failed() -> None:
    result = run(
        """
input: {type: object}
steps:
  - step: d
    set: {a: "${ input.nothing.there }"}
    catch: [{steps: [{step: instead, set: {b: 2}, output: {c: 3}}]}]
"""
    )

    assert result.output == {"b": 2}
