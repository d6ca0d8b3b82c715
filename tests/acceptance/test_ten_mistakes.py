"""Ten different mistakes in one file are ten good messages at once, for people and for editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import Command, Inside

FILE = """\
workflow: process_order
timeout: 90
input:
  type: object
  properties: {order_id: {typ: string}, lines: {type: array}}
steps:
  - step: charge
    call: shop.payments.charge
    retires: 3
  - decision: big
    choose:
      - {when: data.total > 1000, goto: aproval}
      - {when: "${ data.total < 0 }", goto: end}
  - foreach: lines
    in: input.lines
    steps:
      - step: price
        call: shop.price
        with: {line: "${ itm }"}
  - wait: cool_down
    for: 30m
    match: data.kind
  - step: charge
    log: again
  - step: tell
    log: "done ${ data.total"
---
workflow: refund
steps:
  - step: remember
    set: {x: ${ data.x }}
"""
MESSAGES = """\
orders.yaml:2:10: W030 'timeout': 90 what? write 90s for seconds, 90m for minutes
    2 | timeout: 90
      |          ^^
orders.yaml:5:27: W033 'typ' is not a keyword of JSON Schema; did you mean 'type'?
    5 |   properties: {order_id: {typ: string}, lines: {type: array}}
      |                           ^^^
orders.yaml:9:5: W004 unknown key 'retires' in step 'charge'; did you mean 'retry'?
    9 |     retires: 3
      |     ^^^^^^^
orders.yaml:12:41: W103 there is no node 'aproval'; targets from here: lines, cool_down, charge, tell, end
   12 |       - {when: data.total > 1000, goto: aproval}
      |                                         ^^^^^^^
orders.yaml:13:17: W031 'when' is an expression already, without ${ }; write data.total < 0
   13 |       - {when: "${ data.total < 0 }", goto: end}
      |                 ^^
orders.yaml:19:26: W110 there is no 'itm' here; did you mean 'item'?
   19 |         with: {line: "${ itm }"}
      |                          ^^^
orders.yaml:22:5: W006 'match' has no effect in wait 'cool_down'; it belongs to 'branch'
   22 |     match: data.kind
      |     ^^^^^
orders.yaml:23:11: W023 the name 'charge' is used twice; the first is in line 7
   23 |   - step: charge
      |           ^^^^^^
orders.yaml:26:16: W109 this ${ is never closed; add the closing }, or write $${ for a plain ${
   26 |     log: "done ${ data.total"
      |                ^
orders.yaml:31:14: W014 inside { } and [ ] an unquoted value cannot hold '{' ('x'); quote the whole value: "${ data.x }"
   31 |     set: {x: ${ data.x }}
      |              ^^^^^^^^^^^
"""


@pytest.fixture
def durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """The command in a folder with the file."""
    Command(tmp_path).write("orders.yaml", FILE)
    return Inside(tmp_path, monkeypatch, capsys)


def test_ten_mistakes_are_ten_messages_with_place_reason_and_fix(durable: Inside) -> None:
    answer = durable("validate", "orders.yaml")
    assert answer.code == 3
    assert answer.out == MESSAGES
    assert answer.err == "10 problems in 1 of 1 file\n"


def test_an_editor_gets_the_same_ten_with_their_places(durable: Inside) -> None:
    answer = durable("validate", "orders.yaml", "--json")
    assert answer.code == 3
    assert answer.json["valid"] is False
    (file,) = answer.json["files"]
    assert [
        (problem["code"], problem["line"], problem["column"], problem["width"], problem["hint"])
        for problem in file["problems"]
    ] == [
        ("W030", 2, 10, 2, None),
        ("W033", 5, 27, 3, "did you mean 'type'?"),
        ("W004", 9, 5, 7, "did you mean 'retry'?"),
        ("W103", 12, 41, 7, "targets from here: lines, cool_down, charge, tell, end"),
        ("W031", 13, 17, 2, "write data.total < 0"),
        ("W110", 19, 26, 3, "did you mean 'item'?"),
        ("W006", 22, 5, 5, "it belongs to 'branch'"),
        ("W023", 23, 11, 6, "the first is in line 7"),
        ("W109", 26, 16, 1, "add the closing }, or write $${ for a plain ${"),
        ("W014", 31, 14, 11, 'quote the whole value: "${ data.x }"'),
    ]
