"""A second interpreter, for the test alone: recursive, direct, without checkpoints, without time.

It takes a graph and says what must come of it, from the language's reference and from nothing of the engine but the
evaluation of expressions. Where the order of things decides, it asks `choose`; `every_way` takes all answers.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from durable_dsl import graph as g
from durable_dsl.expressions import ExpressionError, compile_expression, compile_template
from tests.model import containers
from tests.model.choices import Choices
from tests.model.outcome import LONG, SHORT, Attempts, Entry, Error, Failed, Finished, Jumped, Story, Stuck
from tests.model.steps import ERRORS, Given, Raised, outcome_of

_NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Scope:
    """A copy of the data, and what was changed in it."""

    data: dict[str, Any]
    changes: dict[str, Any]

    def save(self, patch: dict[str, Any]) -> None:
        self.data.update(patch)
        self.changes.update(patch)

    def copy(self) -> Scope:
        return Scope(dict(self.data), {})


Names = dict[str, Any]


def story_of(graph: g.Graph, input: dict[str, Any], choices: Choices) -> Story:
    """Tells one way that an execution may go."""
    return Reference(graph, input, choices).tell()


class Reference:
    """Interprets one execution."""

    def __init__(self, graph: g.Graph, input: dict[str, Any], choices: Choices) -> None:
        self.graph = graph
        self.input = input
        self.choose = choices.choose
        self.story = Story()
        self._templates: dict[int, Any] = {}

    def tell(self) -> Story:
        scope, story, graph = Scope(dict(self.input), {}), self.story, self.graph
        try:
            self.run_list(graph.steps, "", scope, {})
            story.status, story.output = "completed", self.workflow_output(scope, {})
        except Finished as finished:
            story.status, story.output = "completed", finished.output
        except Stuck:
            assert isinstance(graph.timeout, int)
            self.make_uncertain(0)
            story.status, story.error = "failed", Error("Timeout", None)
        except Failed as failed:
            story.status, story.error = "failed", failed.error
        if story.error is not None and graph.on_failure:
            with contextlib.suppress(Failed):  # a second failure is told beside the first one, which stays
                self.run_list(graph.on_failure, "on_failure/", scope, {"error": story.error.as_json()})
        return story

    # -- expressions

    def see(self, scope: Scope, names: Names) -> Names:
        execution = {"id": "", "workflow": self.graph.workflow}
        return {
            "input": self.input,
            "constants": self.graph.constants,
            "execution": execution,
            "data": scope.data,
        } | names

    def render(self, value: Any, scope: Scope, names: Names) -> Any:
        return as_stored(compile_template(value).render(self.see(scope, names), now=_NOW))

    def evaluate(self, text: str, scope: Scope, names: Names) -> Any:
        return as_stored(compile_expression(text).evaluate(self.see(scope, names), now=_NOW))

    def test(self, text: str, scope: Scope, names: Names) -> bool:
        return compile_expression(text).test(self.see(scope, names), now=_NOW)

    def workflow_output(self, scope: Scope, names: Names) -> Any:
        return self.render(self.graph.output, scope, names) if self.graph.reshapes else dict(scope.data)

    # -- what is told

    def tell_end(self, path: str, kind: str, node: g.Node, result: Any = None, error: Error | None = None) -> None:
        passes_on = isinstance(node, g.Branch | g.Group | g.Loop | g.Parallel | g.Foreach)
        self.story.entries.append(Entry(path, kind, result, error, passes_on=passes_on))

    def make_uncertain(self, since: int, until: int | None = None) -> None:
        """What was told from here on may be cut off."""
        for entry in self.story.entries[since:until]:
            entry.certain = False
            if entry.path in self.story.attempts:
                self.story.attempts[entry.path].certain = False

    # -- lists and nodes

    def run_list(self, nodes: tuple[g.Node, ...], prefix: str, scope: Scope, names: Names) -> Any:
        """Runs a list and gives its result: that of the last node reached."""
        index = {node.id: position for position, node in enumerate(nodes)}
        at, result, before = 0, None, None
        while at < len(nodes):
            node = nodes[at]
            path = prefix + node.name
            if before is not None:
                self.story.pairs.append((before, path))
            before = path
            try:
                result = self.run_node(node, path, scope, names)
                at += 1
            except Jumped as jump:
                if jump.target == g.END and isinstance(node, g.Decision):
                    return None
                if jump.target not in index:
                    raise
                at, result = index[jump.target], None
        return result

    def run_node(self, node: g.Node, path: str, scope: Scope, names: Names) -> Any:
        began = len(self.story.entries)
        try:
            if node.when is not None and not self.test(node.when, scope, names):
                self.tell_end(path, "skipped", node)
                return self._give_nothing(node, scope)
            result, patch = self._work(node, path, scope, names)
            if node.reshapes:
                result = self.render(node.output, scope, names | {"result": result})
        except ExpressionError:
            return self._fail(node, path, scope, names, Error("ExpressionError", path))
        except Failed as failed:
            return self._fail(node, path, scope, names, failed.error)
        except Stuck:
            timeout = node.timeout
            if not (isinstance(timeout, int) and timeout <= SHORT):
                raise
            self.make_uncertain(began)
            return self._fail(node, path, scope, names, Error("Timeout", path, names=("Timeout", "Exception")))
        return self._complete(node, path, scope, names, result, patch, began)

    def _complete(
        self, node: g.Node, path: str, scope: Scope, names: Names, result: Any, patch: dict[str, Any], began: int
    ) -> Any:
        self._note_inside(path, began)
        if isinstance(node, g.Finish) and not node.reshapes:
            result = self.workflow_output(scope, names)
        self.tell_end(path, "completed", node, result)
        if isinstance(node, g.Finish):
            raise Finished(result)
        if isinstance(node, g.Decision):
            if result is not None:
                raise Jumped(result)
            result = None
        scope.save(patch)
        if node.save is not None:
            scope.save({node.save: result})
        return result

    def _note_inside(self, path: str, began: int) -> None:
        """What was told since then ends before the instance at this path does."""
        self.story.pairs.extend((inner.path, path) for inner in self.story.entries[began:] if inner.path != path)

    def _give_nothing(self, node: g.Node, scope: Scope) -> None:
        if node.save is not None and node.save not in scope.data:
            scope.save({node.save: None})

    def _fail(self, node: g.Node, path: str, scope: Scope, names: Names, error: Error) -> Any:
        """A node failed: its catch, its ignore_errors, or the list around it takes it."""
        began = len(self.story.entries)
        for position, row in enumerate(node.catch):
            inside = names | {"error": error.as_json()}
            if row.errors and not {error.type, *error.names} & set(row.errors):
                continue
            if row.when is not None and not self.test(row.when, scope, inside):
                continue
            self.tell_end(path, "caught", node, position, error)
            try:
                result = self.run_list(row.steps, f"{path}/catch/", scope, inside)
                if row.rethrow:
                    raise Failed(error)
                if node.reshapes:
                    result = self.render(node.output, scope, names | {"result": result})
                self._note_inside(path, began)
                self.story.entries.append(Entry(path, "completed", result, passes_on=True))
                if node.save is not None:
                    scope.save({node.save: result})
                return result
            except ExpressionError:
                error = Error("ExpressionError", path)
            except Failed as second:
                error = second.error
            break
        if node.ignore_errors:
            self.tell_end(path, "ignored", node, None, error)
            return self._give_nothing(node, scope)
        self.tell_end(path, "failed", node, None, error)
        raise Failed(error)

    def _work(self, node: g.Node, path: str, scope: Scope, names: Names) -> tuple[Any, dict[str, Any]]:
        """Does what the kind of node does: its result, and what it changes in the data beside `save`."""
        match node:
            case g.Step(action=g.Set(values=values)):
                mapping = self.render(values, scope, names)
                return mapping, mapping
            case g.Step(action=g.Log(message=message)):
                self.render(message, scope, names)
                return None, {}
            case g.Step(action=g.Call(function=function, with_=with_)):
                value = self._attempt(node, function, with_, path, scope, names)
                return value, value if with_ is None and node.save is None and value is not None else {}
            case g.Decision(call=None):
                chosen = next((row.goto for row in node.choose if self.test(row.when, scope, names)), None)
                return chosen, {}
            case g.Decision(call=str() as function):
                name = self._attempt(node, function, None, path, scope, names)
                if name is not None and name not in node.targets:
                    raise Failed(Error("DecisionNotKnown", path))
                return None if name is None else node.targets[name], {}
            case g.Wait():
                self._wait(node, path)
                return None, {}
            case g.Fail():
                message = self.render(node.message, scope, names)
                raise Failed(Error(node.type, path, message=str(message), data=self.render(node.data, scope, names)))
            case g.Finish():
                return None, {}
            case _:
                return containers.run(self, node, path, scope, names)

    def _wait(self, node: g.Wait, path: str) -> None:
        if isinstance(node.for_, int) and node.for_ >= LONG:
            if isinstance(node.timeout, int) and node.timeout <= SHORT:
                raise Failed(Error("Timeout", path, names=("Timeout",)))
            raise Stuck

    # -- attempts

    def _attempt(
        self, node: g.Step | g.Decision, function: str, with_: Any, path: str, scope: Scope, names: Names
    ) -> Any:
        arguments = self.render(with_, scope, names) if with_ is not None else None
        policy = node.retry if isinstance(node, g.Step) else g.ONE_ATTEMPT
        attempt = 0
        while True:
            attempt += 1
            self.story.attempts[path] = Attempts(attempt)
            match outcome_of(function, arguments, scope.data, path, attempt):
                case Given(value) if is_json(value):
                    return as_stored(value)
                case Given():
                    raise Failed(Error("ResultNotStorable", path, attempt))
                case Raised(error):
                    classes = tuple(cls.__name__ for cls in ERRORS[error].__mro__[:-2])
                    found = Error(error, path, attempt, classes, f"{error} of attempt {attempt}", None)
                case _:
                    found = Error("Timeout", path, attempt, ("Timeout", "Exception"))
            if not self._is_retried(policy, found, attempt, scope, names):
                raise Failed(found)

    def _is_retried(self, policy: g.RetryPolicy, error: Error, attempt: int, scope: Scope, names: Names) -> bool:
        if attempt >= policy.max_attempts or error.type == "Fatal":
            return False
        if policy.only and not set(policy.only) & set(error.names):
            return False
        if set(policy.except_) & set(error.names):
            return False
        return policy.when is None or self.test(policy.when, scope, names | {"error": error.as_json()})


def is_json(value: Any) -> bool:
    """Whether a value can be stored."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def as_stored(value: Any) -> Any:
    """Gives a value as it is after a round trip through the store."""
    return json.loads(json.dumps(value))
