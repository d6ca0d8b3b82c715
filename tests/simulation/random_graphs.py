"""Graphs drawn from a seed: every kind of node, in any nesting, with the rules of the compiler kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import msgspec

from durable_dsl import graph as g
from tests.simulation.ledger import ACT, CHOOSE, IS_EVEN, JOURNEY, UNSTORABLE

EVEN = g.Function(call=IS_EVEN)
PIPELINE = "tests.simulation.ledger.pipeline"


@dataclass(frozen=True)
class _Place:
    """Where a list stands. `targets` are the later nodes that a jump may reach.

    `alone` is false where something else may run at the same time; `sheltered` is false where a failure would cut that
    off at a moment that chance decides.
    """

    prefix: str = ""
    depth: int = 0
    targets: tuple[str, ...] = ()
    names: tuple[Any, ...] = ()
    alone: bool = True
    sheltered: bool = True


class GraphDrawer:
    """Draws one graph. `is_racy` tells whether its outcome may depend on what comes first."""

    def __init__(self, seed: int, *, keep: int | None = None) -> None:
        self.is_racy = False
        self._keep = keep
        self._random = random.Random(f"graph {seed}")
        self._numbers: Iterator[int] = count(1)
        self._budget = 22
        self._fails = self._random.random() < 0.4

    def draw(self) -> g.Graph:
        """Gives the graph."""
        steps = self._list(_Place(), least=3)
        output = self._random.choice((None, {"all": "${ data }"}))
        timeout = None
        if self._chance(0.05):
            timeout, self.is_racy = self._random.choice((2_000, 60_000)), True
        on_failure = (
            self._list(_Place(prefix="on_failure/", depth=2, names=("${ error }",))) if self._chance(0.2) else ()
        )
        return g.Graph(
            workflow="drawn",
            steps=steps,
            output=output,
            reshapes=output is not None,
            timeout=timeout,
            on_failure=on_failure,
        )

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _list(self, place: _Place, least: int = 1) -> tuple[g.Node, ...]:
        """Draws a list from its end to its beginning, so that a decision knows what comes after it."""
        nodes: list[g.Node] = []
        for _ in range(self._random.randint(least, 4)):
            later = (*place.targets, *(node.id for node in nodes))
            nodes.append(self._node(replace(place, targets=later)))
            if self._budget <= 0:
                break
        return tuple(reversed(nodes))

    def _node(self, place: _Place) -> g.Node:
        self._budget -= 1
        kinds = [
            self._step,
            self._step,
            self._step,
            self._journey,
            self._set,
            self._pipeline,
            self._log,
            self._wait,
            self._decision,
        ]
        kinds += [self._wait_for_others, self._wait_for_others, self._emit, self._publish]
        if self._fails or not place.sheltered or not place.alone:
            kinds += [self._failing] * (1 if place.alone else 2)
        if self._chance(0.05):
            kinds = [self._finish]
        if place.depth < 3 and self._budget > 0 and self._chance(0.45):
            kinds = [
                self._branch,
                self._parallel,
                self._parallel,
                self._foreach,
                self._foreach,
                self._loop,
                self._group,
            ] + [self._saga] * (2 if self._fails else 0)
        return self._random.choice(kinds)(place)

    def _base(self, place: _Place, letter: str) -> dict[str, Any]:
        """Draws what every node has."""
        number = next(self._numbers)
        base: dict[str, Any] = {"id": f"{place.prefix}{letter}{number}"}
        if self._chance(0.15):
            base["when"] = self._random.choice(("true", "false", "size(data) % 2 == 0", EVEN))
        if self._chance(0.4):
            base["save"] = f"k{number}"
        if self._chance(0.1):
            base |= {"output": self._random.choice(("${ [result] }", {"was": "${ result }"}, None)), "reshapes": True}
        if self._chance(0.15):
            base["ignore_errors"] = True
        if self._budget > 0 and self._chance(0.2 if self._fails else 0.05):
            base["catch"] = tuple(self._row(place, base["id"]) for _ in range(self._random.randint(1, 2)))
        return base

    def _row(self, place: _Place, id: str) -> g.Catch:
        """Draws a row of a node's `catch`; its list stands where the node stands."""
        names = (*place.names, "${ error.type }", {"caught": "${ error }"})
        inside = replace(place, prefix=f"{id}/catch/", depth=place.depth + 1, names=names)
        return g.Catch(
            errors=self._random.choice(((), ("StepFailed",), ("OnPurpose", "Exception"), ("Timeout",))),
            when=self._random.choice((None, None, "error.attempt < 2")),
            compensate=self._chance(0.6),
            rethrow=self._chance(0.2),
            steps=self._list(inside),
        )

    def _value(self, place: _Place) -> Any:
        return self._random.choice((7, "text", 1.0, ["${ size(data) }"], {"z": 1, "a": [None, True]}, *place.names))

    # -- leaves

    def _step(self, place: _Place) -> g.Node:
        arguments: dict[str, Any] = {"value": self._value(place)}
        retry = g.ONE_ATTEMPT
        if self._chance(0.25):
            arguments["failures"] = self._random.randint(1, 2)
            retry = g.RetryPolicy(max_attempts=4, delay=self._random.choice((0, 30, 700)), jitter=0.5)
        action = g.Call(function=ACT, with_=arguments)
        return g.Step(**self._base(place, "s"), action=action, retry=retry, compensate=self._undo(place))

    def _undo(self, place: _Place) -> g.Compensation | None:
        """Draws what undoes a step: mostly an attempt that works, at once or later."""
        if not self._chance(0.6):
            return None
        if self._chance(0.1):
            return g.Compensation(action=g.Log(message="${ size(data) } keys, undone"))
        if self._chance(0.1):
            return g.Compensation(action=g.Call(function=PIPELINE))
        arguments: dict[str, Any] = {"value": self._random.choice(("${ [result, data] }", *place.names))}
        retry, timeout = g.ONE_ATTEMPT, None
        if self._chance(0.4):
            arguments["failures"] = self._random.choice((1, 2, 9, 9))
            retry = g.RetryPolicy(max_attempts=3, delay=self._random.choice((0, 30, 700)), jitter=0.5)
        elif self._chance(0.1):
            arguments["value"] = UNSTORABLE
        elif self._chance(0.1):
            arguments["delay"], timeout = 5.0, 400
        return g.Compensation(action=g.Call(function=ACT, with_=arguments), retry=retry, timeout=timeout)

    def _journey(self, place: _Place) -> g.Node:
        """A step whose function has sub-steps."""
        arguments: dict[str, Any] = {"value": self._value(place), "nap": self._random.choice((0, 0.2, 3))}
        retry = g.ONE_ATTEMPT
        if self._chance(0.4):
            arguments["failures"] = self._random.randint(1, 2)
            retry = g.RetryPolicy(max_attempts=3, delay=self._random.choice((0, 500)))
        base = self._base(place, "j")
        if self._chance(0.4):
            name = base["id"].rpartition("/")[2]
            arguments |= {"hears": name, "key": self._random.choice((None, f"key of {name}"))}
        return g.Step(**base, action=g.Call(function=JOURNEY, with_=arguments), retry=retry)

    def _failing(self, place: _Place) -> g.Node:
        """A step that fails for good, or a `fail`."""
        self._note_failure(place)
        base = self._base(place, "f")
        if self._chance(0.3):
            base = {"id": base["id"], "when": base.get("when")}
            return g.Fail(**base, type="OnPurpose", message="${ size(data) } keys", data={"why": "drawn"})
        never = g.RetryPolicy(max_attempts=5, except_=("StepFailed",))
        ways: tuple[tuple[dict[str, Any], g.RetryPolicy, int | None], ...] = (
            ({"failures": 9}, g.RetryPolicy(max_attempts=2, delay=20), None),
            ({"failures": 9, "error": "Fatal"}, g.RetryPolicy(max_attempts=5), None),
            ({"failures": 9}, never, None),
            ({"failures": 9}, g.RetryPolicy(max_attempts=5, when="error.attempt < 2", delay=0), None),
            ({"value": UNSTORABLE}, g.ONE_ATTEMPT, None),
            ({"delay": 5.0}, g.RetryPolicy(max_attempts=2, delay=10), 400),
        )
        arguments, retry, timeout = self._random.choice(ways)
        return g.Step(**base, action=g.Call(function=ACT, with_=arguments), retry=retry, timeout=timeout)

    def _note_failure(self, place: _Place) -> None:
        self.is_racy = self.is_racy or not place.sheltered

    def _set(self, place: _Place) -> g.Node:
        base = self._base(place, "v")
        key = "v" + base["id"].rpartition("/")[2][1:]
        values = {key: f"${{ data.?{key}.orValue(0) + 1 }}", f"{key}b": self._value(place)}
        return g.Step(**base, action=g.Set(values=values), compensate=self._undo(place))

    def _pipeline(self, place: _Place) -> g.Node:
        base = self._base(place, "p")
        if "save" not in base:
            base = {"id": base["id"], "when": base.get("when")}
        return g.Step(**base, action=g.Call(function=PIPELINE), compensate=self._undo(place))

    def _emit(self, place: _Place) -> g.Node:
        to = self._random.choice((None, "${ execution.id }"))
        key = "nobody's" if to is None else None
        return g.Step(**self._base(place, "m"), action=g.Emit(event="nobody", to=to, key=key, with_={"n": "${ 1 }"}))

    def _publish(self, place: _Place) -> g.Node:
        values = {"shown": "${ size(data) }", "other": "${ execution.id }"}
        return g.Step(**self._base(place, "show"), action=g.Publish(values=values))

    def _log(self, place: _Place) -> g.Node:
        return g.Step(**self._base(place, "l"), action=g.Log(message="${ size(data) } keys"))

    def _wait(self, place: _Place) -> g.Node:
        base = self._base(place, "w")
        if self._chance(0.3):
            second = self._random.randint(0, 9)
            instant = self._random.choice(("2029-12-31T23:00:00Z", f"2030-01-01T00:00:0{second}Z"))
            return g.Wait(**base, until_at=instant)
        if self._chance(0.1):
            self._note_failure(place)
            return g.Wait(**base, for_=3_000, timeout=500)
        return g.Wait(**base, for_=self._random.choice((0, 20, 900, 2_500, "${ '1s' }")))

    def _wait_for_others(self, place: _Place) -> g.Node:
        """Draws a wait for an event, for people or for several things; clients give what is open (`installation`)."""
        base = self._base(place, "a")
        timeout: dict[str, Any] = {}
        if self._chance(0.3):
            self.is_racy = True
            target = self._random.choice([g.END, *place.targets])
            after = self._random.choice((g.OnTimeout(value="late"), *[g.OnTimeout(goto=target)] * 3, None))
            timeout = {"timeout": self._random.choice((50, 50, 50, 4_000)), "on_timeout": after}
        kind = self._random.choice(("event", "ask", "any", "all"))
        number = base["id"].rpartition("/")[2]
        if kind in ("event", "ask"):
            awaited = self._awaited(kind, number)
            return g.Wait(**base, event=awaited.event, ask=awaited.ask, **timeout)
        self.is_racy = self.is_racy or kind == "any"
        labels = {
            label: self._awaited(self._random.choice(("event", "ask", "for_")), f"{number}.{label}")
            for label in ("one", "two", "three")[: self._random.randint(1, 3)]
        }
        return g.Wait(**base, any=labels if kind == "any" else {}, all=labels if kind == "all" else {}, **timeout)

    def _awaited(self, kind: str, name: str) -> g.Awaited:
        match kind:
            case "event":
                where = self._random.choice((None, "event.n > 0"))
                key = self._random.choice((None, f"key of {name}"))
                return g.Awaited(event=g.Event(name=name, key=key, where=where))
            case "ask":
                return g.Awaited(ask=g.Ask(kind="text", prompt="${ size(data) }?", assignees=["ada"]))
            case _:
                return g.Awaited(for_=self._random.choice((0, 700)))

    def _decision(self, place: _Place) -> g.Node:
        base: dict[str, Any] = {"id": self._base(place, "d")["id"]}
        targets = [g.END, *place.targets]
        if self._chance(0.4):
            return g.Decision(**base, call=CHOOSE, targets={"yes": self._random.choice(targets), "no": g.END})
        conditions = ("size(data) % 2 == 0", "true", "false", EVEN)
        rows = [
            g.Choice(when=self._random.choice(conditions), goto=self._random.choice(targets))
            for _ in range(self._random.randint(1, 2))
        ]
        return g.Decision(**base, choose=tuple(rows))

    def _finish(self, place: _Place) -> g.Node:
        self.is_racy = self.is_racy or not place.alone
        base: dict[str, Any] = {"id": self._base(place, "e")["id"]}
        base["when"] = self._random.choice((None, "size(data) % 3 == 0"))
        if self._chance(0.5):
            base |= {"output": {"early": "${ size(data) }"}, "reshapes": True}
        return g.Finish(**base)

    # -- containers

    def _inside(self, place: _Place, base: dict[str, Any], **changes: Any) -> _Place:
        return replace(place, prefix=base["id"] + "/", depth=place.depth + 1, **changes)

    def _timeout(self, share: float = 0.08) -> dict[str, Any]:
        if not self._chance(share):
            return {}
        self.is_racy = True
        return {"timeout": self._random.choice((100, 1_500, 20_000))}

    def _branch(self, place: _Place) -> g.Node:
        base = self._base(place, "b")
        inside = self._inside(place, base)
        if self._chance(0.5):
            cases = [g.Case(label="0", value="0", steps=self._list(inside)), g.Case(label="1", value="1")]
            return g.Branch(**base, match="size(data) % 2", cases=tuple(cases), **self._timeout())
        case = g.Case(label="c", when=self._random.choice((EVEN, "size(data) % 2 == 0")), steps=self._list(inside))
        default = None if self._fails and self._chance(0.3) else self._list(inside)
        if default is None:
            self._note_failure(place)
        return g.Branch(**base, cases=(case,), default=default, **self._timeout())

    def _group(self, place: _Place) -> g.Node:
        base = self._base(place, "g")
        return g.Group(**base, steps=self._list(self._inside(place, base)), **self._timeout())

    def _saga(self, place: _Place) -> g.Node:
        """A group that completes something, fails, and mostly undoes it."""
        base = {"save": None, **self._base(place, "u")} | {"when": None}
        inside = self._inside(place, base)
        steps = [step for step in (self._step(inside), self._set(inside)) if isinstance(step, g.Step)]
        done = [msgspec.structs.replace(step, compensate=self._undo(place) or step.compensate) for step in steps]
        more = self._list(inside) if self._budget > 0 else ()
        row = msgspec.structs.replace(self._row(place, base["id"]), compensate=self._chance(0.8))
        base["catch"] = (row,) if self._chance(0.8) else ()
        return g.Group(**base, steps=(*done, *more, self._failing(inside)), **self._timeout())

    def _parallel(self, place: _Place) -> g.Node:
        base = self._base(place, "x")
        kind = self._random.choice(("fail_fast", "complete_all", "any"))
        policy: dict[str, Any] = {"need": 1} if kind == "any" else {"on_error": kind}
        self.is_racy = self.is_racy or kind == "any"
        inside = self._inside(place, base, targets=(), alone=False, sheltered=kind == "complete_all")
        branches = {f"branch{number}": self._list(inside) for number in range(self._random.randint(1, 3))}
        return g.Parallel(**base, branches=branches, **policy, **self._timeout())

    def _foreach(self, place: _Place) -> g.Node:
        base = self._base(place, "i")
        variable = "item" + base["id"].rpartition("/")[2][1:]
        concurrency, on_error = self._random.choice((1, 1, 2, 5)), self._random.choice(("fail_fast", "complete_all"))
        names = (*place.names, f"${{ {variable} }}", "${ index }")
        alone = place.alone and concurrency == 1
        sheltered = on_error == "complete_all" or (place.sheltered and concurrency == 1)
        inside = self._inside(place, base, targets=(), names=names, alone=alone, sheltered=sheltered)
        items = self._random.choice(("[3, 1, 2]", "['a']", "[]", "[{'x': 1.5}, null, true, 'b', [1]]", "range(4)"))
        return g.Foreach(
            **base,
            items="[0, 1, 2, 3]" if items == "range(4)" else items,
            variable=variable,
            concurrency=concurrency,
            batch=self._random.choice((None, None, 2)),
            on_error=on_error,  # type: ignore[arg-type]
            steps=self._list(inside),
            **self._timeout(),
        )

    def _loop(self, place: _Place) -> g.Node:
        base = self._base(place, "o")
        turns = self._random.randint(0, 3) + (4 if self._keep is not None else 0)
        pause: dict[str, Any] = {}
        if self._chance(0.4):
            pause = {"every": self._random.choice((10, 800)), "factor": 2.0, "max_every": 1_000}
        limit: dict[str, Any] = {}
        if self._chance(0.2):
            limit = {"max_iterations": 2, "on_limit": self._random.choice(("fail", "continue"))}
            if turns >= 2 and limit["on_limit"] == "fail":
                self._note_failure(place)
        test: dict[str, Any] = {"until": f"iteration >= {turns}"}
        if self._chance(0.5):
            test = {"while_": f"iteration <= {turns}"}
        elif self._chance(0.2):
            # The answer may never change, so the limit ends it.
            test, limit = {"until": EVEN}, {"max_iterations": 2, "on_limit": "continue"}
        inside = self._inside(place, base, names=(*place.names, "${ iteration }"))
        return g.Loop(**base, **test, **pause, **limit, keep=self._keep, steps=self._list(inside), **self._timeout())
