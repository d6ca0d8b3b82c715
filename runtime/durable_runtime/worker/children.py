"""The executions that a step starts: what they run, whether they take the input, and what goes with a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

import msgspec

from durable_dsl.graph import Graph, graph_from_json
from durable_runtime.core.checkpoints import Checkpoint, Emitted, Json
from durable_runtime.core.children import MAX_DEPTH
from durable_runtime.core.commands import StartChild
from durable_runtime.core.inputs import InputCheck
from durable_runtime.core.outcomes import Failure
from durable_runtime.core.state import State
from durable_runtime.core.substeps import Begun, Join
from durable_runtime.core.substeps import Outcome as Called
from durable_runtime.core.support import unsupported
from durable_runtime.core.undoing import reaches_children
from durable_runtime.core.values import encode
from durable_runtime.errors import InvalidInput
from durable_runtime.store.messages import Emit, Send
from durable_runtime.store.protocol import Claimed, End, NewChild, NewExecution

MAX_KEPT = 1000
"""Definitions whose schema is kept ready."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a child will run, its input checked and encoded."""

    definition_id: int
    workflow: str
    input: bytes
    queue: str
    priority: int


class Targets:
    """Finds what children run: the latest definition of a name. Those asked for at the same time share a question.

    `latest` gives the ids of the latest definitions by name, `load` the graph of one.
    """

    def __init__(
        self,
        latest: Callable[[Collection[str]], Awaitable[dict[str, int]]],
        load: Callable[[int], Awaitable[bytes]],
    ) -> None:
        self._latest = latest
        self._load = load
        self._kept: dict[int, tuple[Graph, InputCheck]] = {}
        self._waiting: dict[str, asyncio.Future[int | None]] = {}

    async def find(self, start: StartChild, depth: int) -> Target | Failure:
        """Gives what a child runs, or why there cannot be one; `depth` is its parent's."""
        if depth >= MAX_DEPTH:
            message = (
                f"{start.path} would start '{start.workflow}' below {depth + 1} other executions, and at most "
                f"{MAX_DEPTH} are allowed; does it start itself without an end?"
            )
            return _failure("DepthLimit", message, {"depth": depth + 1}, is_final=True)
        definition_id = await self._find_latest(start.workflow)
        if definition_id is None:
            message = (
                f"there is no workflow '{start.workflow}' in this database; start it once from its file or module, or "
                "put it into the same file"
            )
            return _failure("WorkflowNotFound", message, {"workflow": start.workflow})
        graph, check = await self._definition(definition_id)
        missing = unsupported(graph)
        if missing:
            message = f"the workflow '{start.workflow}' cannot be executed: {'; '.join(missing)}"
            return _failure("UnsupportedWorkflow", message, {"problems": missing}, is_final=True)
        try:
            encoded = check.encode(start.input)
        except InvalidInput as error:
            return _failure("InvalidInput", str(error), {"problems": list(error.problems)}, is_final=True)
        return Target(
            definition_id=definition_id,
            workflow=graph.workflow,
            input=encoded,
            queue=start.queue if start.queue is not None else graph.queue,
            priority=graph.priority,
        )

    async def _find_latest(self, workflow: str) -> int | None:
        asked = self._waiting.get(workflow)
        if asked is None:
            asked = self._waiting[workflow] = asyncio.get_running_loop().create_future()
            if len(self._waiting) == 1:
                asyncio.get_running_loop().call_soon(self._ask)
        return await asyncio.shield(asked)

    def _ask(self) -> None:
        """Sends one question for everything that was asked in this turn of the event loop."""
        waiting, self._waiting = self._waiting, {}
        task = asyncio.ensure_future(self._latest(list(waiting)))

        def answered(task: asyncio.Future[dict[str, int]]) -> None:
            for workflow, asked in waiting.items():
                if task.cancelled():
                    asked.cancel()
                elif error := task.exception():
                    asked.set_exception(error)
                else:
                    asked.set_result(task.result().get(workflow))

        task.add_done_callback(answered)

    async def _definition(self, definition_id: int) -> tuple[Graph, InputCheck]:
        found = self._kept.get(definition_id)
        if found is None:
            graph = graph_from_json(await self._load(definition_id))
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            found = self._kept[definition_id] = graph, InputCheck(graph.workflow, graph.input)
        return found


def _failure(type: str, message: str, data: Json, *, is_final: bool = False) -> Failure:
    """`is_final` where another attempt would fail in the same way."""
    return Failure(type=type, message=message, data=data, names=(type, "Fatal" if is_final else "Exception"))


class Outgoing:
    """What goes with the next commit of an execution: the executions it starts, and what it sends to others."""

    def __init__(self, claimed: Claimed) -> None:
        self._claimed = claimed
        self._starts: list[NewChild] = []
        self._sends: list[Send] = []
        self._emits: list[Emit] = []
        self.publishes = False
        """Whether values are shown with it, which others must not wait for until a step ends."""
        self.has_any = False
        """Whether there is something to take along: asked several times for each step, most of which send nothing."""

    def start(self, id: str, start: StartChild, target: Target) -> None:
        """Takes a child along."""
        new = NewExecution(
            public_id=id,
            definition_id=target.definition_id,
            workflow=target.workflow,
            input=target.input,
            queue=target.queue,
            priority=target.priority,
            key=start.key,
        )
        child = NewChild(execution=new, path=start.path, attached=start.attached, awaited=start.awaited)
        self._starts.append(child)
        self.has_any = True

    def begin(self, outcome: Called, checkpoint: Checkpoint, begins: tuple[StartChild, Target] | None) -> None:
        """Takes along what a call in a function starts, or its wish to be told of an end."""
        match outcome:
            case Begun() if begins is not None:
                result = checkpoint.result
                self.start(result["child"] if checkpoint.kind == "waiting" else result, *begins)
            case Join(execution):
                asked = {"to": self._claimed.id, "call": checkpoint.result["child"], "path": checkpoint.path}
                self._send(Send(to=execution, kind="join", payload=encode(asked)[0]))
            case _:
                pass

    def cancel(self, ids: Collection[str], state: State) -> None:
        """Takes requests along that cancel children whose steps nobody waits for any more."""
        if not ids:
            return
        payload = _reason(f"the step of {self._claimed.id} that waited for it was given up", state)
        for id in ids:
            self._send(Send(to=id, kind="cancel", payload=payload))

    def emit(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Takes the events along that steps send, and notes whether they publish."""
        for checkpoint in checkpoints:
            for number, emitted in enumerate(checkpoint.emitted):
                self._emit(checkpoint, emitted, number)
            if checkpoint.published is not None:
                self.publishes = self.has_any = True

    def _emit(self, checkpoint: Checkpoint, emitted: Emitted, number: int) -> None:
        if emitted.to is None:
            assert emitted.key is not None
            self._emits.append(Emit(name=emitted.name, key=emitted.key, payload=encode(emitted.payload)[0]))
            self.has_any = True
        else:
            # One sending has one id, whoever commits it.
            id = f"{self._claimed.id} {checkpoint.path} {checkpoint.seq}{f' {number}' if number else ''}"
            event = {"id": id, "name": emitted.name, "payload": emitted.payload}
            self._send(Send(to=emitted.to, kind="event", payload=encode(event)[0]))

    def pass_on(self, checkpoint: Checkpoint, state: State) -> None:
        """Takes to the attached children along what concerns them too: that their parent is paused, or resumed."""
        kind = {"paused": "pause", "resumed": "resume"}.get(checkpoint.kind)
        if kind is not None and state.has_children:
            self._send(Send(to=None, kind=kind, payload=encode(checkpoint.result)[0]))

    def _send(self, sent: Send) -> None:
        self._sends.append(sent)
        self.has_any = True

    def forget(self) -> None:
        """Begins anew: what was taken along is stored, or will be decided again."""
        self._starts, self._sends, self._emits = [], [], []
        self.publishes = self.has_any = False

    def taken(self) -> tuple[tuple[NewChild, ...], tuple[Send, ...], tuple[Emit, ...]]:
        """Gives what was taken along."""
        return tuple(self._starts), tuple(self._sends), tuple(self._emits)

    def at_end(self, end: End, state: State) -> tuple[Send, ...]:
        """Gives what is sent at the end: whoever waits for it is told, and the children are cancelled."""
        sends: list[Send] = []
        claimed = self._claimed
        if claimed.awaited and claimed.parent_id is not None and claimed.parent_path is not None:
            sends.append(_told(claimed.id, end, claimed.parent_id, claimed.id, claimed.parent_path))
        sends.extend(_told(claimed.id, end, joined["to"], joined["call"], joined["path"]) for joined in state.joined)
        if state.has_children:
            reason = f"its parent {claimed.id} {_HOW.get(end.status, 'ended')}"
            sends.append(Send(to=None, kind="cancel", payload=_reason(reason, state)))
        return tuple(sends)


_HOW = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "was cancelled",
    "compensated": "failed",
    "compensation_failed": "failed",
}


def _reason(text: str, state: State) -> bytes:
    """Gives why a child is cancelled; one of a parent that failed, or is undone, undoes what it has completed."""
    payload: dict[str, Json] = {"reason": text, "by": None}
    if reaches_children(state):
        payload["compensate"] = True
    return encode(payload)[0]


def _told(id: str, end: End, to: str, call: str, path: str) -> Send:
    """Tells one who waits; output and error are passed on as they are stored."""
    head = encode({"id": id, "call": call, "path": path, "status": end.status})[0]
    output, error = end.output or b"null", end.error or b"null"
    return Send(to=to, kind="child", payload=b'%b,"output":%b,"error":%b}' % (head[:-1], output, error))
