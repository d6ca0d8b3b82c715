"""What the builder refuses, at the line of the call, and how functions become import paths."""

from __future__ import annotations

import functools
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from durable_dsl import document
from durable_dsl.builder import decision, group, parallel, step, wait, workflow, workflows_of
from durable_dsl.compiler import compile_workflow
from durable_dsl.document import Workflow
from durable_dsl.errors import DslError, Problem

HERE = Path(__file__).name


def validate(data: dict[str, Any]) -> None: ...


def pick(data: dict[str, Any]) -> str | None:
    return None


def problems_of(build: Any) -> list[Problem]:
    with pytest.raises(DslError) as caught:
        build()
    return list(caught.value.problems)


def here() -> int:
    """Gives the caller's line."""
    return sys._getframe(1).f_lineno


# --- functions ----------------------------------------------------------------------------------------------------


def test_a_function_at_the_top_of_a_module_becomes_its_import_path() -> None:
    built = workflow("w", step("a", validate), decision("d", pick, goto=["end"]))
    first, second = built.steps
    assert isinstance(first, document.Step)
    assert first.action == document.Call(function=f"{__name__}.validate")
    assert isinstance(second, document.Decision)
    assert second.call == f"{__name__}.pick"


class Till:
    def open(self, data: dict[str, Any]) -> None: ...

    @staticmethod
    def close(data: dict[str, Any]) -> None: ...


def replaced(data: dict[str, Any]) -> None: ...


before = replaced


def replaced(data: dict[str, Any]) -> None: ...  # type: ignore[no-redef]


def local_function() -> Any:
    def inside(data: dict[str, Any]) -> None: ...

    return inside


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda data: data, "a lambda has no name by which a worker could import it"),
        (local_function(), "'inside' is defined inside a function, where a worker cannot import it"),
        (Till().open, "'Till.open' is a bound method, and its object does not exist in the worker"),
        (Till.close, "'Till.close' is defined inside a class, where a worker cannot import it"),
        (before, f"'{__name__}.replaced' is something else than the function given"),
    ],
    ids=["lambda", "local", "bound", "static", "replaced"],
)
def test_what_no_worker_could_import_is_refused_with_the_reason(function: Any, reason: str) -> None:
    (problem,) = problems_of(lambda: workflow("w", step("a", function)))
    assert (problem.code, problem.message) == ("W150", reason)
    assert problem.hint == "define it with 'def' at the top level of a module"


def test_a_partial_has_no_name_of_its_own() -> None:
    (problem,) = problems_of(lambda: workflow("w", step("a", functools.partial(validate, {}))))
    assert problem.code == "W150"
    assert "has no name of its own" in problem.message


def test_a_function_of_the_script_itself_is_named_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    script = ModuleType("__main__")
    script.__file__ = "/somewhere/orders.py"
    exec("def charge(data): ...", script.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", script)
    (first,) = workflow("w", step("a", script.charge)).steps
    assert isinstance(first, document.Step)
    assert first.action == document.Call(function="orders.charge")
    del script.__file__
    (problem,) = problems_of(lambda: workflow("w", step("a", script.charge)))
    assert problem.message == "functions typed at a prompt are in no module that a worker could import"


# --- problems -----------------------------------------------------------------------------------------------------


def test_every_problem_has_the_line_of_its_call() -> None:
    first = here() + 3

    def build() -> Workflow:
        return workflow(
            "Bad-Name",
            step("a", lambda data: data),
            step(
                "b",
                validate,
                retry=0,
            ),
            group("g", step("c", validate, timeout="30"), step("a", validate)),
            parallel("p", {"x": [step("d", validate, save="1 + 1")]}),
        )

    problems = problems_of(build)
    assert [(problem.code, problem.line) for problem in problems] == [
        ("W022", first),
        ("W150", first + 2),
        ("W029", first + 3),
        ("W030", first + 8),
        ("W023", first + 8),
        ("W022", first + 9),
    ]
    assert {Path(problem.file).name for problem in problems} == {HERE}
    assert str(problems[1]).splitlines()[1].endswith('step("a", lambda data: data),')
    assert problems[1].column == 13


def test_problems_of_the_compiler_have_the_line_of_the_call_too() -> None:
    line = here() + 3
    built = workflow(
        "w",
        step("a", validate, when="data.x &&"),
        decision("d", choose={"data.x": "a"}),
    )
    graph, problems = compile_workflow(built)
    assert graph is None
    assert [(problem.code, problem.line) for problem in problems] == [("W109", line), ("W104", line + 1)]


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"timeout": timedelta(seconds=-1)}, "W151", "a duration cannot be negative: -1 day, 23:59:59"),
        ({"timeout": timedelta(microseconds=1)}, "W151", "a duration counts in whole milliseconds: 0:00:00.000001"),
        ({"with_": {"a": {1, 2}}}, "W153", "a set cannot stand in a workflow: {1, 2}"),
        ({"with_": {"a": {1: 2}}}, "W153", "a key must be text, not 1"),
        ({"with_": {"at": datetime(2031, 1, 31)}}, "W152", "the instant 2031-01-31T00:00:00 has no time zone"),  # noqa: DTZ001
    ],
)
def test_values_that_no_file_could_hold_are_refused(fields: dict[str, Any], code: str, message: str) -> None:
    (problem,) = problems_of(lambda: workflow("w", step("a", "shop.a", **fields)))
    assert (problem.code, problem.message) == (code, message)


def test_an_unknown_keyword_gets_the_suggestion_of_the_reader() -> None:
    unknown: dict[str, Any] = {"descripton": "x"}
    (problem,) = problems_of(lambda: workflow("w", wait("a", for_="1s", **unknown)))
    assert (problem.code, problem.hint) == ("W004", "did you mean 'description'?")


# --- modules ------------------------------------------------------------------------------------------------------


def test_the_workflows_of_a_module_come_in_the_order_they_were_defined() -> None:
    module = ModuleType("flows")
    module.second = workflow("b", wait("w", for_="1s"))  # type: ignore[attr-defined]
    module.first = workflow("a", wait("w", for_="1s"))  # type: ignore[attr-defined]
    module.default = module.second  # type: ignore[attr-defined]
    module._draft = workflow("c", wait("w", for_="1s"))  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    assert [found.name for found in workflows_of(module)] == ["b", "a"]
