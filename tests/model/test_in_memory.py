"""Random documents on simulated workers that die, beside the reference.

A number in a test's name is the seed that Hypothesis draws from.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.cases import CASES, Case, problems_in_memory

FEW = range(10)
MANY = range(10, 110)


def check(number: int, examples: int) -> None:
    """Draws cases from a seed and checks each.

    What fails is told as it was drawn: making it smaller takes minutes, so that is done by hand, with `Phase.shrink`.
    """

    @seed(number)
    @settings(
        max_examples=examples,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=CASES)
    def agrees(case: Case) -> None:
        assert problems_in_memory(case) == []

    agrees()


@pytest.mark.parametrize("number", FEW)
def test_thirty_documents_end_as_the_reference_says(number: int) -> None:
    check(number, 30)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", MANY)
def test_a_hundred_documents_end_as_the_reference_says(number: int) -> None:
    check(number, 100)
