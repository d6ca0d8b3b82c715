"""Random documents on a real PostgreSQL, with workers that get SIGKILL amid their commits, beside the reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.cases import Case, cases
from tests.model.on_postgres import problems_on_postgres


def drawn(number: int, count: int) -> list[Case]:
    """Gives cases with different documents that Hypothesis draws from a seed, without the simplest of all.

    They meet nobody, for nobody answers here.
    """
    found: dict[str, Case] = {}

    @seed(number)
    @settings(
        max_examples=20 * count,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(meets=False))
    def draw(case: Case) -> None:
        found[str(case.family)] = case

    draw()
    assert len(found) > count
    return list(found.values())[1 : count + 1]


@pytest.mark.timeout(240)
def test_ten_documents_survive_the_kill_of_two_workers(database_url: str, tmp_path: Path) -> None:
    assert problems_on_postgres(drawn(0, 10), 0, database_url, tmp_path / "ledger") == []


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", range(1, 21))
def test_ten_more_documents_survive_the_kill_of_two_workers(number: int, database_url: str, tmp_path: Path) -> None:
    assert problems_on_postgres(drawn(number, 10), number, database_url, tmp_path / "ledger") == []
