"""Many starts, waiting for a result, who works, and how long events are kept, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.clients import query
from tests.acceptance.command import Inside

WORKFLOW = """\
workflow: greet
input: {type: object, required: [name], properties: {name: {type: string}}}
output: "hello ${ input.name }"
steps:
  - {step: note, log: "for ${ input.name }"}
  - {fail: refuse, when: input.name == 'nobody', message: for nobody}
"""


@pytest.fixture(autouse=True)
def _file(inside: Inside) -> None:
    Path("greet.yaml").write_text(WORKFLOW)


def work(inside: Inside) -> None:
    assert inside("worker", "--until-idle", "--quiet").code == 0


@pytest.mark.parametrize("text", ['[{"name": "ada"}, {"name": "bob"}]', '{"name": "ada"}\n\n{"name": "bob"}\n'])
def test_many_are_started_from_a_list_or_from_lines(inside: Inside, text: str) -> None:
    Path("inputs.json").write_text(text)
    ids = inside("start-many", "greet.yaml", "@inputs.json", "--queue", "mails", "--header", "tenant=a").out.split()
    ids += inside("start-many", "greet.yaml", text, "--json").json["ids"]
    work(inside)
    assert [inside("result", id, "--json").json["output"] for id in ids] == ["hello ada", "hello bob"] * 2
    listed = inside("list", "--queue", "mails", "--header", "tenant=a", "--json").json["executions"]
    assert {each["id"] for each in listed} == set(ids[:2])


def test_of_many_with_a_mistake_none_is_started(inside: Inside) -> None:
    bad = inside("start-many", "greet.yaml", '{"name": "ada"}\n{"name": 1}')
    assert (bad.code, bad.out) == (3, "")
    assert "inputs[1]" in bad.err
    torn = inside("start-many", "greet.yaml", '{"name": "ada"}\n{"name"')
    assert torn.code == 3
    assert "line 2 of the inputs is not JSON" in torn.err
    assert inside("count", "--json").json["total"] == 0


def test_a_result_is_waited_for_and_says_how_it_ended(inside: Inside) -> None:
    good, bad = (inside("start", "greet.yaml", "-i", f"name={name}").out.strip() for name in ("ada", "nobody"))
    late = inside("result", good, "--timeout", "0s")
    assert (late.code, late.out) == (6, "")
    assert "it is pending" in late.err
    work(inside)
    assert json.loads(inside("result", good, "--timeout", "30s").out) == "hello ada"
    failed = inside("result", bad)
    assert (failed.code, failed.out) == (1, "")
    assert "for nobody" in failed.err
    assert inside("result", "00000000-0000-7000-8000-000000000000").code == 4


def test_workers_are_listed_with_what_they_serve(inside: Inside, database_url: str) -> None:
    assert inside("workers", "--json").json["workers"] == []
    query(
        database_url,
        "insert into durable.worker (name, host, pid, queues, expires_at) values "
        "('well', 'here', 1, '{\"mails\": 2}', now() + interval '1 hour'), ('gone', 'there', 2, '{}', now()) "
        "returning 1",
    )
    first, second = inside("workers", "--json").json["workers"]
    assert (first["name"], first["queues"], first["expired"], first["executions"]) == ("well", {"mails": 2}, False, 0)
    assert (second["name"], second["host"], second["expired"]) == ("gone", "there", True)
    _head, well, gone = inside("workers").out.splitlines()
    assert "mails=2" in well
    assert gone.endswith("lost")


def test_how_long_events_are_kept_can_be_said(inside: Inside, database_url: str) -> None:
    said = inside("keep-events", "order.paid", "36h", "--json")
    assert said.json["seconds"] == 36 * 3600
    assert query(database_url, "select keep = interval '36 hours' from durable.event_keeping where name = 'order.paid'")
    again = inside("keep-events", "order.paid", "1d")
    assert "are kept for 1d" in again.err
    assert query(database_url, "select keep = interval '1 day' from durable.event_keeping where name = 'order.paid'")
    assert inside("keep-events", "order.paid", "soon").code == 2
    assert inside("keep-events", "no name", "1d").code == 2
