"""Results, and what nodes put into the data."""

from __future__ import annotations

from typing import Any

from tests.unit.core.simulating import failure, kinds, output, run


def test_a_call_without_with_merges_its_mapping_key_by_key_and_keeps_what_it_leaves_out() -> None:
    given: list[Any] = []

    def grow(data: dict[str, Any]) -> dict[str, Any]:
        given.append(data)
        return {"b": 20, "c": 30}

    assert output("- {step: s, call: x.y}", {"a": 1, "b": 2}, s=grow) == {"a": 1, "b": 20, "c": 30}
    assert given == [{"a": 1, "b": 2}]


def test_a_call_without_with_may_give_nothing() -> None:
    assert output("- {step: s, call: x.y}", {"a": 1}, s=None) == {"a": 1}


def test_a_call_without_with_and_save_must_give_a_mapping() -> None:
    assert failure("- {step: s, call: x.y}", s=[1]) == ("ResultNotMapping", "s")
    assert failure("- {step: s, call: x.y}", s="text") == ("ResultNotMapping", "s")


def test_with_save_a_call_without_with_keeps_any_value_and_merges_nothing() -> None:
    assert output("- {step: s, call: x.y, save: got}", {"a": 1}, s={"a": 2}) == {"a": 1, "got": {"a": 2}}


def test_a_call_with_arguments_changes_no_data() -> None:
    steps = '- {step: s, call: x.y, with: {n: "${ data.a + 1 }", fixed: [1, "${ input.a }"]}}'
    result = run(steps, {"a": 1}, s=lambda n, fixed: {"a": n})
    assert result.output == {"a": 1}
    assert result.calls[0].arguments == {"n": 2, "fixed": [1, 1]}


def test_what_a_function_changes_in_its_arguments_stays_with_it() -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["list"].append(9)
        data["more"] = True

    assert output("- {step: s, call: x.y}", {"list": [1]}, s=spoil) == {"list": [1]}


def test_all_expressions_of_a_set_see_the_data_before_it() -> None:
    steps = '- {step: swap, set: {a: "${ data.b }", b: "${ data.a }"}}'
    assert output(steps, {"a": 1, "b": 2}) == {"a": 2, "b": 1}


def test_a_set_with_output_and_save_puts_its_mapping_and_the_reshaped_result() -> None:
    steps = """
    - step: s
      set: {a: 5}
      output: "${ result.a * 2 }"
      save: twice
    """
    assert output(steps) == {"a": 5, "twice": 10}


def test_input_stays_as_it_was() -> None:
    steps = """
    - {step: s, set: {a: 2}}
    - {step: t, set: {before: "${ input.a }", after: "${ data.a }"}}
    """
    assert output(steps, {"a": 1}) == {"a": 2, "before": 1, "after": 2}


def test_output_sees_the_result_and_save_stores_what_it_makes() -> None:
    steps = """
    - step: s
      call: x.y
      with: {}
      output: {id: "${ result.id }", of: "${ data.a }"}
      save: short
    """
    assert output(steps, {"a": 1}, s={"id": 7, "long": "x"}) == {"a": 1, "short": {"id": 7, "of": 1}}


def test_a_null_output_is_an_output() -> None:
    assert output("- {step: s, call: x.y, with: {}, output: null, save: k}", s=5) == {"k": None}


def test_an_output_that_fails_fails_its_node() -> None:
    steps = '- {step: s, call: x.y, with: {}, output: "${ result.missing }", save: k}'
    assert failure(steps, s={"id": 7}) == ("ExpressionError", "s")


def test_a_skipped_node_is_recorded_and_its_key_becomes_null_only_if_absent() -> None:
    steps = """
    - {step: s, when: "false", call: x.y, save: known}
    - {step: t, when: "false", call: x.y, save: unknown}
    """
    result = run(steps, {"known": 1}, s=2, t=2)
    assert result.output == {"known": 1, "unknown": None}
    assert (kinds(result, "s"), kinds(result, "t"), result.calls) == (["skipped"], ["skipped"], ())


def test_a_condition_that_is_no_bool_or_cannot_be_evaluated_fails_the_node() -> None:
    assert failure("- {step: s, when: data.a, set: {b: 1}}", {"a": 1}) == ("ExpressionError", "s")
    assert failure("- {step: s, when: data.a.b, set: {b: 1}}", {"a": {}}) == ("ExpressionError", "s")


def test_the_result_of_a_list_is_that_of_its_last_node_reached() -> None:
    steps = """
    - group: g
      save: result
      steps:
        - {step: first, call: x.y, with: {}}
        - {step: second, call: x.y, with: {}}
    """
    assert output(steps, g__first=1, g__second=2) == {"result": 2}


def test_the_result_of_a_list_is_null_when_its_last_node_was_skipped_or_has_none() -> None:
    skipped = """
    - group: g
      save: result
      steps:
        - {step: first, call: x.y, with: {}}
        - {step: second, when: "false", call: x.y, with: {}}
    """
    assert output(skipped, g__first=1, g__second=2) == {"result": None}
    logged = """
    - group: g
      save: result
      steps:
        - {step: first, call: x.y, with: {}}
        - {step: second, log: "done with ${ data }"}
    """
    result = run(logged, {"a": 1}, g__first=1)
    assert result.output == {"a": 1, "result": None}
    assert [(line.path, line.message) for line in result.logs] == [("g/second", 'done with {"a":1}')]


def test_the_workflows_output_is_made_of_the_data_at_the_end() -> None:
    head = 'output: {sum: "${ data.a + data.b }", of: "${ input.a }"}\nconstants: {vat: 0.5}'
    assert output('- {step: s, set: {a: 10, b: "${ constants.vat }"}}', {"a": 1}, head=head) == {"sum": 10.5, "of": 1}


def test_an_output_of_the_workflow_that_fails_fails_the_execution_and_names_no_node() -> None:
    result = run("- {step: s, set: {a: 1}}", {"a": {}}, head='output: "${ data.a.b }"')
    assert result.error is not None
    assert (result.status, result.error.type, result.error.node) == ("failed", "ExpressionError", None)


def test_key_order_and_types_of_numbers_are_kept() -> None:
    result = run("- {step: s, call: x.y, with: {}, save: k}", {"z": 1, "a": 1.0}, s={"z": -0.0, "b": 1e16, "a": 2})
    assert str(result.output) == "{'z': 1, 'a': 1.0, 'k': {'z': -0.0, 'b': 1e+16, 'a': 2}}"
