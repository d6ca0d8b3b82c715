"""A second interpreter, for the test alone: recursive, direct, without checkpoints, without time.

It takes a graph and says what must come of it, from the language's reference and from nothing of the engine but the
evaluation of expressions. Where the order of things decides, it asks `choose`; `every_way` takes all answers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from durable_dsl import graph as g
from durable_dsl.expressions import ExpressionError, compile_expression, compile_template
from tests.model import containers, waited
from tests.model.choices import Choices
from tests.model.outcome import ANY, SHORT, Entry, Error, Failed, Finished, Jumped, Story, Stuck, TimedOut
from tests.model.steps import Raised, outcome_of
from tests.model.tried import attempt, call_child, raised
from tests.model.values import as_stored, with_more

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


Graphs = dict[str, g.Graph]
"""Graphs by the names of their workflows."""


def story_of(
    graphs: Graphs, workflow: str, input: dict[str, Any], choices: Choices, seen: Collection[str], *, cancelled: bool
) -> Story:
    """Tells one way that an execution may go. `seen` are the instances that completed in the one it is told of.

    They say which of those that may be cut off had completed before, so that they are undone. With `cancelled` it may
    be cut off anywhere, and what it completed may be undone.
    """
    reference = Reference(graphs, workflow, input, choices, seen)
    try:
        story = reference.tell()
    except Stuck:
        story = reference.story
        story.status = "waiting for ever"
    if cancelled:
        reference.undo_below("")
        reference.make_uncertain(0)
        for attempts in story.attempts.values():
            for each in attempts.values():
                each.certain = False
    return story


@dataclass
class Undo:
    """A step that completed and can be undone, with what it saw then."""

    entry: Entry
    step: g.Step
    scope: Scope
    names: Names


class Reference:
    """Interprets one execution."""

    def __init__(
        self, graphs: Graphs, workflow: str, input: dict[str, Any], choices: Choices, seen: Collection[str]
    ) -> None:
        self.graph = graphs[workflow]
        self.input = input
        self.choose = choices.choose
        self._graphs = graphs
        self._choices = choices
        self.mail = waited.early_mail()
        self.story = Story()
        self._seen = seen
        self._undo: list[Undo] = []

    def tell(self) -> Story:
        scope, story, graph = Scope(dict(self.input), {}), self.story, self.graph
        try:
            self.run_list(graph.steps, "", scope, {})
            story.status, story.output = "completed", self.workflow_output(scope, {})
        except Finished as finished:
            story.status, story.output = "completed", finished.output
        except Stuck:
            if graph.timeout is None or not (isinstance(graph.timeout, int) and graph.timeout <= SHORT):
                raise
            self.make_uncertain(0)
            story.status, story.error = "failed", Error("Timeout", None)
        except Failed as failed:
            story.status, story.error = "failed", failed.error
        if story.error is not None:
            self._close(story.error, scope)
        return story

    def _close(self, error: Error, scope: Scope) -> None:
        """An execution that failed: what it completed is undone, then its on_failure runs."""
        undone, errors = self.undo_below("")
        undone, not_undone = undone + error.undone, error.not_undone
        if self.graph.on_failure:
            try:
                self.run_list(self.graph.on_failure, "on_failure/", scope, {"error": error.as_json()})
            except Failed:  # told beside the first one, which stays
                more, more_errors = self.undo_below("on_failure")
                undone, errors = undone + more, errors + more_errors
        if undone:
            self.story.status = "compensation_failed" if errors or not_undone else "compensated"

    def undo_below(self, path: str) -> tuple[int, list[Error]]:
        """Undoes what completed at or below a path: how many there were, and the errors of those that could not be."""
        below = [undo for undo in self._undo if not path or re.match(re.escape(path) + r"[/\[#]", undo.entry.path)]
        self._undo = [undo for undo in self._undo if undo not in below]
        errors: list[Error] = []
        completed = [undo for undo in below if undo.entry.certain or undo.entry.path in self._seen]
        for undo in reversed(completed):
            error = self._undo_one(undo)
            errors += [error] if error is not None else []
        return len(completed), errors

    def _undo_one(self, undo: Undo) -> Error | None:
        path = f"{undo.entry.path}/{g.COMPENSATE}"
        assert isinstance(undo.step.action, g.Call)
        call = undo.step.action
        try:
            value = attempt(self, undo.step, call.function, call.with_, path, undo.scope, undo.names)
        except (ExpressionError, Failed) as failure:
            error = failure.error if isinstance(failure, Failed) else Error("ExpressionError", path)
            self.tell_end(path, "failed", undo.step, None, error)
            return error
        self.tell_end(path, "compensated", undo.step, value)
        return None

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

    def evaluate(self, text: g.Condition, scope: Scope, names: Names, path: str, word: str) -> Any:
        """Gives the value of what stands at this word of the node at this path."""
        if isinstance(text, g.Function):
            return self._ask(text, scope, path, word)
        return as_stored(compile_expression(text).evaluate(self.see(scope, names), now=_NOW))

    def test(self, text: g.Condition, scope: Scope, names: Names, path: str = "", word: str = "") -> bool:
        """Tells whether what stands at this word of the node at this path holds."""
        if isinstance(text, g.Function):
            return bool(self._ask(text, scope, path, word))
        return compile_expression(text).test(self.see(scope, names), now=_NOW)

    def _ask(self, function: g.Function, scope: Scope, path: str, word: str) -> Any:
        """Asks a function that stands in place of an expression; its answer is stored with the node."""
        outcome = outcome_of(function.call, None, scope.data, path, 1)
        if isinstance(outcome, Raised):
            raise Failed(raised(outcome.error, path, 1))
        self.story.entries.append(Entry(path, "answered", {"of": word, "answer": outcome.value}))
        return outcome.value

    def other(self, workflow: str, input: dict[str, Any]) -> Reference:
        """Gives the reference of an execution that this one starts."""
        return Reference(self._graphs, workflow, input, self._choices, ())

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
            for attempts in self.story.attempts.get(entry.path, {}).values():
                attempts.certain = False

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
                if jump.target == g.END and isinstance(node, g.Decision | g.Wait):
                    return None
                if jump.target not in index:
                    raise
                at, result = index[jump.target], None
        return result

    def run_node(self, node: g.Node, path: str, scope: Scope, names: Names) -> Any:
        began = len(self.story.entries)
        try:
            if node.when is not None and not self.test(node.when, scope, names, path, "when"):
                self.tell_end(path, "skipped", node)
                return self._give_nothing(node, scope)
            result, patch = self._work(node, path, scope, names)
            if node.reshapes:
                result = self.render(node.output, scope, names | {"result": result})
        except ExpressionError:
            return self._fail(node, path, scope, names, Error("ExpressionError", path))
        except Failed as failed:
            return self._fail(node, path, scope, names, failed.error)
        except TimedOut as late:
            self.tell_end(path, "timed_out", node, late.target)
            self._give_nothing(node, scope)
            raise Jumped(late.target) from None
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
        entry = self.story.entries[-1]
        scope.save(patch)
        if node.save is not None:
            scope.save({node.save: result})
        if isinstance(node, g.Step) and node.undoing is not None:
            self._undo.append(Undo(entry, node.undoing, scope.copy(), names | {"result": result}))
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
            if row.errors and not {error.type, *error.names, "Exception"} & set(row.errors):
                continue
            if row.when is not None and not self.test(row.when, scope, inside):
                continue
            self.tell_end(path, "caught", node, position, error)
            try:
                if row.compensate:
                    undone, errors = self.undo_below(path)
                    not_undone = error.not_undone + len(errors)
                    error = replace(error, undone=error.undone + undone, not_undone=not_undone)
                    if errors:
                        told = [each.as_json() for each in errors]
                        raise Failed(replace(error, data=with_more(error.data, {"compensation_errors": told})))
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
                value = attempt(self, node, function, with_, path, scope, names)
                return value, value if with_ is None and node.save is None and value is not None else {}
            case g.Step(action=g.Child(workflow=workflow, with_=with_)):
                return call_child(self, node, workflow, with_, path, scope, names), {}
            case g.Step(action=g.Start(with_=with_)):
                self.render(with_, scope, names)
                return ANY, {}
            case g.Step(action=g.Emit(event=event, with_=with_)):
                payload = self.render(with_, scope, names)
                if event in self.mail:
                    self.mail[event].append(payload)
                return None, {}
            case g.Decision(call=None):
                chosen = next(
                    (row.goto for row in node.choose if self.test(row.when, scope, names, path, "choose")), None
                )
                return chosen, {}
            case g.Decision(call=str() as function):
                name = attempt(self, node, function, None, path, scope, names)
                if name is not None and name not in node.targets:
                    raise Failed(Error("DecisionNotKnown", path))
                return None if name is None else node.targets[name], {}
            case g.Wait():
                return waited.wait(self, node, path, scope, names), {}
            case g.Fail():
                message = self.render(node.message, scope, names)
                raise Failed(Error(node.type, path, message=str(message), data=self.render(node.data, scope, names)))
            case g.Finish():
                return None, {}
            case _:
                return containers.run(self, node, path, scope, names)
