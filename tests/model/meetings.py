"""The nodes of a drawn document that meet others: waits for events and people, and steps that send events."""

from __future__ import annotations

from tests.model.drawing import AT_ONCE, NEVER, Node, Place
from tests.model.leaves import Leaves
from tests.model.waited import BY_KEY, EARLY, TOLD


class Meetings(Leaves):
    """Draws what is sent and awaited."""

    def outside(self, place: Place) -> Node:
        """Draws a wait for what comes from outside: an event, an answer, any or all of several."""
        node: Node = {"wait": self.name("h")}
        if self.counts(place) and self.chance(60):
            node["event"] = self.pick(EARLY, BY_KEY)
            if node["event"] == BY_KEY:
                node["key"] = "${ execution.id }"
            if self.chance(30):
                node["where"] = "event.n == 1 || event.n > 3"
            return node | {"save": f"k{self._number}"}
        way = self.pick("event", "ask", "any", "all")
        if way in ("any", "all"):
            node[way] = {label: self.awaited() for label in ("one", "two", "three")[: self.number(1, 3)]}
        else:
            node |= self.awaited(way)
        if self.chance(35):
            node |= {"timeout": self.pick(AT_ONCE, AT_ONCE, NEVER)} | self.too_late(place)
        return node | self.common(place)

    def awaited(self, way: str | None = None) -> Node:
        match way or self.pick("event", "ask", "for"):
            case "event":
                where = {"where": "event.n == 1"} if self.chance(30) else {}
                key = {"key": self.pick("${ execution.id }", "everyone")} if self.chance(40) else {}
                return {"event": self.pick("order.paid", "order.sent", "nudge"), **key, **where}
            case "ask":
                return {"ask": "text", "prompt": "How many of ${ size(data) }?"}
            case _:
                return {"for": self.pick("30ms", "900ms")}

    def counts(self, place: Place) -> bool:
        """Whether it is known here what has been sent and taken before: nothing runs beside it, nothing runs twice."""
        return place.alone and place.may_finish and not place.in_catch and self._workflow == "drawn"

    def emit(self, place: Place) -> Node:
        """Draws a step that sends an event: to its own execution, by its own key, or to nobody."""
        # What a `catch` has undone may run again when the failure is taken back, and would send again.
        way = self.pick("nobody", "to", "key") if self.counts(place) and place.depth == 0 else "nobody"
        node: Node = {"step": self.name("m" if way == "nobody" else "q"), "with": {"n": "${ size(data) + 7 }"}}
        match way:
            case "to":
                node |= {"emit": EARLY, "to": "${ execution.id }"}
            case "key":
                node |= {"emit": BY_KEY, "key": "${ execution.id }"}
            case _:
                node |= {"emit": TOLD, "key": "${ execution.id }"}
        return node | self.common(place, likely=4)
