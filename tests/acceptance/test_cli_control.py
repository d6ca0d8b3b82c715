"""The command line that controls executions and tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_runtime import Durable
from tests.acceptance.clients import BREAK, GREET, REST
from tests.acceptance.command import Command, Inside

NOBODY = "0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"


@pytest.fixture
def url(durable: Command) -> str:
    return durable.variables["DURABLE_DATABASE_URL"]


def test_an_execution_is_paused_explained_and_resumed(inside: Inside, url: str) -> None:
    with Durable(url) as client:
        id = client.start(REST)
    paused = inside("pause", id, "--reason", "the bank is closed", "--by", "ann")
    assert (paused.code, paused.err) == (0, f"execution {id} was pending and is paused\n")
    assert "to be paused" in inside("explain", id).out
    inside("worker", "--until-idle", "--quiet")
    told = inside("explain", id, "--json").json["explanation"]
    assert "it was paused by ann" in told[0]
    assert inside("list", "--status", "paused", "--json").json["executions"][0]["id"] == id
    assert inside("resume", id, "--json").json == {"schema": 1, "id": id, "status": "waiting"}
    assert inside("count", "--json").json == {"schema": 1, "counts": {"pending": 1}, "total": 1}


def test_a_failed_execution_is_retried_edited_and_forked(inside: Inside, url: str) -> None:
    with Durable(url) as client:
        id = client.start(BREAK)
    inside("worker", "--until-idle", "--quiet")
    assert "it failed at" in inside("explain", id).out
    assert inside("retry", id).code == 0
    again = inside("retry", id)
    assert (again.code, again.err) == (1, f"error: the execution {id} is pending; only a failed one can be retried\n")
    inside("worker", "--until-idle", "--quiet")
    refused = inside("set-result", id, "outer/refuse", "1")
    assert refused.code == 2
    assert "gives nothing" in refused.err
    assert inside("set-result", id, "outer", '{"paid": true}', "--by", "ann").code == 0
    inside("worker", "--until-idle", "--quiet")
    shown = inside("inspect", id, "--json").json
    assert shown["execution"]["status"] == "completed"
    assert shown["progress"]["total"] == 2
    assert "it completed at" in inside("inspect", id).out
    forked = inside("fork", id, "outer", "--with-output", "{}", "--json").json["id"]
    inside("worker", "--until-idle", "--quiet")
    assert inside("status", forked, "--json").json["execution"]["status"] == "completed"


def test_many_are_controlled_by_filter_once_that_is_confirmed(inside: Inside, url: str) -> None:
    with Durable(url) as client:
        client.start_many(REST, [{}] * 3, headers={"tenant": "a"})
        client.start(REST)
    unsaid = inside("cancel", "--header", "tenant=a")
    assert unsaid.code == 2
    assert "3 pending" in unsaid.err
    assert "say --yes if it may" in unsaid.err
    assert inside("pause", "--header", "tenant=a", "--yes").out == "3\n"
    assert inside("resume", "--status", "paused", "--yes", "--json").json == {"schema": 1, "taken": 3}
    assert inside("cancel", "--workflow", "rest", "--yes", "--reason", "over").out == "4\n"
    inside("worker", "--until-idle", "--quiet")
    assert inside("count", "--workflow", "rest").out.split() == ["status", "executions", "cancelled", "4"]
    assert inside("retry", "--workflow", "rest", "--yes").out == "0\n"


def test_logs_by_level_and_node_and_to_the_end(inside: Inside, url: str) -> None:
    with Durable(url) as client:
        id = client.start(GREET, {"name": "Ada"})
    inside("worker", "--until-idle", "--quiet")
    assert "greeting Ada" in inside("logs", id, "--follow").out
    assert inside("logs", id, "--level", "error").out == ""
    assert len(inside("logs", id, "--node", "note", "--json").json["logs"]) == 1
    assert inside("logs", id, "--node", "other", "--json").json["logs"] == []


def test_a_start_with_a_key_and_headers(inside: Inside, durable: Command) -> None:
    durable.write("rest.yaml", "workflow: rest\nsteps: [{wait: nap, for: 1h}]\n")
    arguments = ("start", "rest.yaml", "--key", "17", "--header", "tenant=a", "--json")
    id = inside(*arguments).json["id"]
    assert inside(*arguments).json["id"] == id
    assert inside(*arguments, "--on-conflict", "reject").code == 1
    shown = inside("list", "--key", "17", "--header", "tenant=a", "--order", "oldest", "--json").json["executions"]
    assert [each["id"] for each in shown] == [id]
    assert inside("list", "--created-from", "2099-01-01T00:00:00Z", "--json").json["executions"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pause",), 2, "say which: durable pause ID, or filters"),
        (("cancel", NOBODY, "--workflow", "rest"), 2, "one of the two"),
        (("retry", NOBODY), 4, "there is no execution"),
        (("resume", "42"), 4, "there is no execution"),
        (("explain", NOBODY), 4, "there is no execution"),
        (("explain", "W999"), 4, "there is no problem"),
        (("fork", NOBODY, "a"), 4, "there is no execution"),
        (("set-result", NOBODY, "a", "{"), 3, "the result"),
        (("list", "--created-from", "yesterday"), 2, "--created-from takes a time"),
        (("list", "--created-from", "2026-01-01T00:00:00"), 2, "--created-from needs a zone"),
        (("list", "--header", "tenant"), 2, "--header takes name=text"),
        (("cancel", "--status", "completed", "--yes"), 2, "cannot be asked of executions that are completed"),
        (("logs", NOBODY), 4, "there is no execution"),
        (("inspect", NOBODY), 4, "there is no execution"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(inside: Inside, arguments: tuple[str, ...], code: int, said: str) -> None:
    answer = inside(*arguments)
    assert answer.code == code, answer.err
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_the_problem_of_a_code_is_explained_without_a_database(
    inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DURABLE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert inside("explain", "W004").code == 0
