from __future__ import annotations

import re
from pathlib import Path

from durable_dsl.expressions import DEFAULT_BUDGET
from durable_dsl.expressions.functions import FUNCTIONS, METHODS
from durable_dsl.expressions.parser import CALL_COST, MAX_DEPTH, MAX_LENGTH
from durable_dsl.expressions.scope import MACRO_NAMES
from durable_dsl.expressions.template import MAX_DEPTH as MAX_VALUE_DEPTH

TEXT = (Path(__file__).parents[3] / "docs/reference/expressions.md").read_text(encoding="utf-8")


def test_every_function_method_and_macro_is_in_the_reference() -> None:
    without_blocks = re.sub(r"```[\s\S]*?```|``[\s\S]*?``", "", TEXT)
    chains = re.findall(r"[a-zA-Z_][\w.]*", " ".join(re.findall(r"`([^`]+)`", without_blocks)))
    words = {*chains, *(word for chain in chains for word in chain.split("."))}
    assert sorted({*FUNCTIONS, *METHODS, *MACRO_NAMES} - words) == []


def test_the_limits_in_the_reference_are_those_in_force() -> None:
    for limit in (
        f"| length | {MAX_LENGTH:,} characters |",
        f"of `!` and `-` | {MAX_DEPTH} |",
        f"with `${{ … }}` inside | {MAX_VALUE_DEPTH} |",
        f"| steps | {DEFAULT_BUDGET:,} for each evaluation |",
        f"a call is {CALL_COST + 1} steps",
    ):
        assert limit in TEXT
