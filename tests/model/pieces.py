"""What every node of a drawn document may have: conditions, values, catches, policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.model.drawing import CAUGHT, Chance, Draw, Node, Place
from tests.model.steps import HERE


class Pieces(Chance):
    """Draws pieces of one document's nodes, which may start workflows of the names in `children`.

    `calls` are those that it does start.
    """

    def __init__(self, draw: Draw, workflow: str, children: tuple[str, ...], *, most: int, meets: bool) -> None:
        self.calls: set[str] = set()
        super().__init__(draw)
        self._workflow = workflow
        self._children = children
        self._most = most
        self._meets = meets
        self._number = 0
        self._keys: list[str] = []
        self._goes: dict[str, str | None] = {}
        self._fails = not self.chance(35)
        self._undoes = self._fails and self.chance(60)

    def nodes(self, place: Place, least: int = 1) -> list[Node]:
        """Draws a list."""
        raise NotImplementedError

    def name(self, letter: str) -> str:
        self._number += 1
        return f"{letter}{self._number}"

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
        inside = replace(place, depth=place.depth + 1, targets=targets, reads=(*place.reads, *CAUGHT), in_catch=True)
        row["steps"] = [] if self.chance(15) and not row.get("rethrow") else self.nodes(inside)
        return row

    def condition(self, place: Place) -> Any:
        """Draws an expression over the data, or a function that is asked about them."""
        known = [f"has(data.{key})" for key in self._keys[-3:]]
        if self.chance(15):
            return self.asked("is_even", "is_even", *(["breaks"] if self._fails else []))
        return str(self.pick("size(data) % 2 == 0", "size(data) >= 0", "size(data) < 0", "size(data) < 4", *known))

    def asked(self, *functions: str) -> Node:
        """Draws a function that stands in place of an expression."""
        return {"call": f"{HERE}.{self.pick(*functions)}"}

    def value(self, place: Place) -> Any:
        known = [f"${{ data.?{key}.orValue('none') }}" for key in self._keys[-3:]]
        return self.pick(7, "text", 1.0, {"z": 1, "a": [None, True]}, ["${ size(data) }"], *place.reads, *known)

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
