"""Calls against the functions they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_dsl.checks import check_imports
from durable_dsl.compiler import compile_workflow
from durable_dsl.loader import load_document

SHOP = """
from typing import Literal, Optional

LIMIT = 3

def takes_data(data): ...
def takes_nothing(): ...
def takes_context(data, ctx): ...
def takes_two(data, other): ...
def takes_more(data, other=1, *rest): ...
def by_name(total, *, currency="EUR", ctx): ...
def anything(**values): ...
def by_position(total, /): ...
async def later(data): ...

class Till:
    @staticmethod
    def close(data): ...

def pick(data) -> Literal["a", "b"] | None: ...
def untyped(data): ...
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imports_shop.py").write_text(SHOP)
    (tmp_path / "imports_broken.py").write_text("raise RuntimeError('no database here')\n")
    (tmp_path / "imports_needy.py").write_text("import imports_not_installed\n")
    (tmp_path / "imports_leaver.py").write_text("import sys\nsys.exit('not as a module')\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def reports(node: str) -> list[str]:
    (workflow,) = load_document("workflow: w\nsteps:\n" + node, "w.yaml")
    graph, problems = compile_workflow(workflow)
    assert problems == []
    assert graph is not None
    return [str(problem) for problem in check_imports(graph, workflow)]


@pytest.mark.parametrize(
    "call",
    [
        "imports_shop.takes_data",
        "imports_shop.takes_context",
        "imports_shop.takes_more",
        "imports_shop.later",
        "imports_shop.Till.close",
        "json.dumps",
        "imports_shop.takes_nothing\n    with: {}",
        "imports_shop.by_name\n    with: {total: 1}",
        "imports_shop.by_name\n    with: {total: 1, currency: USD}",
        "imports_shop.anything\n    with: {whatever: 1}",
        "imports_shop.takes_two\n    with: {data: 1, other: 2}",
    ],
)
def test_a_call_that_fits_its_function_is_fine(call: str) -> None:
    assert reports(f"  - step: a\n    call: {call}\n") == []


@pytest.mark.parametrize(
    ("call", "report"),
    [
        (
            "imports_nowhere.thing",
            "w.yaml:4:11: W210 there is no module 'imports_nowhere'; run from the folder that holds it, or install it",
        ),
        (
            "imports_shop.takes_dta",
            "w.yaml:4:11: W210 'imports_shop' has no 'takes_dta'; did you mean 'takes_data'?",
        ),
        (
            "imports_shop.Till.clos",
            "w.yaml:4:11: W210 'imports_shop.Till' has no 'clos'; did you mean 'close'?",
        ),
        (
            "imports_shop.nothing.here",
            "w.yaml:4:11: W210 there is no module 'imports_shop.nothing'; "
            "run from the folder that holds it, or install it",
        ),
        (
            "imports_shop.LIMIT",
            "w.yaml:4:11: W210 'imports_shop.LIMIT' cannot be called: its type is int; name a function",
        ),
        (
            "imports_broken.thing",
            "w.yaml:4:11: W210 importing 'imports_broken' failed: RuntimeError: no database here",
        ),
        (
            "imports_needy.thing",
            "w.yaml:4:11: W210 importing 'imports_needy' failed: No module named 'imports_not_installed'",
        ),
        (
            "imports_leaver.thing",
            "w.yaml:4:11: W210 importing 'imports_leaver' failed: SystemExit: not as a module",
        ),
        (
            "imports_shop.takes_nothing",
            "w.yaml:4:11: W211 'imports_shop.takes_nothing' takes no argument, and without 'with' it is given "
            "the data; add 'with: {}', or a parameter for the data",
        ),
        (
            "imports_shop.takes_two",
            "w.yaml:4:11: W211 'imports_shop.takes_two' needs 'other' too, and without 'with' it is given "
            "the data alone; give its arguments by name under 'with'",
        ),
        (
            "imports_shop.by_name\n    with: {totl: 1, total: 2}",
            "w.yaml:5:12: W211 'imports_shop.by_name' takes no argument 'totl'; did you mean 'total'?",
        ),
        (
            "imports_shop.by_name\n    with: {total: 2, ctx: 1}",
            "w.yaml:5:22: W211 'ctx' is given by the engine, not by 'with'; remove it",
        ),
        (
            "imports_shop.by_name\n    with: {currency: USD}",
            "w.yaml:5:11: W211 'imports_shop.by_name' needs the argument 'total'; add 'total' to 'with'",
        ),
        (
            "imports_shop.by_position\n    with: {total: 1}",
            "w.yaml:4:11: W211 'imports_shop.by_position' takes 'total' by position only, "
            "and 'with' gives arguments by name; remove the '/' from its parameters",
        ),
    ],
)
def test_a_call_that_cannot_work_says_why(call: str, report: str) -> None:
    assert report in reports(f"  - step: a\n    call: {call}\n")


def test_a_decision_checks_what_its_function_says_it_returns() -> None:
    decision = (
        "  - decision: d\n    call: imports_shop.{}\n    goto: [a, c]\n"
        "  - {{step: a, log: x}}\n  - {{step: c, log: x}}\n"
    )
    assert reports(decision.format("pick")) == [
        "w.yaml:5:11: W212 'imports_shop.pick' may return 'b', which is no target of 'd'; "
        "add it to 'goto', which has a, c"
    ]
    assert reports(decision.format("untyped")) == []


def test_calls_deep_inside_are_checked_too() -> None:
    (report,) = reports(
        "  - loop: l\n"
        "    while: data.x\n"
        "    steps:\n"
        "      - parallel: p\n"
        "        branches: {a: [{step: s, call: imports_nowhere.thing}]}\n"
    )
    assert report.startswith("w.yaml:7:40: W210 there is no module 'imports_nowhere'")
