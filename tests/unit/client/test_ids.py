"""Ids of executions."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

import pytest

from durable_runtime.client.ids import find_id, new_id


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    made = UUID(new_id())

    assert made.version == 7
    assert made.variant == RFC_4122


def test_an_id_says_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = UUID(new_id())
    after = time.time_ns() // 1_000_000

    assert before <= made.int >> 80 <= after


def test_a_later_millisecond_sorts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    instants = [1_700_000_000_000_000_000, 1_700_000_000_000_500_000, 1_700_000_000_001_000_000]
    moments = iter(instants)
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))

    ids = [new_id() for _ in instants]

    assert ids == sorted(ids)
    # The half of a millisecond stands in the 12 bits behind the version, and the millisecond in the first 48.
    assert ids[1].startswith("018bcfe5-6800-7800-")
    assert ids[2].startswith("018bcfe5-6801-7000-")


def test_a_thousand_ids_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "0198C1A2-7D3E-7B11-9F00-3A5E8C2D4B6F",
        "0198c1a27d3e7b119f003a5e8c2d4b6f",
        "{0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f}",
    ],
)
def test_every_way_to_write_a_uuid_finds_the_stored_form(text: str) -> None:
    assert find_id(text) == "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"


@pytest.mark.parametrize("text", ["", "42", "0198c1a2", "not an id", "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6g"])
def test_what_is_no_uuid_is_nobodys_id(text: str) -> None:
    assert find_id(text) is None
