"""Random documents of every shape, drawn by Hypothesis."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import strategies as st

from durable_dsl.document import (
    UNSET,
    Ask,
    Awaited,
    Backoff,
    Branch,
    Call,
    CancelOn,
    Case,
    Catch,
    Child,
    Choice,
    Compensation,
    Concurrency,
    Decision,
    Defaults,
    Emit,
    Event,
    Fail,
    Finish,
    Foreach,
    Function,
    Group,
    Http,
    Json,
    Log,
    Loop,
    Node,
    OnTimeout,
    Parallel,
    Publish,
    Retry,
    Schedule,
    Set,
    Shell,
    Sql,
    Start,
    Step,
    Unset,
    Use,
    Wait,
    Workflow,
    lists_of,
)

TRICKY = st.sampled_from(
    [
        "no", "on", "True", "true", "null", "~", "12:30", "010", "+1", "1e5", "-0.0", "2031-01-31", "<<",
        "=", "- x", "a: b", "a #b", "# b", "!x", "&x", "*x", "%x", "@x", "`x", "|", ">", "?", "? x", "[",
        "{", "}", "'", '"', 'a\'b"c', " lead", "trail ", "two\nlines", "ends\n", "\n", "\n\nx",
        "a\n\n\nb\n\n", " x\ny", "x\n y", "tab\tin", "\ttab", "\xe9\u20ac\U0001f600", "\x85", "\u2028",
        "a\u2029b", "\ufeff", "---", "--- a", "...", "a\n---\nb", "a \nb", "\r", "a\r\nb", "\\", "$${ x }",
        "",
    ]
)  # fmt: skip
TEXT = st.one_of(TRICKY, st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)).map(
    lambda text: text.replace("${", "$")
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
VALUES = PLAIN | st.sampled_from(
    ["${ data.x }", "so ${ input.y } far", {"deep": ["${ now }", "'${ 1 }'"]}, "${ 'a: b' }"]
)

CONDITIONS = st.sampled_from(
    ["data.x > 1", "true", "false", "has(data.y)", "!has(data.z)", "data.a ? data.b : data.c", "data.s == 'a: b #c'"]
)
FUNCTIONS = st.sampled_from(["shop.charge", "a.b.c"])
CALLED = st.builds(Function, FUNCTIONS)
TESTS = CONDITIONS | CALLED
DURATIONS = st.sampled_from(["250ms", "30s", "1h30m", "PT1H30M", "2w"])
SPANS = DURATIONS | st.just("${ data.span }")
LINES = st.sampled_from(["What it is for.", "Two\nlines.\n", "With: colon # and hash", "12"])
IDENTIFIERS = st.sampled_from(["x", "total", "Result2", "no", "on"])


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


RETRIES = st.builds(
    Retry,
    max_attempts=st.integers(1, 9),
    backoff=st.sampled_from(["exponential", "linear", "constant"]),
    delay=DURATIONS,
    factor=st.sampled_from([1, 2, 2.5, 3]),
    max_delay=DURATIONS,
    max_elapsed=maybe(DURATIONS),
    jitter=st.sampled_from([0, 0.25, 1, "full"]),
    only=st.sampled_from([(), ("Busy",), ("Busy", "no")]),
    except_=st.sampled_from([(), ("CardDeclined",)]),
    when=maybe(st.sampled_from(["error.type == 'Busy'", "true"])),
)
RETRY = st.none() | st.just(Retry(max_attempts=4)) | RETRIES | st.just("api")


ARGUMENTS = TEXT.filter(lambda text: text == "" or text.strip() != "")
TEXTS = st.dictionaries(st.sampled_from(["A", "no", "X_Y"]), ARGUMENTS, max_size=2)
DATABASES = maybe(st.sampled_from(["stock", "no"]))
REQUESTS = st.one_of(
    st.builds(
        Http,
        method=st.sampled_from(["GET", "DELETE"]),
        url=st.sampled_from(["https://example.org/?a=1#b", "${ data.url }"]),
        headers=TEXTS,
        query=st.dictionaries(TEXT, VALUES, max_size=2),
        expect=st.sampled_from([(), (200,), ("2xx", 404)]),
    ),
    st.builds(Http, method=st.just("PUT"), url=st.just("http://localhost"), json=VALUES | st.just(UNSET)),
    st.builds(Http, method=st.just("POST"), url=st.just("http://localhost"), body=LINES),
)

CONCURRENCY = st.builds(
    Concurrency,
    key=maybe(st.just("${ input.x }")),
    limit=st.integers(1, 3),
    on_conflict=st.sampled_from(["queue", "reject", "cancel_oldest"]),
)
CHILD: dict[str, Any] = {
    "workflow": st.sampled_from(["ship", "no"]),
    "with_": maybe(st.dictionaries(TEXT, VALUES, max_size=2)),
    "key": maybe(st.sampled_from(["no", "${ data.x }"])),
    "queue": maybe(st.sampled_from(["parcels", "on"])),
}
EMITTED = st.one_of(
    st.builds(Emit, event=st.just("a.b"), key=st.sampled_from(["no", "${ data.x }"]), with_=CHILD["with_"]),
    st.builds(Emit, event=st.just("no"), to=st.just("${ data.x }")),
)
COMPENSATIONS = st.one_of(
    st.builds(
        Compensation,
        action=st.one_of(REQUESTS, st.builds(Call, function=FUNCTIONS, with_=maybe(st.just({"x": "${ result }"})))),
        retry=RETRY,
        timeout=maybe(SPANS),
    ),
    st.builds(Compensation, action=st.builds(Log, message=st.just("undone"))),
)

EVENTS = st.builds(
    Event,
    name=st.sampled_from(["paid", "payment.succeeded"]),
    key=maybe(st.sampled_from(["${ data.x }", "no"])),
    where=maybe(st.sampled_from(["event.x > 1", "true"])),
)
ASKED: dict[str, Any] = {
    "prompt": maybe(LINES),
    "assignees": st.sampled_from([(), ("role:manager", "${ data.x }")]),
    "metadata": st.dictionaries(TEXT, VALUES, max_size=2),
}
ASKS = st.one_of(
    st.builds(Ask, kind=st.sampled_from(["approval", "text"]), **ASKED),
    st.builds(Ask, kind=st.just("choice"), choices=st.sampled_from([("no",), ("a b", "on")]), **ASKED),
    st.builds(Ask, kind=st.just("form"), fields=st.just({"no": {"type": "string"}}), **ASKED),
    st.builds(Ask, kind=st.just("json"), schema=st.sampled_from([None, {}, {"type": "array"}]), **ASKED),
)
TIMES = st.one_of(
    st.builds(Awaited, for_=SPANS),
    st.builds(Awaited, until_at=st.sampled_from(["2031-01-31T09:00:00Z", "${ input.at }"])),
)
AWAITED = st.one_of(TIMES, st.builds(Awaited, event=EVENTS), st.builds(Awaited, ask=ASKS))
LABELS = st.dictionaries(st.sampled_from(["paid", "no", "on"]), AWAITED, min_size=1)
AFTER = st.one_of(st.builds(OnTimeout, value=VALUES), st.just(OnTimeout(goto="end")))

ON_ERROR: st.SearchStrategy[Literal["fail_fast", "complete_all"]] = st.sampled_from(["fail_fast", "complete_all"])
LEAVES = ["step", "wait", "decision", "fail", "finish"]
CONTAINERS = ["branch", "rows", "parallel", "foreach", "loop", "group"]


class Drawing:
    """Draws the nodes of one workflow; names count up, so none is used twice."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def nodes(self, depth: int, least: int = 1) -> tuple[Node, ...]:
        return tuple(self.node(depth) for _ in range(self.draw(st.integers(least, 3 if depth else 2))))

    def common(self) -> dict[str, Any]:
        self.count += 1
        draw, name = self.draw, f"n{self.count}"
        output: Json | Unset = draw(st.just(UNSET) | VALUES)
        return self.errors() | {
            "name": name,
            "when": draw(maybe(TESTS)),
            "description": draw(maybe(LINES)),
            "output": output,
        }

    def errors(self) -> dict[str, Any]:
        rows = self.draw(st.sampled_from([0, 0, 0, 1, 2]))
        return {"catch": tuple(self.row() for _ in range(rows)), "ignore_errors": self.draw(st.booleans())}

    def row(self) -> Catch:
        draw, rethrow = self.draw, self.draw(st.booleans())
        return Catch(
            errors=draw(st.sampled_from([(), ("Busy",), ("no", "shop.errors.Busy")])),
            when=draw(maybe(st.sampled_from(["error.type == 'Busy'", "true"]))),
            compensate=draw(st.booleans()),
            rethrow=rethrow,
            steps=self.nodes(0, 0),
        )

    def node(self, depth: int) -> Node:
        draw, common = self.draw, self.common()
        kind = draw(st.sampled_from(LEAVES + CONTAINERS if depth else LEAVES))
        if kind in ("fail", "finish"):
            del common["catch"], common["ignore_errors"]
        if kind == "fail":
            del common["output"]
            return Fail(**common, type=draw(st.sampled_from(["Failed", "no"])), message=draw(VALUES), data=draw(VALUES))
        if kind == "finish":
            return Finish(**common)
        if kind == "decision":
            del common["output"]
            return self.decision(common)
        common |= {"save": draw(maybe(IDENTIFIERS))}
        if kind == "step":
            return self.step(common)
        common |= {"timeout": draw(maybe(SPANS))}
        match kind:
            case "wait":
                return self.wait(common)
            case "branch":
                values = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True))
                cases = tuple(Case(value=value, steps=self.nodes(depth - 1, 0)) for value in values)
                return Branch(
                    **common, match=draw(st.just("data.kind") | CALLED), cases=cases, default=self.maybe_nodes(depth)
                )
            case "rows":
                conditions = draw(st.lists(TESTS, min_size=1, max_size=3))
                cases = tuple(Case(when=when, steps=self.nodes(depth - 1, 0)) for when in conditions)
                return Branch(**common, cases=cases, default=self.maybe_nodes(depth))
            case "parallel":
                labels = draw(st.lists(st.sampled_from(["mail", "sms", "no", "on"]), min_size=2, unique=True))
                branches = {label: self.nodes(depth - 1) for label in labels}
                if draw(st.booleans()):
                    return Parallel(**common, branches=branches, join=draw(st.sampled_from(["all", "any", 1, 2])))
                return Parallel(**common, branches=branches, on_error=draw(ON_ERROR))
            case "foreach":
                return Foreach(
                    **common,
                    in_=draw(st.just("data.lines") | CALLED),
                    as_=f"item_{self.count}",
                    concurrency=draw(st.integers(1, 5)),
                    batch=draw(maybe(st.integers(1, 5))),
                    on_error=draw(ON_ERROR),
                    steps=self.nodes(depth - 1),
                )
            case "loop":
                return self.loop(common, depth)
            case _:
                return Group(**common, steps=self.nodes(depth - 1))

    def wait(self, common: dict[str, Any]) -> Wait:
        draw = self.draw
        if common["timeout"] is not None:
            common |= {"on_timeout": draw(maybe(AFTER))}
        match draw(st.sampled_from(["time", "event", "ask", "any", "all"])):
            case "time":
                common.pop("on_timeout", None)
                awaited = draw(TIMES)
                return Wait(**common, for_=awaited.for_, until_at=awaited.until_at)
            case "event":
                return Wait(**common, event=draw(EVENTS))
            case "ask":
                return Wait(**common, ask=draw(ASKS))
            case "any":
                return Wait(**common, any=draw(LABELS))
            case _:
                return Wait(**common, all=draw(LABELS))

    def decision(self, common: dict[str, Any]) -> Decision:
        if self.draw(st.booleans()):
            return Decision(**common, call=self.draw(FUNCTIONS), goto=("end",))
        rows = self.draw(st.lists(TESTS, min_size=1, max_size=3))
        return Decision(**common, choose=tuple(Choice(when=when, goto="end") for when in rows))

    def maybe_nodes(self, depth: int) -> tuple[Node, ...] | None:
        return self.nodes(depth - 1, 0) if self.draw(st.booleans()) else None

    def step(self, common: dict[str, Any]) -> Step:
        draw = self.draw
        kind = draw(
            st.sampled_from(["call", "set", "log", "http", "sql", "shell", "use", "child", "start", "emit", "publish"])
        )
        common |= {"compensate": draw(maybe(COMPENSATIONS))}
        if kind not in ("set", "log", "start", "emit", "publish"):
            common |= {"retry": draw(RETRY), "timeout": draw(maybe(SPANS))}
        match kind:
            case "http":
                return Step(**common, action=draw(REQUESTS))
            case "child":
                return Step(**common, action=draw(st.builds(Child, **CHILD)))
            case "start":
                return Step(**common, action=draw(st.builds(Start, **CHILD, attached=st.booleans())))
            case "emit":
                return Step(**common, action=draw(EMITTED))
            case "publish":
                values = draw(st.dictionaries(st.sampled_from(["x", "total_2", "no"]), VALUES, min_size=1))
                return Step(**common, action=Publish(values=values))
            case "sql":
                params = maybe(st.dictionaries(TEXT, VALUES, max_size=2) | st.lists(VALUES, max_size=2))
                query = draw(st.sampled_from(["select 1", "select\n  2\n"]))
                return Step(**common, action=Sql(query=query, params=draw(params), database=draw(DATABASES)))
            case "shell":
                command = ("ls", *draw(st.lists(ARGUMENTS, max_size=2)))
                return Step(**common, action=Shell(command=command, cwd=draw(maybe(LINES)), env=draw(TEXTS)))
            case "use":
                with_ = draw(maybe(st.dictionaries(IDENTIFIERS, VALUES, max_size=3)))
                return Step(**common, action=Use(plugin="slack.post", with_=with_))
            case "call":
                with_ = draw(maybe(st.dictionaries(IDENTIFIERS, VALUES, max_size=3)))
                action = Call(function=draw(FUNCTIONS), with_=with_)
                return Step(**common, action=action)
            case "set":
                values = draw(st.dictionaries(TEXT.filter(is_key), VALUES, min_size=1, max_size=3))
                return Step(**common, action=Set(values=values))
            case _:
                return Step(**common, action=Log(message=draw(VALUES.filter(lambda value: value is not None))))

    def loop(self, common: dict[str, Any], depth: int) -> Loop:
        draw = self.draw
        before, condition = draw(st.booleans()), draw(TESTS)
        every = draw(maybe(SPANS))
        backoff = draw(maybe(st.builds(Backoff, factor=st.sampled_from([1, 2, 2.5]), max=maybe(DURATIONS))))
        return Loop(
            **common,
            while_=condition if before else None,
            until=None if before else condition,
            every=every,
            backoff=backoff if every is not None else None,
            max_iterations=draw(st.sampled_from([1, 1000])),
            on_limit=draw(st.sampled_from(["fail", "continue"])),
            keep=draw(maybe(st.integers(1, 3))),
            steps=self.nodes(depth - 1),
        )


def is_key(text: str) -> bool:
    return text != "" and not text.startswith(("data.", "input."))


def has_finish(node: Node) -> bool:
    lists = [*(inner for _label, inner in lists_of(node)), *(row.steps for row in node.catch)]
    return isinstance(node, Finish) or any(has_finish(each) for inner in lists for each in inner)


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    drawing = Drawing(draw)
    return Workflow(
        name=draw(st.sampled_from(["order", "no", "on", "true"])),
        description=draw(maybe(LINES)),
        version=draw(maybe(st.sampled_from(["4", "1.10", "2031-01-31", "no"]))),
        timeout=draw(maybe(SPANS)),
        queue=draw(st.sampled_from(["default", "orders", "no"])),
        priority=draw(st.integers(-3, 3)),
        input=draw(maybe(st.sampled_from([{"type": "object", "properties": {"no": {"enum": ["on", "12:30", 1]}}}]))),
        output=draw(st.just(UNSET) | VALUES),
        defaults=draw(st.builds(Defaults, retry=RETRY, timeout=maybe(DURATIONS))),
        retries={"api": draw(RETRIES), **draw(st.dictionaries(st.sampled_from(["no", "on"]), RETRIES))},
        constants=draw(st.dictionaries(TEXT, PLAIN, max_size=3)),
        secrets=tuple(draw(st.lists(st.sampled_from(["KEY", "other_key", "T1"]), unique=True))),
        concurrency=draw(maybe(CONCURRENCY)),
        cancel_on=draw(st.sampled_from([(), (CancelOn(event="no", key="${ input.x }", compensate=True),)])),
        schedules=draw(st.sampled_from([(), (Schedule(name="no", cron="0 2 * * 1-5", input={"a": 1}),)])),
        steps=drawing.nodes(3),
        on_failure=tuple(node for node in drawing.nodes(1, 0) if not has_finish(node)),
    )
