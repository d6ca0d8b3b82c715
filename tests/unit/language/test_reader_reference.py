from __future__ import annotations

import re
from pathlib import Path

import pytest

from durable_dsl import check_text
from durable_dsl.reading.kinds import KINDS
from durable_dsl.reading.policies import RETRY_FIELDS
from durable_dsl.reading.workflow import WORKFLOW_FIELDS
from tests.unit.language.test_problem_pages import whole

REFERENCE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)


def example(text: str) -> str:
    return whole(text.replace("# yaml-language-server: $schema=../../schemas/workflow.schema.json\n", ""))


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_of_the_reference_is_a_workflow_without_problems(text: str) -> None:
    assert [str(problem) for problem in check_text(example(text))] == []


def test_the_reference_has_examples() -> None:
    assert len(EXAMPLES) >= 8


def test_the_reference_names_every_key_of_the_language() -> None:
    keys = {*WORKFLOW_FIELDS, *KINDS, *RETRY_FIELDS}
    for kind in KINDS.values():
        keys |= {*kind.fields, *(kind.forms or {})}
        for form in (kind.forms or {}).values():
            keys |= set(form.fields)
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", REFERENCE)) == []
