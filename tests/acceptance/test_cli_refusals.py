"""What the command line cannot do, and the databases that it cannot use: the exit code, and what to do about it."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.command import Inside


@pytest.mark.parametrize("words", [["status"], ["logs"], ["cancel"], ["graph", "--execution"]])
@pytest.mark.parametrize("id", ["0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f", "42"])
def test_an_execution_that_there_is_not_is_not_found(inside: Inside, words: list[str], id: str) -> None:
    answer = inside(*words, id)
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith(f"error: there is no execution '{id}' in this database")


@pytest.mark.parametrize("limit", ["mail=0", "mail=x", "=3"])
def test_a_limit_that_is_none_is_a_mistake_in_the_use(inside: Inside, limit: str) -> None:
    answer = inside("worker", "--until-idle", "--queue", limit)
    assert answer.code == 2
    assert answer.err.startswith(f"error: --queue takes a name, or name=limit with a limit from 1 on, not '{limit}'\n")


@pytest.mark.parametrize("at", ["tomorrow", "2031-05-01T12:00"])
def test_a_time_that_names_no_instant_is_a_mistake_in_the_use(inside: Inside, at: str) -> None:
    answer = inside("start", "pause.yaml", "--at", at)
    assert answer.code == 2
    assert answer.err.startswith("error: --at ")


# -- databases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["list"], ["run", "pause.yaml"], ["worker"], ["migrations", "apply"]])
def test_a_database_that_is_down_ends_with_5_and_keeps_the_password_secret(inside: Inside, words: list[str]) -> None:
    answer = inside(*words, "--database", "postgresql://me:geheim@127.0.0.1:1/none")
    assert (answer.code, answer.out) == (5, "")
    assert answer.err.startswith("error: cannot reach ")
    assert "geheim" not in answer.err


def test_the_doctor_finds_a_database_that_can_be_used(inside: Inside) -> None:
    answer = inside("doctor")
    assert answer.code == 0
    assert re.search("^✓ database +it answers$", answer.out, re.MULTILINE)
    assert re.search("^✓ tables +up to date in the schema 'durable'$", answer.out, re.MULTILINE)


def test_the_doctor_finds_a_database_that_is_down(inside: Inside) -> None:
    answer = inside("doctor", "--json", "--database", "postgresql://me:geheim@127.0.0.1:1/none")
    assert answer.code == 5
    assert answer.json["good"] is False
    (bad,) = [finding for finding in answer.json["findings"] if finding["good"] is False]
    assert bad["name"] == "database"
    assert "geheim" not in answer.out


def test_migrations_are_listed_and_applied_in_any_schema(inside: Inside) -> None:
    behind = inside("migrations", "status", "--schema", "other", "--json")
    assert behind.code == 5
    assert behind.json["current"] is False
    assert "0001_initial" in inside("migrations", "apply", "--schema", "other").out
    assert inside("migrations", "apply", "--schema", "other").err == "nothing to apply\n"
    now = inside("--schema", "other", "migrations", "status")
    assert now.code == 0
    assert re.search(r"^0001    initial  20\d\d-", now.out, re.MULTILINE)
