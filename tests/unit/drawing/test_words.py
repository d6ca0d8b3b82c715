from __future__ import annotations

import pytest

from durable_dsl.drawing import NodeState, NodeStatus, status_words
from durable_dsl.drawing.words import clean, facts, shorten
from durable_dsl.graph import (
    Ask,
    Awaited,
    Call,
    Child,
    Compensation,
    Emit,
    Event,
    Foreach,
    Http,
    Loop,
    Node,
    OnTimeout,
    Parallel,
    Publish,
    RetryPolicy,
    Shell,
    Sql,
    Start,
    Step,
    Use,
    Wait,
)
from tests.unit.drawing.samples import call


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("as long", "as long"),
        ("eight ch", "eight ch"),
        ("nine char", "nine ch…"),
        ("ends in  space", "ends in…"),
        ("\n line\r\n\tbreaks ", "line br…"),
        ("a" + " " * 99 + "b", "a…"),
        ("", ""),
    ],
)
def test_a_long_text_ends_in_dots(text: str, short: str) -> None:
    assert shorten(text, 8) == short


def test_nothing_that_is_a_command_stays() -> None:
    assert clean("a\x1b[0mb\x00c\u2028d\u202ee\ud800f\ufeffg") == "a [0mb c d�e�f�g"
    assert clean("👩\u200d🚀 é 注文 “q”") == "👩\u200d🚀 é 注文 “q”"


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (
            call("a", when="data.x", retry=RetryPolicy(max_attempts=5, backoff="constant", delay=250, only=("A", "B"))),
            ["when data.x", "call shop.a", "5 attempts, constant 250ms", "retry only A, B"],
        ),
        (
            call("a", retry=RetryPolicy(max_attempts=2, except_=("Fatal",), when="error.data.again")),
            ["call shop.a", "2 attempts, exponential 1s", "no retry of Fatal", "retry when error.data.again"],
        ),
        (Step(id="a", action=Http(method="POST", url="https://x.org")), ["POST https://x.org"]),
        (Step(id="a", action=Sql(query="select 1,\n  2")), ["sql select 1, 2"]),
        (Step(id="a", action=Shell(command=["ls", "-l"])), ["shell ls -l"]),
        (Step(id="a", action=Use(plugin="slack.post")), ["use slack.post"]),
        (Step(id="a", action=Child(workflow="b")), ["workflow b"]),
        (Step(id="a", action=Start(workflow="b")), ["start b"]),
        (Step(id="a", action=Emit(event="b.c", key="d")), ["emit b.c"]),
        (Step(id="a", action=Publish(values={"b": 1, "c": 2})), ["publish b, c"]),
        (call("a", compensate=Compensation(action=Call(function="b.c"))), ["call shop.a", "↩ call b.c"]),
        (
            Foreach(id="f", items="data.x", batch=10, concurrency=3, on_error="complete_all", steps=()),
            ["item in data.x", "batches of 10", "concurrency 3", "an error stops none"],
        ),
        (
            Loop(id="l", while_="c", every=1000, factor=2, max_every=60_000, on_limit="continue", steps=()),
            ["while c", "every 1s × 2 up to 1m", "at most 1000 turns, then carries on"],
        ),
        (Parallel(id="p", branches={"a": (), "b": (), "c": ()}, need=2, timeout="${ data.t }"),
            ["needs 2 of 3", "timeout ${ data.t }"]),
        (Wait(id="w", event=Event(name="paid", key="${ data.x }", where="event.y")),
            ["event paid, key ${ data.x }", "where event.y"]),
        (Wait(id="w", ask=Ask(kind="approval", assignees=["a", "b"]), timeout=1000, on_timeout=OnTimeout(value=1)),
            ["ask approval", "of a, b", "after the timeout 1", "timeout 1s"]),
        (Wait(id="w", any={"paid": Awaited(event=Event(name="p")), "late": Awaited(for_=1000)}),
            ["any of paid, late", "paid: event p", "late: for 1s"]),
        (Wait(id="w", until_at="${ timestamp(input.ends_at) }"), ["until ${ timestamp(input.ends_at) }"]),
    ],
)  # fmt: skip
def test_a_node_tells_what_sets_it_apart(node: Node, told: list[str]) -> None:
    assert facts(node) == told


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (NodeState(NodeStatus.completed), "completed"),
        (NodeState(NodeStatus.completed, attempts=3), "completed · 3 attempts"),
        (NodeState(NodeStatus.running, attempts=2, turns=4), "running · attempt 2 · turn 4"),
        (NodeState(NodeStatus.completed, turns=1), "completed · 1 turn"),
        (NodeState(NodeStatus.running, done=3, total=5), "running · 3 of 5"),
        (NodeState(NodeStatus.failed, done=3, detail="Timeout"), "failed · 3 done · Timeout"),
    ],
)
def test_a_state_is_told_in_words(state: NodeState, words: str) -> None:
    assert status_words(state) == words
