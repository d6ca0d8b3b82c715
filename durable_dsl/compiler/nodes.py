"""Document nodes to graph nodes: ids, durations, policies, targets and texts, one list at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, assert_never

import msgspec

from durable_dsl import document, graph
from durable_dsl.compiler.actions import compile_action
from durable_dsl.compiler.policies import has_expression, milliseconds, retry_policy
from durable_dsl.compiler.scope import Scope
from durable_dsl.compiler.secrets import check_secrets
from durable_dsl.compiler.targets import BadTarget, Level, resolve
from durable_dsl.compiler.texts import check_expression, check_instant, check_value
from durable_dsl.document.plain import action_word, plain_json
from durable_dsl.errors import Position
from durable_dsl.findings import Findings
from durable_dsl.places import KEY, Path

_TARGET_CODES = {"unknown": "W103", "backward": "W104", "border": "W105", "inside": "W105"}


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a node: its path in the document, the names it sees, the lists around it."""

    path: Path
    scope: Scope
    level: Level
    at: Position | None = None

    def field(self, *keys: str | int) -> Path:
        return (*self.path, *keys)


@dataclass(slots=True)
class NodeCompiler:
    """Compiles the nodes of one workflow; problems go to `findings`, and compiling goes on to find more.

    `ids` has the id of every name, `paths` the path in the document of every node by its identity.
    """

    findings: Findings
    ids: dict[str, str]
    paths: dict[int, Path]
    retries: dict[str, graph.RetryPolicy]
    secrets: tuple[str, ...] = ()
    default_retry: graph.RetryPolicy = graph.ONE_ATTEMPT
    default_timeout: graph.Span | None = None
    _first: dict[str, Path] = field(default_factory=dict)

    def nodes(
        self,
        nodes: tuple[document.Node, ...],
        scope: Scope,
        *,
        prefix: str = "",
        outer: Level | None = None,
        border: str | None = None,
    ) -> tuple[graph.Node, ...]:
        """Compiles one list."""
        names = tuple(node.name for node in nodes)
        compiled: list[graph.Node] = []
        for index, node in enumerate(nodes):
            place = Place(
                path=self.paths[id(node)],
                scope=scope,
                level=Level(prefix, names, index, outer, border),
                at=node.at,
            )
            self._check_name(node, place)
            compiled.append(self._with_catch(self._node(node, place), node, place))
        return tuple(compiled)

    def _check_name(self, node: document.Node, place: Place) -> None:
        """Refuses what would give two nodes one id, in the words of the reader, which sees most documents first."""
        path = place.field(type(node).__name__.lower())
        if node.name == graph.END:
            message = "'end' is where a jump to the end of a list goes, so no node can be called so"
            self.findings.add("W024", message, self.findings.place(path, node.at))
        elif node.name in self._first:
            first = self.findings.place(self._first[node.name])
            hint = f"the first is in line {first.line}" if first else "names are unique within a workflow"
            self.findings.add(
                "W023", f"the name '{node.name}' is used twice", self.findings.place(path, node.at), hint=hint
            )
        else:
            self._first[node.name] = path

    def _node(self, node: document.Node, place: Place) -> graph.Node:
        shared = self._shared(node, place)
        match node:
            case document.Step():
                return self._step(node, place, shared)
            case document.Decision():
                return self._decision(node, place, shared)
            case document.Branch():
                return self._branch(node, place, shared)
            case document.Parallel():
                return self._parallel(node, place, shared)
            case document.Foreach():
                return self._foreach(node, place, shared)
            case document.Loop():
                return self._loop(node, place, shared)
            case document.Wait():
                return self._wait(node, place, shared)
            case document.Group():
                return graph.Group(**shared, steps=self._inner(node.steps, place))
            case document.Fail():
                for key, value in (("message", node.message), ("data", node.data)):
                    check_value(value, place.field(key), place.at, place.scope, self.findings)
                return graph.Fail(**shared, type=node.type, message=node.message, data=node.data)
            case document.Finish():
                return graph.Finish(**shared)
            case _:
                assert_never(node)

    def _with_catch(self, compiled: graph.Node, node: document.Node, place: Place) -> graph.Node:
        if not node.catch:
            return compiled
        inner = place.scope.with_error()
        # A jump out of a list whose error is passed on would leave it open whether it still is.
        border = f"a 'catch' of '{node.name}' that passes the error on"
        self._refuse_cancelled(node, place)
        rows = [
            graph.Catch(
                errors=row.errors,
                when=self._condition(
                    row.when, replace(place, at=row.at or place.at), "catch", index, "when", scope=inner
                ),
                compensate=row.compensate,
                rethrow=row.rethrow,
                steps=self._inner(row.steps, place, inner, border if row.rethrow else None, below="/catch/"),
            )
            for index, row in enumerate(node.catch)
        ]
        return msgspec.structs.replace(compiled, catch=tuple(rows))

    def _refuse_cancelled(self, node: document.Node, place: Place) -> None:
        for index, row in enumerate(node.catch):
            for position, type in enumerate(row.errors):
                if type == "Cancelled":
                    where = self.findings.place((*place.field("catch"), index, "errors", position), row.at or place.at)
                    message = f"the 'catch' of '{node.name}' takes 'Cancelled', and a cancellation cannot be caught"
                    self.findings.add("W119", message, where, hint="remove it; 'ChildCancelled' is that of a child")

    def _shared(self, node: document.BaseNode, place: Place) -> dict[str, Any]:
        reshapes = not isinstance(node.output, document.Unset)
        if reshapes:
            check_value(node.output, place.field("output"), place.at, place.scope.with_result(), self.findings)
        return {
            "id": place.level.prefix + node.name,
            "when": self._test(node.when, place, "when"),
            "description": node.description,
            "timeout": self._span(node.timeout, place, "timeout", positive=True),
            "save": node.save,
            "output": node.output if reshapes else None,
            "reshapes": reshapes,
            "ignore_errors": node.ignore_errors,
        }

    def _test(
        self, condition: document.Condition | None, place: Place, *keys: str | int, scope: Scope | None = None
    ) -> graph.Condition | None:
        """Compiles an expression, or the function that stands in its place."""
        if isinstance(condition, document.Function):
            return graph.Function(call=condition.path)
        return self._condition(condition, place, *keys, scope=scope)

    def _condition(self, text: str | None, place: Place, *keys: str | int, scope: Scope | None = None) -> str | None:
        if text is None:
            return None
        check_expression(text, place.field(*keys), place.at, scope or place.scope, self.findings)
        return text.strip()

    def _span(
        self, text: str | None, place: Place, *keys: str, positive: bool = False, scope: Scope | None = None
    ) -> graph.Span | None:
        if text is None:
            return None
        path = place.field(*keys)
        if has_expression(text):
            check_value(text, path, place.at, scope or place.scope, self.findings)
            return text
        return milliseconds(text, path, place.at, self.findings, positive=positive)

    def _inner(
        self,
        nodes: tuple[document.Node, ...],
        place: Place,
        scope: Scope | None = None,
        border: str | None = None,
        below: str = "/",
    ) -> tuple[graph.Node, ...]:
        level = place.level
        own_id = level.prefix + level.names[level.here]
        return self.nodes(
            nodes,
            scope or place.scope,
            prefix=own_id + below,
            outer=level,
            border=border,
        )

    def _step(self, node: document.Step, place: Place, shared: dict[str, Any]) -> graph.Step:
        attempts = self._attempts(node, place, shared["timeout"])
        compensate = None
        if node.compensate is not None:
            inner = replace(place, path=place.field("compensate"), scope=place.scope.with_result())
            timeout = self._span(node.compensate.timeout, inner, "timeout", positive=True)
            compensate = graph.Compensation(**self._attempts(node.compensate, inner, timeout))
        return graph.Step(**(shared | attempts), compensate=compensate)

    def _attempts(
        self, node: document.Step | document.Compensation, place: Place, timeout: graph.Span | None
    ) -> dict[str, Any]:
        """Compiles an action with the policy and the timeout of its attempts."""
        action = compile_action(node.action)
        for keys, value in graph.templates_of(action):
            reads_secrets = graph.may_read_secrets(action, keys)
            scope = place.scope.with_secrets() if reads_secrets else place.scope
            check_value(value, place.field(*keys), place.at, scope, self.findings)
            if reads_secrets:
                check_secrets(value, place.field(*keys), place.at, self.secrets, self.findings)
        if not isinstance(action, graph.Attempted | graph.Child):
            self._refuse_attempts(node, place)
            return {"action": action, "timeout": timeout}
        # A child has its own policies inside.
        is_child = isinstance(action, graph.Child)
        if node.timeout is None and not is_child:
            timeout = self.default_timeout
        if node.retry is None:
            retry = graph.ONE_ATTEMPT if is_child else self.default_retry
            return {"action": action, "timeout": timeout, "retry": retry}
        policy = retry_policy(node.retry, self.retries, place.field("retry"), place.at, self.findings)
        if isinstance(node.retry, document.Retry) and node.retry.when is not None:
            self._condition(node.retry.when, place, "retry", "when", scope=place.scope.with_error())
        return {"action": action, "timeout": timeout, "retry": policy}

    def _refuse_attempts(self, node: document.Step | document.Compensation, place: Place) -> None:
        kind = action_word(node.action)
        for key, value in (("retry", node.retry), ("timeout", node.timeout)):
            if value is not None:
                self.findings.add(
                    "W108",
                    f"'{key}' has no effect on '{kind}', which has no attempts",
                    self.findings.place(place.field(key), place.at),
                    hint="remove it",
                )

    def _decision(self, node: document.Decision, place: Place, shared: dict[str, Any]) -> graph.Decision:
        choices = []
        for index, choice in enumerate(node.choose):
            at = replace(place, at=choice.at or place.at)
            when = self._test(choice.when, at, "choose", index, "when")
            choices.append(graph.Choice(when=when or "", goto=self._target(choice.goto, at, "choose", index, "goto")))
        targets = {name: self._target(name, place, "goto", index) for index, name in enumerate(node.goto)}
        for key, given in (("save", node.save is not None), ("output", shared["reshapes"])):
            if given:
                where = self.findings.place((*place.field(key), KEY), place.at)
                message = f"'{key}' has no effect on a decision, which has no result but where it goes"
                self.findings.add("W108", message, where, hint=f"remove '{key}'")
        if node.timeout is not None and node.call is None:
            where = self.findings.place((*place.field("timeout"), KEY), place.at)
            message = "'timeout' has no effect on a decision by conditions, which takes no time"
            self.findings.add("W108", message, where, hint="remove 'timeout'")
        return graph.Decision(**shared, choose=tuple(choices), call=node.call, targets=targets)

    def _target(self, goto: str, place: Place, *keys: str | int) -> str:
        target = resolve(goto, place.level, self.ids)
        if isinstance(target, BadTarget):
            where = self.findings.place(place.field(*keys), place.at)
            code = _TARGET_CODES[target.reason]
            self.findings.add(code, target.message, where, hint=target.hint)
            return graph.END
        return target

    def _branch(self, node: document.Branch, place: Place, shared: dict[str, Any]) -> graph.Branch:
        match_ = self._test(node.match, place, "match")
        cases = []
        for index, case in enumerate(node.cases):
            when = self._test(case.when, replace(place, at=case.at or place.at), "cases", index, "when")
            label = case.value if case.value is not None else str(when or "")
            steps = self._inner(case.steps, place)
            cases.append(graph.Case(label=label, value=case.value, when=when, steps=steps))
        default = None if node.default is None else self._inner(node.default, place)
        return graph.Branch(**shared, cases=tuple(cases), match=match_, default=default)

    def _parallel(self, node: document.Parallel, place: Place, shared: dict[str, Any]) -> graph.Parallel:
        branches = {
            label: self._inner(nodes, place, border=f"branch '{label}' of parallel '{node.name}'")
            for label, nodes in node.branches.items()
        }
        match node.join:
            case "all":
                need = None
            case "any":
                need = 1
            case int(count):
                need = count
        return graph.Parallel(**shared, branches=branches, on_error=node.on_error, need=need)

    def _foreach(self, node: document.Foreach, place: Place, shared: dict[str, Any]) -> graph.Foreach:
        items = self._test(node.in_, place, "in") or ""
        inner = place.scope.in_foreach(node, place.path, self.findings)
        return graph.Foreach(
            **shared,
            items=items,
            variable=node.as_,
            concurrency=node.concurrency,
            batch=node.batch,
            on_error=node.on_error,
            steps=self._inner(node.steps, place, scope=inner, border=f"the items of foreach '{node.name}'"),
        )

    def _loop(self, node: document.Loop, place: Place, shared: dict[str, Any]) -> graph.Loop:
        inner = place.scope.in_loop()
        longest = node.backoff.max if node.backoff is not None else None
        if longest is not None:
            max_every = milliseconds(longest, place.field("backoff", "max"), place.at, self.findings)
        return graph.Loop(
            **shared,
            while_=self._test(node.while_, place, "while", scope=inner),
            until=self._test(node.until, place, "until", scope=inner),
            every=self._span(node.every, place, "every", scope=inner),
            factor=float(node.backoff.factor) if node.backoff is not None else 1.0,
            max_every=None if longest is None else max_every,
            max_iterations=node.max_iterations,
            on_limit=node.on_limit,
            keep=node.keep,
            steps=self._inner(node.steps, place, scope=inner),
        )

    def _wait(self, node: document.Wait, place: Place, shared: dict[str, Any]) -> graph.Wait:
        after = node.on_timeout
        if after is not None:
            check_value(after.value, place.field("on_timeout", "value"), place.at, place.scope, self.findings)
            goto = None if after.goto is None else self._target(after.goto, place, "on_timeout", "goto")
            shared["on_timeout"] = graph.OnTimeout(value=plain_json(after.value), goto=goto)
        return graph.Wait(
            **shared,
            **self._awaited(node, place),
            any={label: self._label(awaited, place, "any", label) for label, awaited in node.any.items()},
            all={label: self._label(awaited, place, "all", label) for label, awaited in node.all.items()},
        )

    def _label(self, awaited: document.Awaited, place: Place, *keys: str) -> graph.Awaited:
        return graph.Awaited(**self._awaited(awaited, replace(place, path=place.field(*keys))))

    def _awaited(self, awaited: document.Awaited | document.Wait, place: Place) -> dict[str, Any]:
        """Compiles what one wait or one label waits for."""
        compiled: dict[str, Any] = {"for_": self._span(awaited.for_, place, "for")}
        if awaited.until_at is not None:
            check_instant(awaited.until_at, place.field("at"), place.at, place.scope, self.findings)
            compiled["until_at"] = awaited.until_at.strip()
        if awaited.event is not None:
            event = awaited.event
            where = self._condition(event.where, place, "where", scope=place.scope.with_event())
            compiled["event"] = graph.Event(name=event.name, key=event.key, where=where)
        if awaited.ask is not None:
            ask = awaited.ask
            compiled["ask"] = graph.Ask(
                kind=ask.kind,
                prompt=ask.prompt,
                assignees=list(ask.assignees),
                choices=ask.choices,
                fields=plain_json(ask.fields),
                schema=plain_json(ask.schema),
                metadata=plain_json(ask.metadata),
            )
        if awaited.event is not None or awaited.ask is not None:
            for path, value in graph.templates_of_awaited(graph.Awaited(**compiled)):
                check_value(value, place.field(*path), place.at, place.scope, self.findings)
        return compiled
