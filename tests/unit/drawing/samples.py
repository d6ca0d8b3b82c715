"""Graphs that the drawing tests share: one written by hand, hostile texts, and any graph at all."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from durable_dsl.drawing import NodeState, NodeStatus
from durable_dsl.graph import (
    END,
    Branch,
    Call,
    Case,
    Catch,
    Choice,
    Decision,
    Event,
    Fail,
    Finish,
    Foreach,
    Graph,
    Group,
    Log,
    Loop,
    Node,
    OnTimeout,
    Parallel,
    RetryPolicy,
    Set,
    Step,
    Wait,
)


def call(node_id: str, **fields: object) -> Step:
    return Step(id=node_id, action=Call(function="shop." + node_id.rpartition("/")[2]), **fields)  # type: ignore[arg-type]


ORDER = Graph(
    workflow="process_order",
    description="Charge and ship.",
    steps=(
        call("charge", retry=RetryPolicy(max_attempts=3), timeout=90_000, description="Takes the money."),
        Decision(
            id="fraud", choose=(Choice(when="data.score > 0.9", goto="refuse"), Choice(when="data.vip", goto="lines"))
        ),
        Branch(
            id="route",
            match="data.kind",
            cases=(
                Case(label="digital", value="digital", steps=(call("route/link"),)),
                Case(label="physical", value="physical", steps=(call("route/ship"), call("route/tell"))),
            ),
            default=(),
        ),
        Wait(id="cool_down", for_=1_800_000),
        Foreach(
            id="lines",
            items="data.lines",
            variable="line",
            concurrency=4,
            steps=(call("lines/price"), Group(id="lines/pack", steps=(call("lines/pack/box"),))),
        ),
        Loop(
            id="poll",
            until="data.shipped",
            every=30_000,
            max_iterations=100,
            steps=(
                call("poll/ask"),
                Decision(id="poll/enough", choose=(Choice(when="iteration > 50", goto=END),)),
                Step(id="poll/note", action=Log(message="not yet")),
            ),
        ),
        Parallel(
            id="notify",
            branches={
                "mail": (call("notify/mail"),),
                "sms": (Loop(id="notify/sms", while_="!data.sent", steps=(call("notify/sms/send"),)),),
            },
        ),
        Finish(id="early", when="data.fine"),
        Step(id="sum_up", action=Set(values={"total": "${ data.a }", "paid": True})),
        Decision(id="done", choose=(Choice(when="data.ok", goto=END),)),
        Fail(id="refuse", type="Refused", message="Too risky"),
    ),
)

HOSTILE = (
    '"quo\'ted" \\N \\l {a|b} ]--> <b>bold</b> <!-- & &amp; \n\r\n\t end `%%` #quot; ${ x } '
    "\x1b[31m \x00\x07 \u202e \ud800 😀 ]]>"
)

LONG = "data.total > 100 && " * 200 + "true"


def hostile_graph() -> Graph:
    """Gives a graph in which every text that a file can hold is hostile, ids included."""
    ids = [f"{HOSTILE}{number}" for number in range(6)]
    return Graph(
        workflow=HOSTILE,
        description=HOSTILE,
        steps=(
            Step(id=ids[0], action=Call(function=HOSTILE), when=LONG, description=HOSTILE),
            Decision(id=ids[1], choose=(Choice(when=HOSTILE, goto=ids[5]), Choice(when=LONG, goto=END))),
            Branch(
                id=ids[2],
                match=HOSTILE,
                cases=(Case(label=HOSTILE, value=HOSTILE, steps=(Step(id=ids[3], action=Log(message=HOSTILE)),)),),
            ),
            Parallel(id=ids[4], branches={HOSTILE: (), LONG: ()}),
            Fail(id=ids[5], type=HOSTILE, message={HOSTILE: LONG}),
        ),
    )


HOSTILE_STATE = NodeState(NodeStatus.failed, attempts=2, detail=HOSTILE)

EVERY_STATUS = {node.id: NodeState(status) for node, status in zip(ORDER.walk(), NodeStatus, strict=False)}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph that obeys the language: jumps go forward, to the decision's list or one around it, over no border."""
    counter = iter(range(10_000))

    def draw_list(prefix: str, depth: int, reachable: tuple[str, ...], least: int) -> tuple[Node, ...]:
        names = [f"{prefix}n{next(counter)}" for _ in range(draw(st.integers(least, 4 if depth else 2)))]
        return tuple(
            draw_node(node_id, depth, (*names[place + 1 :], *reachable)) for place, node_id in enumerate(names)
        )

    def draw_node(node_id: str, depth: int, later: tuple[str, ...]) -> Node:
        inner = f"{node_id}/"
        # Mostly none: each list of a `catch` may hold as much as any other.
        rows = draw(st.sampled_from([0, 0, 0, 1, 2])) if depth else 0
        caught = tuple(
            Catch(errors=("E",), rethrow=rethrow, steps=draw_list(f"{inner}catch/", 0, () if rethrow else later, 0))
            for rethrow in draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        )
        return msgspec.structs.replace(draw_kind(node_id, depth, later), catch=caught)

    def draw_kind(node_id: str, depth: int, later: tuple[str, ...]) -> Node:
        when = draw(st.sampled_from([None, None, "data.x"]))
        leaves = ["step", "step", "decision", "wait", "fail", "finish"]
        inner = f"{node_id}/"
        match draw(
            st.sampled_from(leaves + (["branch", "parallel", "foreach", "while", "until", "group"] if depth else []))
        ):
            case "decision":
                targets = draw(st.lists(st.sampled_from((END, *later)), min_size=1, max_size=3))
                return Decision(id=node_id, choose=tuple(Choice(when="data.x", goto=each) for each in targets))
            case "wait":
                after = draw(st.sampled_from([None, None, *(OnTimeout(goto=target) for target in (END, *later))]))
                return Wait(id=node_id, event=Event(name="paid"), timeout=1000, on_timeout=after, when=when)
            case "fail":
                return Fail(id=node_id, when=when)
            case "finish":
                return Finish(id=node_id, when=when)
            case "branch":
                cases = [
                    Case(label=f"case {number}", when="data.x", steps=draw_list(inner, depth - 1, later, 0))
                    for number in range(draw(st.integers(1, 3)))
                ]
                default = draw_list(inner, depth - 1, later, 0) if draw(st.booleans()) else None
                return Branch(id=node_id, cases=tuple(cases), default=default, when=when)
            case "parallel":
                branches = {
                    f"b{number}": draw_list(inner, depth - 1, (), 0) for number in range(draw(st.integers(1, 3)))
                }
                return Parallel(id=node_id, branches=branches, when=when)
            case "foreach":
                return Foreach(id=node_id, items="data.x", steps=draw_list(inner, depth - 1, (), 0), when=when)
            case "while":
                return Loop(id=node_id, while_="data.x", steps=draw_list(inner, depth - 1, later, 0), when=when)
            case "until":
                return Loop(id=node_id, until="data.x", every=1000, steps=draw_list(inner, depth - 1, later, 0))
            case "group":
                return Group(id=node_id, steps=draw_list(inner, depth - 1, later, 0), when=when)
            case _:
                return call(node_id, when=when)

    return Graph(workflow="any", steps=draw_list("", 3, (), 1), on_failure=draw_list("on_failure/", 0, (), 0))
