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
from tests.model.drawing import AT_ONCE, CAUGHT, HANGS, MOST_NODES, NEVER, Draw, Node, Place
from tests.model.meetings import Meetings
from tests.model.steps import HERE


@st.composite
def families(draw: Draw, meets: bool = True) -> list[dict[str, Any]]:
    """Draws the mappings of a workflow without mistakes, and of those that it starts.

    Unless it `meets` others, nothing in them waits for events or people, or sends.
    """
    first = Drawer(draw, "drawn", ("child_a", "child_b"), most=MOST_NODES, meets=meets)
    family = [first.document()]
    if "child_a" in first.calls:
        second = Drawer(draw, "child_a", ("child_b",), most=8, meets=meets)
        family.append(second.document())
        first.calls |= second.calls
    if "child_b" in first.calls:
        family.append(Drawer(draw, "child_b", (), most=6, meets=meets).document())
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


class Drawer(Meetings):
    """Draws one document."""

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
            closing = Place(depth=2, most=self._most, reads=CAUGHT, may_finish=False)
            document["on_failure"] = self.nodes(closing)
        if self._goes:
            steps.insert(0, {"step": "routes", "set": self._goes})
        return document | {"steps": steps}

    # -- lists

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
            *((self.outside, self.outside, self.emit) if self._meets else ()),
            self.journey,
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
            node |= {
                "match": self.pick("size(data) % 2", "size(data) % 2", self.asked("parity")),
                "cases": {"0": self.nodes(inside), "1": self.nodes(inside)},
            }
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
        if self.chance(12):
            node["in"] = self.pick("[]", "size(data)", self.asked("some"), self.asked("some"))
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
            if self.chance(50):
                node.pop("until", None), node.pop("while", None)
                node[self.pick("until", "while")] = self.asked("is_even", *(["breaks"] if self._fails else []))
        node["steps"] = self.nodes(self.inside(place, "${ iteration }"))
        return node | self.common(place)
