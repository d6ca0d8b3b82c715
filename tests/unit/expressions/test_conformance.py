"""The cases of the CEL specification, read from CEL_SPEC_TESTS or from beside the repository.

Every case passes or is left out for one of the reasons in LEFT_OUT; docs/reference/expressions.md tells them to users
and counts them, and a test here keeps its table equal to what really passes.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from durable_dsl.expressions import ExpressionError, ExpressionSyntaxError, compile_expression
from tests.unit.expressions.evaluating import NOW

ROOT = Path(__file__).parents[3]
CASES = Path(os.environ.get("CEL_SPEC_TESTS", ROOT / "../shared/cel-spec/tests.json"))
DOCUMENT = ROOT / "docs/reference/expressions.md"

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason=f"the conformance cases of CEL are not at {CASES}; CEL_SPEC_TESTS says where they are"
)

UNKNOWN_FUNCTION = "unknown function"
EXACT = "exact comparison"
NOT_FINITE = "not finite"
BINDING = "binding without JSON form"
CONTAINER = "dotted name or container"
MESSAGE = "protobuf message"
BACKSLASH = "backslash in the case only"

# (file, section) → expressions left out with their reason; "*" stands for all of the section.
LEFT_OUT: dict[tuple[str, str], dict[str, str]] = {
    ("basic", "functions"): {"f_unknown(17) || true": UNKNOWN_FUNCTION},
    ("parse", "receiver_function_names"): {"*": UNKNOWN_FUNCTION},
    ("comparisons", "lt_literal"): {"dyn(9223372036854775807) < 9223372036854775808.0": EXACT},
    ("comparisons", "gt_literal"): {"dyn(9223372036854775808.0) > 9223372036854775807": EXACT},
    ("comparisons", "lte_literal"): {"dyn(9223372036854775808.0) <= 9223372036854775807": EXACT},
    ("comparisons", "gte_literal"): {"dyn(9223372036854775807) >= 9223372036854775808.0": EXACT},
    ("comparisons", "bound"): {"x > b'\\x00'": BINDING, "x > b'\x00'": BINDING},
    ("timestamps", "duration_converters"): {"x.getMilliseconds()": BINDING},
    ("fp_math", "fp_math"): {
        "15.75 / 0.0": NOT_FINITE,
        "2.0 * 8.988466e+307 ": NOT_FINITE,
        "2.0 * -8.988466e+307 ": NOT_FINITE,
    },
    ("dynamic", "value_null"): {"Value{null_value: NullValue.NULL_VALUE}": MESSAGE},
    ("fields", "qualified_identifier_resolution"): {"a.b.c": CONTAINER},
    ("namespace", "qualified"): {"x.y": CONTAINER},
    ("namespace", "namespace"): {"y": CONTAINER},
    ("namespace", "namespace_shadowing"): {
        "y": CONTAINER,
        "[{'z': 'compre'}].exists(y, .y.z == 'y.z')": CONTAINER,
    },
    ("parse", "bytes_literals"): {"b''' ? \" ' ` '''": BACKSLASH, 'b""" ? " \' ` """': BACKSLASH},
}


@cache
def cases() -> dict[str, list[dict[str, Any]]]:
    loaded: dict[str, list[dict[str, Any]]] = json.loads(CASES.read_text(encoding="utf-8"))
    return loaded


def plain(tagged: dict[str, Any]) -> Any:
    """Give the JSON form that the documentation promises for a tagged value of the cases."""
    ((tag, value),) = tagged.items()
    match tag:
        case "int" | "uint":
            return int(value)
        case "double":
            return float(value)
        case "list":
            return [plain(item) for item in value]
        case "map":
            return {key_text(key): plain(item) for key, item in value}
        case "bytes":
            return base64.b64encode(bytes.fromhex(value)).decode()
        case _:
            return value


def key_text(tagged: dict[str, Any]) -> str:
    key = plain(tagged)
    return key if isinstance(key, str) else json.dumps(key)


def is_same(given: Any, expected: Any) -> bool:
    """Compare with types: 1 is not 1.0, and true is not 1."""
    if type(given) is not type(expected):
        return False
    if isinstance(given, list):
        return len(given) == len(expected) and all(map(is_same, given, expected))
    if isinstance(given, dict):
        return given.keys() == expected.keys() and all(is_same(given[key], expected[key]) for key in given)
    return bool(given == expected)


def passes(case: dict[str, Any]) -> bool:
    bindings: dict[str, Any] = case.get("bindings") or {}
    if any(tag in ("bytes", "duration", "timestamp") for value in bindings.values() for tag in value):
        return False
    env = {name: plain(value) for name, value in bindings.items()}
    try:
        given = compile_expression(case["expr"]).evaluate(env, now=NOW)
    except (ExpressionError, ExpressionSyntaxError):
        return "error" in case
    return "value" in case and is_same(given, plain(case["value"]))


def reason_for(file: str, case: dict[str, Any]) -> str | None:
    left_out = LEFT_OUT.get((file, case["section"]), {})
    return left_out.get(case["expr"], left_out.get("*"))


def test_every_case_passes_or_is_left_out_for_a_reason() -> None:
    unexplained = [
        (file, case["section"], case["expr"])
        for file, found in cases().items()
        for case in found
        if not passes(case) and reason_for(file, case) is None
    ]
    assert unexplained == []


def test_no_reason_stands_for_a_section_or_an_expression_that_passes() -> None:
    used = {
        (file, case["section"], reason_for(file, case))
        for file, found in cases().items()
        for case in found
        if not passes(case)
    }
    listed = {(file, section, reason) for (file, section), left in LEFT_OUT.items() for reason in left.values()}
    assert used == listed


def test_the_table_in_the_documentation_counts_what_really_passes() -> None:
    counted = {
        file: (
            len(found),
            sum(map(passes, found)),
            Counter(reason_for(file, case) for case in found if not passes(case)),
        )
        for file, found in cases().items()
    }
    row = re.compile(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (.*?) *\|$", re.MULTILINE)
    documented = {
        file: (
            int(total),
            int(passed),
            Counter({reason: int(n) for n, reason in re.findall(r"(\d+) ([^,]+)", reasons)}),
        )
        for file, total, passed, reasons in row.findall(DOCUMENT.read_text(encoding="utf-8"))
    }
    assert documented == counted
    total = sum(row[0] for row in counted.values())
    passed = sum(row[1] for row in counted.values())
    assert f"| all | {total} | {passed} | |" in DOCUMENT.read_text(encoding="utf-8")
