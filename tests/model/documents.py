"""Documents drawn by Hypothesis: every kind of node in any nesting, as the mapping that a file would hold.

What no model can foretell is not drawn; README.md lists it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import event, reject
from hypothesis import strategies as st

from durable_dsl import DslError, compile_text
from tests.model.drawing import AT_ONCE, ERRORS, HANGS, MOST_NODES, NEVER, Chance, Draw, Node, Place
from tests.model.steps import HERE
from tests.model.waited import EARLY


@st.composite
def families(draw: Draw) -> list[dict[str, Any]]:
    """Draws the mappings of a workflow without mistakes, and of those that it starts."""
    first = Drawer(draw, "drawn", ("child_a", "child_b"), most=MOST_NODES)
    family = [first.document()]
    if "child_a" in first.calls:
        second = Drawer(draw, "child_a", ("child_b",), most=8)
        family.append(second.document())
        first.calls |= second.calls
    if "child_b" in first.calls:
        family.append(Drawer(draw, "child_b", (), most=6).document())
    if "hangs" in first.calls:
        family.append({"workflow": "hangs", "steps": [{"wait": "for_ever", "for": HANGS}]})
    for document in family:
        try:
            compile_text(json.dumps(document))
        except DslError as error:
            event(f"mistake {error.problems[0].code}")
            reject()
    return family


def inputs() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(({}, {"n": 1}, {"n": 2, "m": "text"}, {"n": [1, {"z": 1.0, "a": None}]}))


class Drawer(Chance):
    """Draws one document, which may start workflows of these names; `calls` are those that it does start."""

    def __init__(self, draw: Draw, workflow: str, children: tuple[str, ...], *, most: int) -> None:
        self.calls: set[str] = set()
        super().__init__(draw)
        self._workflow = workflow
        self._children = children
        self._most = most
        self._number = 0
        self._keys: list[str] = []
        self._goes: dict[str, str | None] = {}
        self._fails = not self.chance(35)
        self._undoes = self._fails and self.chance(60)

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"workflow": self._workflow}
        steps = self.nodes(Place(most=self._most), least=2 if self._most < MOST_NODES else 4)
        if self.chance(10):
            document["timeout"] = NEVER
        elif self.chance(5):
            document["timeout"] = AT_ONCE
            steps = [*self.quiet_nodes(), {"wait": self.name("w"), "for": HANGS}]
        if self.chance(30):
            document["output"] = {"all": "${ data }", "n": "${ input.?n.orValue(0) }"}
        # What a timeout of everything cuts off may have changed the data or not, so nobody looks at them then.
        if document.get("timeout") != AT_ONCE and self.chance(25):
            closing = Place(depth=2, most=self._most, reads=self.error_reads(), may_finish=False)
            document["on_failure"] = self.nodes(closing)
        if self._goes:
            steps.insert(0, {"step": "routes", "set": self._goes})
        return document | {"steps": steps}

    # -- lists

    def name(self, letter: str) -> str:
        self._number += 1
        return f"{letter}{self._number}"

    def nodes(self, place: Place, least: int = 1) -> list[Node]:
        """Draws a list from its end to its beginning, so that a decision knows what comes after it."""
        nodes: list[Node] = []
        count = self.number(least, 5)
        share = max(2, (place.most - self._number) // (count - 1 or 1))
        for _ in range(count):
            later = (*place.targets, *(next(iter(node.values())) for node in nodes))
            nodes.insert(0, self.node(replace(place, targets=later, most=self._number + share)))
            if self._number >= place.most and len(nodes) >= least:
                break
        return nodes

    def quiet_nodes(self) -> list[Node]:
        """Draws nodes that change nothing, for lists that a timeout cuts off wherever they are."""
        quiet: list[Node] = []
        for _ in range(self.number(0, 2)):
            log = {"step": self.name("l"), "log": "${ size(data) } keys"}
            call = {"step": self.name("s"), "call": f"{HERE}.act", "with": {"value": 1}}
            quiet.append(self.pick(log, call))
        return quiet

    def node(self, place: Place) -> Node:
        kinds = [
            self.step,
            self.step,
            self.step,
            self.step,
            self.set,
            self.pipeline,
            self.log,
            self.wait,
            self.outside,
            self.decision,
        ]
        if self._children:
            kinds += [self.child, self.child]
        if self._fails:
            kinds += [self.failing, self.failing, *([self.fail] if place.depth else [])]
        if place.may_finish and self.chance(4):
            kinds = [self.finish]
        elif place.depth < 3 and self._number < place.most - 1 and self.chance(50):
            kinds = [self.group, self.branch, self.parallel, self.parallel, self.foreach, self.foreach, self.loop]
        return self._draw(st.sampled_from(kinds))(place)  # type: ignore[no-any-return]

    def common(self, place: Place, likely: int = 30) -> Node:
        """Draws what every node may have; `likely` is the chance, in percent, that it catches errors."""
        common: Node = {}
        if self.chance(10):
            common["when"] = self.condition(place)
        if self.chance(55):
            common["save"] = f"k{self._number}"
            self._keys.append(common["save"])
            if self.chance(15):
                common["output"] = self.pick("${ [result] }", {"was": "${ result }"}, None)
        if self.chance(likely // 2):
            common["ignore_errors"] = True
        if self._number < place.most and (self.chance(likely) if self._fails else self.chance(4)):
            rows = [self.row(place) for _ in range(self.number(1, 2))]
            if len(rows) == 2:
                rows[0] = {"errors": self.pick(["Exception"], ["StepFailed", "OnPurpose"], ["Declined"])} | rows[0]
            common["catch"] = rows
        return common

    def error_reads(self) -> tuple[str, ...]:
        return ("${ error.type }", "${ error.node }", "${ error.attempt }")

    def row(self, place: Place) -> Node:
        row: Node = {}
        errors = self.pick([], [], ["StepFailed"], ["Exception", "OnPurpose"], ["Timeout", "Declined"], ["JoinFailed"])
        if errors:
            row["errors"] = errors
        if self.chance(20):
            row["when"] = self.pick("error.attempt < 2", "error.type != 'Fatal'")
        if self.chance(20):
            row["rethrow"] = True
        if place.alone and self.chance(60 if self._undoes else 0):
            row["compensate"] = True
        targets = () if row.get("rethrow") else place.targets
        inside = replace(place, depth=place.depth + 1, targets=targets, reads=(*place.reads, *self.error_reads()))
        row["steps"] = [] if self.chance(15) and not row.get("rethrow") else self.nodes(inside)
        return row

    def condition(self, place: Place) -> str:
        known = [f"has(data.{key})" for key in self._keys[-3:]]
        return str(self.pick("size(data) % 2 == 0", "size(data) >= 0", "size(data) < 0", "size(data) < 4", *known))

    def value(self, place: Place) -> Any:
        known = [f"${{ data.?{key}.orValue('none') }}" for key in self._keys[-3:]]
        return self.pick(7, "text", 1.0, {"z": 1, "a": [None, True]}, ["${ size(data) }"], *place.reads, *known)

    # -- leaves

    def retry(self) -> Node:
        policy: Node = {"max_attempts": self.number(1, 4), "delay": self.pick("0ms", "30ms", "700ms")}
        if self.chance(20):
            policy["backoff"] = self.pick("linear", "constant")
        if self.chance(20):
            policy["jitter"] = "full"
        if self.chance(15):
            policy["only"] = [self.pick("StepFailed", "Declined")]
        elif self.chance(15):
            policy["except"] = [self.pick("Declined", "StepFailed")]
        if self.chance(15):
            policy["when"] = "error.attempt < 2"
        return policy

    def step(self, place: Place) -> Node:
        node: Node = {"step": self.name("s"), "call": f"{HERE}.act"}
        arguments: Node = {"value": self.value(place)}
        if self.chance(25):
            node["retry"] = self.retry() | {"max_attempts": 4}
            arguments["failures"] = self.number(1, 2)
        elif self._fails and self.chance(30):
            # How often it fails depends on the path, so that it differs among items and turns.
            node["retry"] = self.retry()
            arguments["salt"] = self.number(0, 50)
        if self.chance(10):
            node["timeout"] = NEVER
        if self.chance(40 if self._undoes else 5):
            node["compensate"] = self.compensation(place)
        return node | {"with": arguments} | self.common(place)

    def child(self, place: Place) -> Node:
        """Draws a step that runs another workflow and waits for it, or starts one and carries on."""
        way = self.pick("workflow", "workflow", "workflow", "start")
        node: Node = {"step": self.name("c" if way == "workflow" else "z")}
        called = self.pick(*self._children)
        if self._fails and way == "workflow" and self.chance(15):
            called = "hangs"
            node["timeout"] = AT_ONCE
        self.calls.add(called)
        node |= {way: called, "with": {"n": self.value(place)}}
        if way == "workflow" and self.chance(25):
            node["retry"] = {"max_attempts": 2, "delay": self.pick("0ms", "700ms")}
        return node | self.common(place, likely=45)

    def compensation(self, place: Place) -> Any:
        undo: Node = {"call": f"{HERE}.{self.pick('act', 'act', 'pipeline')}"}
        if undo["call"].endswith("act"):
            undo["with"] = {"value": self.pick("${ result }", ["${ size(data) }"], *place.reads)}
            if self.chance(30):
                undo["with"] |= {"salt": self.number(0, 50)}
                undo["retry"] = {"max_attempts": 3, "delay": self.pick("0ms", "700ms")}
        return undo

    def failing(self, place: Place) -> Node:
        node: Node = {"step": self.name("f"), "call": f"{HERE}.act"}
        way = self.pick("always", "error", "hangs", "unstorable", "expression")
        if way == "hangs":
            node |= {"with": {"hangs": True}, "timeout": AT_ONCE, "retry": {"max_attempts": 2, "delay": "10ms"}}
        elif way == "unstorable":
            node["with"] = {"unstorable": True}
        elif way == "expression":
            node["with"] = {"value": "${ data.nothing_of_this_name }"}
        else:
            error = "StepFailed" if way == "always" else self.pick(*ERRORS)
            node |= {"with": {"failures": 9, "error": error}, "retry": self.retry()}
        return node | self.common(place, likely=65)

    def fail(self, place: Place) -> Node:
        node = {"fail": self.name("x"), "type": self.pick("OnPurpose", "Declined"), "message": "${ size(data) } keys"}
        return node | {"data": {"why": "drawn"}, "when": self.condition(place)}

    def set(self, place: Place) -> Node:
        name = self.name("v")
        values = {name: f"${{ data.?{name}.orValue(0) + 1 }}", f"{name}b": self.value(place)}
        return {"step": name, "set": values} | self.common(place)

    def pipeline(self, place: Place) -> Node:
        node = {"step": self.name("p"), "call": f"{HERE}.{self.pick('pipeline', 'pipeline', 'same_key')}"}
        common = self.common(place)
        if "save" not in common:
            common.pop("output", None)
        return node | common

    def log(self, place: Place) -> Node:
        return {"step": self.name("l"), "log": "${ size(data) } keys"} | self.common(place, likely=4)

    def wait(self, place: Place) -> Node:
        node: Node = {"wait": self.name("w")}
        way = self.pick("for", "for", "at", "late") if self._fails else self.pick("for", "at")
        if way == "late":
            node |= {"for": HANGS, "timeout": AT_ONCE}
        elif way == "at":
            node["at"] = self.pick("2020-12-31T23:00:00Z", "2021-01-01T01:00:00+01:00")
        else:
            node["for"] = self.pick("0ms", "20ms", "900ms", "${ '30ms' }")
            if self.chance(20):
                node["timeout"] = NEVER
        return node | self.common(place)

    def outside(self, place: Place) -> Node:
        """Draws a wait for what comes from outside: an event, an answer, any or all of several."""
        node: Node = {"wait": self.name("h")}
        if place.alone and place.may_finish and self._workflow == "drawn" and self.chance(60):
            return node | {"event": EARLY, "save": f"k{self._number}"}
        way = self.pick("event", "ask", "any", "all")
        if way in ("any", "all"):
            node[way] = {label: self.awaited() for label in ("one", "two", "three")[: self.number(1, 3)]}
        else:
            node |= self.awaited(way)
        if self.chance(15):
            node |= {"timeout": self.pick(NEVER, AT_ONCE if self._fails else NEVER)}
            if self.chance(50):
                node["on_timeout"] = {"value": self.value(place)}
        return node | self.common(place)

    def awaited(self, way: str | None = None) -> Node:
        match way or self.pick("event", "ask", "for"):
            case "event":
                where = {"where": "event.n == 1"} if self.chance(30) else {}
                return {"event": self.pick("order.paid", "order.sent", "nudge"), **where}
            case "ask":
                return {"ask": "text", "prompt": "How many of ${ size(data) }?"}
            case _:
                return {"for": self.pick("30ms", "900ms")}

    def decision(self, place: Place) -> Node:
        name = self.name("d")
        targets = ["end", *place.targets]
        if self.chance(35):
            goto = sorted({self.pick(*targets), self.pick(*targets)})
            self._goes[f"from_{name}"] = self.pick(*goto, None, *(["nowhere"] if self._fails else []))
            return {"decision": name, "call": f"{HERE}.choose", "goto": goto}
        rows = [{"when": self.condition(place), "goto": self.pick(*targets)} for _ in range(self.number(1, 2))]
        return {"decision": name, "choose": rows}

    def finish(self, place: Place) -> Node:
        node: Node = {"finish": self.name("e"), "when": self.condition(place)}
        if self.chance(50):
            node["output"] = {"early": "${ size(data) }"}
        return node

    # -- containers

    def inside(self, place: Place, *reads: str, closed: bool = False) -> Place:
        targets = () if closed else place.targets
        alone = place.alone and not closed
        return replace(place, depth=place.depth + 1, targets=targets, reads=(*place.reads, *reads), alone=alone)

    def late(self, node: Node, hang: Callable[[], None]) -> None:
        """Gives a container a timeout: one that never comes, or one that does, with something in it that hangs."""
        if self.chance(8):
            node["timeout"] = NEVER
        elif self._fails and self.chance(10):
            node["timeout"] = AT_ONCE
            hang()

    def group(self, place: Place) -> Node:
        node: Node = {"group": self.name("g")}
        node["steps"] = self.nodes(self.inside(place))

        def hang() -> None:
            node["steps"] = [*self.quiet_nodes(), {"wait": self.name("w"), "for": HANGS}]

        self.late(node, hang)
        return node | self.common(place)

    def branch(self, place: Place) -> Node:
        node: Node = {"branch": self.name("b")}
        inside = self.inside(place)
        if self.chance(50):
            node |= {"match": "size(data) % 2", "cases": {"0": self.nodes(inside), "1": self.nodes(inside)}}
        else:
            node["cases"] = [{"when": self.condition(place), "steps": self.nodes(inside)}]
            if not (self._fails and self.chance(30)):
                node["default"] = [] if self.chance(40) else self.nodes(inside)
        return node | self.common(place)

    def parallel(self, place: Place) -> Node:
        node: Node = {"parallel": self.name("y")}
        inside = self.inside(place, closed=True)
        branches = {f"way{number}": self.nodes(inside) for number in range(self.number(1, 3))}
        node["branches"] = branches
        policy = self.pick("none", "complete_all", "any", "some")
        if policy == "complete_all":
            node["on_error"] = "complete_all"
        elif policy == "any":
            node["join"] = "any"
        elif policy == "some" and len(branches) > 1:
            node["join"] = {"at_least": len(branches) - 1}

        def hang() -> None:
            branches["way0"] = [*self.quiet_nodes(), {"wait": self.name("w"), "for": HANGS}]

        self.late(node, hang)
        return node | self.common(place)

    def foreach(self, place: Place) -> Node:
        name = self.name("i")
        node: Node = {"foreach": name, "as": f"item_{name}"}
        node["in"] = self.pick("[3, 1, 2]", "[{'x': 1.5}, null, true, 'b', [1]]", "['a']", "[0, 1, 2, 3]")
        if self.chance(8):
            node["in"] = self.pick("[]", "size(data)")
        if self.chance(60):
            node["concurrency"] = self.number(2, 4)
        if self.chance(20):
            node["batch"] = 2
        if self.chance(50):
            node["on_error"] = "complete_all"
        node["steps"] = self.nodes(self.inside(place, f"${{ item_{name} }}", "${ index }", closed=True))
        return node | self.common(place)

    def loop(self, place: Place) -> Node:
        node: Node = {"loop": self.name("o")}
        turns = self.number(0, 3)
        node |= self.pick({"until": f"iteration >= {turns}"}, {"while": f"iteration <= {turns}"})
        if self.chance(30):
            node["every"] = self.pick("10ms", "800ms")
            if self.chance(50):
                node["backoff"] = {"factor": 2, "max": "1s"}
        if self.chance(20):
            node |= {"max_iterations": 2, "on_limit": self.pick("continue", "fail")}
        node["steps"] = self.nodes(self.inside(place, "${ iteration }"))
        return node | self.common(place)
