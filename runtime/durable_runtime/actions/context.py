"""What a step's function can ask of the engine, by taking a parameter named `ctx`."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from durable_dsl import Retry
from durable_runtime.actions.arguments import ContextMisuse, check_stream
from durable_runtime.actions.connections import Transactions
from durable_runtime.actions.masking import Masks
from durable_runtime.actions.notes import Level, Notes
from durable_runtime.actions.port import Port
from durable_runtime.actions.printing import Printed, Stream, listen
from durable_runtime.actions.substeps import Substeps
from durable_runtime.actions.waiting import RAISES, AskKind, ask_wait, check_event, event_key, event_wait, key_text
from durable_runtime.core.checkpoints import Emitted, Json
from durable_runtime.core.commands import Perform
from durable_runtime.core.emitting import EXECUTION_ID
from durable_runtime.store.joined import StepConnections

_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


class StepContext:
    """The place of one attempt: which execution, which instance, which attempt.

    `idempotency_key` is the same for every attempt of an instance and differs between instances: hand it to services
    that can tell a repeated request from a new one. `error` is the error for which a step is undone; None elsewhere.
    """

    def __init__(
        self,
        execution_id: str,
        perform: Perform,
        port: Port,
        notes: Notes,
        connections: StepConnections | None = None,
    ) -> None:
        self.execution_id = execution_id
        self.node = perform.path
        self.attempt = perform.attempt
        self.error = perform.error
        self._cancelled = False
        self._printed: Printed | None = None
        self._count = 0
        self._notes = notes
        self._port = port
        self.timeout = perform.timeout
        self.transactions = Transactions(connections, lambda: self.substeps.runs_one)
        self.substeps = Substeps(perform, port, self._within, self.transactions)

    def _within(self, name: str, attempt: int) -> StepContext:
        """Gives the context of a sub-step's function."""
        return _SubContext(self, name, attempt)

    @property
    def idempotency_key(self) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.execution_id}/{self.node}"))

    @property
    def is_cancelled(self) -> bool:
        """True once nobody wants this attempt's result any more.

        A plain function should look now and then; an async one is cancelled.
        """
        return self._cancelled

    def cancel(self) -> None:
        self._cancelled = True
        self._port.cancel()

    def hide(self, masks: Masks) -> None:
        """Makes sure that nothing this attempt tells or stores has a secret in it."""
        self._notes.masks = self.substeps.masks = masks

    def listen(self) -> None:
        """Takes what is printed in this context from now on for the attempt's."""
        self._printed = Printed(self._note_printed)
        listen(self._printed)

    def end(self) -> None:
        """The attempt is over, or its function is left: what was printed last needs no end of line."""
        if self._printed is not None:
            self._printed.end()

    def _note_printed(self, line: str, stream: Stream) -> None:
        if not self.substeps.is_replaying:
            running = self.substeps.running
            self._notes.printed(line, stream, self.node if running is None else f"{self.node}/{running}")

    # -- telling

    def log(self, message: object, level: Level = "info") -> None:
        """Adds a line to the execution's log, with this instance and attempt.

        It is written with the step's checkpoint, while the step runs within about a second; a line of an attempt that
        is cut off may be lost. Long lines are cut, very many are left out and said so.
        """
        if not self.substeps.is_replaying:
            self._notes.log(message, level, self.node)

    def write(self, stream: str, value: Json) -> None:
        """Adds a value, JSON of at most 64 kB, to a stream of the execution, which clients read with `read_stream`.

        It is stored with the step's checkpoint, while the step runs within about a second, in the order of the calls
        and once, also when a worker is killed and the attempt made once more. What an attempt has written stays when
        it fails.
        """
        check_stream(stream)
        path, again = self.substeps.place
        self._notes.write(stream, value, path, again, is_stored=self.substeps.is_replaying)

    def heartbeat(self, progress: Json = None) -> None:
        """Says how far this attempt is, in JSON of at most 64 kB, for those who look at the execution meanwhile."""
        self._notes.tell(progress)

    def emit(self, event: str, key: str | int, payload: Json = None) -> None:
        """Sends an event to every execution that waits for its name and key, now or later, exactly once.

        It is stored with the next checkpoint of this function, that of a call or its own at the end; in a function
        that `ctx.step` runs, with that call's if it works. What no checkpoint holds was never sent.
        """
        check_event("ctx.emit", event)
        self.substeps.tell("emit", Emitted(name=event, payload=payload, key=event_key("ctx.emit", key)))

    def send_event(self, execution: str, event: str, payload: Json = None) -> None:
        """Sends an event to one execution by its id, exactly once and stored as `emit` stores it.

        What is sent to one that does not exist, or has ended, goes nowhere.
        """
        check_event("ctx.send_event", event)
        if not EXECUTION_ID.fullmatch(str(execution)):
            raise ContextMisuse(f"ctx.send_event: {execution!r} is no id of an execution")
        self.substeps.tell("send_event", Emitted(name=event, payload=payload, to=str(execution)))

    # -- what is the same when the function is entered again

    def now(self) -> datetime:
        """Gives the time of the execution's last checkpoint that this function knows of: not the wall clock's.

        The same call gives the same time when the function is entered again.
        """
        return self.substeps.now()

    def random(self) -> float:
        """Gives a number in [0, 1) that depends on execution, instance and how many such calls came before."""
        return random.Random(self._seed("random")).random()

    def uuid7(self) -> uuid.UUID:
        """Gives a UUID of version 7, from `now()` and what `random()` depends on."""
        milliseconds = int(self.now().timestamp() * 1000)
        bits = self._seed("uuid7") & ((1 << 74) - 1)
        high, low = bits >> 62, bits & ((1 << 62) - 1)
        return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)

    def _seed(self, what: str) -> int:
        self._count += 1
        text = f"{self.execution_id}/{self.node}/{what}/{self._count}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])

    # -- the engine's own database

    def connection(self) -> Any:
        """Gives a psycopg connection in a transaction that commits together with this step's checkpoint: exactly once.

        `async with ctx.connection() as connection:` in an async function, `with` in a plain one. Each block is a
        savepoint of one transaction; the attempt's failure undoes it all. In a sub-step it is that one's transaction,
        and its checkpoint. It is for the engine to commit: `commit` and `rollback` are refused.
        """
        return self.transactions.block(is_async=self.substeps.runs_async)

    # -- code first

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        retry: Retry | int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Runs a function once and gives its result, also when this function is entered again.

        In an async function it is awaited, and `function` may be async or plain; in a plain one it is called, and
        `function` is plain. The result is what JSON makes of it. What `function` raises comes out as `StepFailed`.
        With `retry`, a `Retry` or a number of attempts, it is tried again first. A function with a parameter
        named `ctx` gets the context of the sub-step.
        """
        return self.substeps.step(name, function, args, kwargs, retry)

    async def sleep(self, name: str, duration: timedelta | str) -> None:
        """Suspends the execution for so long: a timedelta, or `30m`. Only in async functions."""
        await self.substeps.sleep(name, duration)

    async def wait_event(
        self,
        name: str,
        event: str,
        *,
        key: str | int | None = None,
        where: str | None = None,
        values: Mapping[str, Json] | None = None,
        timeout: timedelta | str | None = None,
        default: Any = RAISES,
    ) -> Any:
        """Suspends until an event of this name comes, and gives its payload. Only in async functions.

        Without a `key` it takes what is sent to this execution, with one what is sent to everybody under that key;
        events that came before are kept for it. `where` is an expression that the event must fulfil: it sees the
        payload as `event`, what the expressions of the file see, and the `values`. Past the `timeout` it gives the
        `default`, or raises `StepFailed` of the type `Timeout` if there is none.
        """
        return await self.substeps.wait("wait_event", name, event_wait(event, key, where, values, timeout, default))

    async def ask(
        self,
        name: str,
        kind: AskKind,
        prompt: str | None = None,
        *,
        assignees: Sequence[str] = (),
        choices: Sequence[str] = (),
        fields: Mapping[str, Json] | None = None,
        schema: Json = None,
        metadata: Mapping[str, Json] | None = None,
        timeout: timedelta | str | None = None,
        default: Any = RAISES,
    ) -> Any:
        """Suspends until a person has answered, and gives the answer as a `wait` would. Only in async functions.

        `kind` is `approval`, `choice` (of `choices`), `text`, `form` (of `fields`, JSON Schemas by name) or `json`
        (that fits `schema`). Past the `timeout` it gives the `default`, or raises `StepFailed` of the type `Timeout`.
        """
        awaited = ask_wait(kind, prompt, assignees, choices, fields, schema, metadata, timeout, default)
        return await self.substeps.wait("ask", name, awaited)

    def publish(self, name: str, value: Json) -> Any:
        """Shows a value by its name to clients, which read it with `get_value`, once this call is stored.

        In an async function it is awaited. The newest value of a name counts, and all of them stay in the history.
        """
        return self.substeps.publish(name, value)

    async def call_workflow(
        self,
        name: str,
        workflow: str,
        input: dict[str, Json] | None = None,
        *,
        queue: str | None = None,
        key: str | int | None = None,
    ) -> Any:
        """Runs another workflow by its name, waits for its end, and gives its output. Only in async functions.

        The execution is suspended meanwhile. A child that fails or is cancelled is `StepFailed`, of the type
        `ChildFailed` or `ChildCancelled`. With a `key` it waits for whichever execution of the workflow has the key,
        and starts one if none has.
        """
        text = key_text("ctx.call_workflow", key)
        return await self.substeps.begin_workflow(name, workflow, input or {}, queue, text, awaited=True)

    async def start_workflow(
        self,
        name: str,
        workflow: str,
        input: dict[str, Json] | None = None,
        *,
        queue: str | None = None,
        key: str | int | None = None,
    ) -> str:
        """Starts another workflow by its name and gives the id of its execution. Only in async functions.

        With a `key` that is the id of whichever execution of the workflow has the key; one is started if none has.
        """
        text = key_text("ctx.start_workflow", key)
        id: str = await self.substeps.begin_workflow(name, workflow, input or {}, queue, text, awaited=False)
        return id

    async def join(self, name: str, execution: str) -> Any:
        """Waits for the end of an execution that `start_workflow` started in this function, and gives its output.

        The execution is suspended meanwhile; errors are those of `call_workflow`.
        """
        return await self.substeps.join(name, execution)


class _SubContext(StepContext):
    """The context of a sub-step: a place of its own, with the log and the fate of its step."""

    def __init__(self, outer: StepContext, name: str, attempt: int) -> None:
        self._outer = outer
        self.execution_id = outer.execution_id
        self.node = f"{outer.node}/{name}"
        self.attempt = attempt
        self._count = 0
        self._notes = outer._notes
        self._port = outer._port
        self.timeout = None
        self.transactions = outer.transactions
        self.substeps = outer.substeps

    @property
    def is_cancelled(self) -> bool:
        return self._outer.is_cancelled
