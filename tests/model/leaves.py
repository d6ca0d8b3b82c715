"""The nodes of a drawn document that hold no others."""

from __future__ import annotations

from typing import Any

from tests.model.drawing import AT_ONCE, ERRORS, HANGS, NEVER, Node, Place
from tests.model.pieces import Pieces
from tests.model.steps import HERE


class Leaves(Pieces):
    """Draws steps, decisions, plain waits, and ends."""

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

    def too_late(self, place: Place) -> Node:
        """Draws what follows when a wait took too long: a failure, a value, a jump."""
        match self.pick("fail", "value", "goto", "goto"):
            case "value":
                return {"on_timeout": {"value": self.value(place)}}
            case "goto":
                return {"on_timeout": {"goto": self.pick("end", *place.targets)}}
            case _:
                return {}

    def journey(self, place: Place) -> Node:
        """Draws a step whose function makes calls of its own."""
        node: Node = {"step": self.name("j"), "call": f"{HERE}.journey"}
        calls = [self.call(place) for _ in range(self.number(1, 4))]
        arguments: Node = {"calls": calls}
        if self.chance(30):
            node["retry"] = {"max_attempts": 3, "delay": self.pick("0ms", "700ms")}
            arguments["failures"] = self.number(1, 2)
        elif self._fails and self.chance(30):
            node["retry"] = {"max_attempts": self.number(1, 3), "delay": "30ms"}
            calls[-1] |= {"salt": self.number(0, 50)}
        if self.chance(40 if self._undoes else 5):
            node["compensate"] = self.compensation(place)
        return node | {"with": arguments} | self.common(place)

    def call(self, place: Place) -> Node:
        """Draws one call of such a function: a sub-step, a sleep."""
        name = self.pick("look", "ask", "look")
        if self.chance(30):
            return {"name": name + "_nap", "sleep": self.pick("0ms", "40ms", "900ms")}
        call: Node = {"name": name, "value": self.value(place)}
        if self.chance(25):
            call |= {"failures": self.number(1, 2), "attempts": 3}
        elif self.chance(15):
            call |= {"failures": 9, "attempts": self.number(1, 2), "caught": True}
        elif self._fails and self.chance(15):
            call |= {"stumbles": 1, "value": None}
        return call

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
