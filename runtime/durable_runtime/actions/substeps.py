"""Code first: a step's function makes calls that are checkpointed one by one, and is entered from its top again.

A call that is over gives what is stored and does nothing. One call at a time: which call is which is known by its
place in their order, and by its name.

Suspending goes around the author's code. An async function is driven by `drive`; a call that has to wait hands it a
value instead of a future, and the coroutine is closed as a generator is. No exception of the engine's comes by an
`except`, and the function is entered again when the time has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec

from durable_dsl import Retry
from durable_dsl.graph import RetryPolicy
from durable_runtime.actions.arguments import ContextMisuse, check_name, policy_of, span_of
from durable_runtime.actions.calling import call_async, call_plain, is_async, raised_by, takes_ctx
from durable_runtime.actions.connections import Transactions
from durable_runtime.actions.driving import Parked, drive, leave
from durable_runtime.actions.masking import Masks
from durable_runtime.actions.order import OrderChanged, differs, order_changed
from durable_runtime.actions.port import Again, Answer, Port, Redo, RunPlain
from durable_runtime.core.calls import SubStep
from durable_runtime.core.checkpoints import Emitted, Json
from durable_runtime.core.commands import Perform
from durable_runtime.core.outcomes import Failure, Success
from durable_runtime.core.substeps import Await, Begun, Join, Pause, Published, SubOutcome
from durable_runtime.core.values import NotStorable, encode


class Substeps:
    """The calls of one attempt, in their order. `within` gives the context of a sub-step by name and attempt."""

    def __init__(
        self, perform: Perform, port: Port, within: Callable[[str, int], object], transactions: Transactions
    ) -> None:
        self._perform = perform
        self._port = port
        self._within = within
        self._transactions = transactions
        self.runs_one = False
        """True while the function of a sub-step runs."""
        self._place = (perform.path, 0)
        self.runs_async = False
        """Whether what runs now is async."""
        self._position = 0
        self._names: dict[str, int] = {}
        self._calling: str | None = None
        self._is_left = False
        self._task: asyncio.Task[Any] | None = None
        self._now = perform.began_at
        self._is_async = False
        self._run_plain: RunPlain | None = None
        self._told: list[tuple[str, Emitted]] = []
        self._told_in_sub: list[Emitted] = []
        self._started: set[str] = set()
        self.masks: Masks | None = None
        self.broken: Failure | None = None
        """Set when the order of calls has changed, whatever the function makes of it."""

    def begin(self, *, is_async: bool, run_plain: RunPlain) -> None:
        """Says how the function runs."""
        self._is_async = self.runs_async = is_async
        self._run_plain = run_plain

    def now(self) -> datetime:
        return self._now

    @property
    def is_replaying(self) -> bool:
        """True while the function comes by what it did before: what it says there was said already."""
        done = len(self._perform.done)
        if self._calling is not None:
            return False
        return self._position < done or (self._position == done and self._perform.next_attempt > 1)

    @property
    def running(self) -> str | None:
        """The name of the call whose function runs."""
        return self._calling if self.runs_one else None

    @property
    def place(self) -> tuple[str, int]:
        """What runs now: the path of the step and 0, or the path of its call and the attempt of that."""
        return self._place if self.runs_one else (self._perform.path, 0)

    def check_end(self) -> Failure | None:
        """Tells what is wrong with the calls of a function that has returned."""
        if self.broken is None and self._position < len(self._perform.done):
            was = self._perform.done[self._position]
            self._break(f"returned before '{was.name}'")
        return self.broken

    def take_told(self) -> tuple[Emitted, ...]:
        """Takes what the function has sent since its last call."""
        told, self._told = self._told, []
        return tuple(emitted for _name, emitted in told)

    # -- the calls

    def tell(self, what: str, emitted: Emitted) -> None:
        """Sends an event with the next checkpoint of this function, or of the sub-step that runs."""
        payload = emitted.payload if self.masks is None else self.masks.value(emitted.payload)
        try:
            emitted = msgspec.structs.replace(emitted, payload=encode(payload)[1])
        except NotStorable as error:
            raise ContextMisuse(f"ctx.{what}: the payload cannot be stored: {error}") from None
        if self.runs_one:
            self._told_in_sub.append(emitted)
            return
        own = self._enter(what)
        try:
            found = self._find_plain(own)
            if found is None:
                self._told.append((own, emitted))
                self._position += 1
            else:
                self._leave(found)
        finally:
            self._calling = None

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        retry: Retry | int | None,
    ) -> Any:
        policy = policy_of(retry)
        if self._is_async:
            return self._step(name, function, args, kwargs, policy)
        return self._step_plain(name, function, args, kwargs, policy)

    async def _step(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        retry: RetryPolicy,
    ) -> Any:
        own = self._enter(name)
        try:
            found = await self._find(own, waits=False)
            if found is not None:
                return self._leave(found)
            attempt = self._perform.next_attempt if self._is_next else 1
            while True:
                started_at = self._port.now()
                outcome = await self._run(function, args, self._keywords(function, kwargs, own, attempt))
                sub = self._sub(own, attempt, outcome, retry, started_at)
                match answer := self._heard(await self._port.note(sub, self._transactions.take_sub())):
                    case SubStep():
                        return self._leave(answer)
                    case Again():
                        await self._leave_function(Parked())
                    case Redo():
                        continue
        finally:
            self._calling = None

    def _step_plain(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        retry: RetryPolicy,
    ) -> Any:
        own = self._enter(name)
        try:
            found = self._find_plain(own)
            if found is not None:
                return self._leave(found)
            attempt = self._perform.next_attempt if self._is_next else 1
            while True:
                keywords = self._keywords(function, kwargs, own, attempt)
                started_at = self._port.now()
                self.runs_one = True
                try:
                    outcome = call_plain(function, args, keywords)
                finally:
                    self.runs_one = False
                sub = self._sub(own, attempt, outcome, retry, started_at)
                match answer := self._heard(self._port.note_and_wait(sub, self._transactions.take_sub())):
                    case SubStep():
                        return self._leave(answer)
                    case Again(due_at, attempt):
                        self._port.wait_until(due_at)
                    case Redo():
                        continue
        finally:
            self._calling = None

    async def sleep(self, name: str, duration: timedelta | str) -> None:
        await self._wait("sleep", name, Pause(span_of("ctx.sleep", duration)))

    async def wait(self, what: str, name: str, awaited: Await) -> Json:
        """Waits for something from outside; `what` is the method that the function called."""
        if self.masks is not None:
            awaited = msgspec.structs.replace(awaited, spec=self.masks.value(awaited.spec))
        return await self._wait(what, name, awaited)

    async def _wait(self, what: str, name: str, outcome: Pause | Await | Join) -> Json:
        own = self._enter(name)
        try:
            self._must_be_async(what)
            found = await self._find(own, waits=True)
            if found is None:
                await self._leave_function(Parked(self._placed(SubOutcome(index=0, name=own, outcome=outcome))))
            return self._leave(found)
        finally:
            self._calling = None

    def publish(self, name: str, value: Json) -> Any:
        shown = Published({name: encode(value if self.masks is None else self.masks.value(value))[1]})
        return self._publish(name, shown) if self._is_async else self._publish_plain(name, shown)

    async def _publish(self, name: str, shown: Published) -> None:
        own = self._enter(name)
        try:
            sub = self._placed(SubOutcome(index=0, name=own, outcome=shown))
            self._leave(await self._find(own, waits=False) or self._heard(await self._port.note(sub)))
        finally:
            self._calling = None

    def _publish_plain(self, name: str, shown: Published) -> None:
        own = self._enter(name)
        try:
            sub = self._placed(SubOutcome(index=0, name=own, outcome=shown))
            self._leave(self._find_plain(own) or self._heard(self._port.note_and_wait(sub)))
        finally:
            self._calling = None

    async def begin_workflow(
        self, name: str, workflow: str, input: dict[str, Json], queue: str | None, key: str | None, *, awaited: bool
    ) -> Json:
        """Starts another execution, and waits for its end if it is awaited."""
        waits = awaited or key is not None
        own = self._enter(name)
        try:
            self._must_be_async("call_workflow" if awaited else "start_workflow")
            found = await self._find(own, waits=waits)
            if found is not None:
                return self._started_by(found, awaited, key)
            shown = input if self.masks is None else self.masks.value(input)
            refused = await self._port.find_target(own, workflow, shown, queue, key, awaited=awaited)
            outcome = refused if refused is not None else Begun(workflow, awaited, key)
            sub = self._placed(SubOutcome(index=0, name=own, outcome=outcome))
            if waits and refused is None:
                await self._leave_function(Parked(sub))
            return self._started_by(self._heard(await self._port.note(sub)), awaited, key)
        finally:
            self._calling = None

    def _started_by(self, found: Answer, awaited: bool, key: str | None) -> Json:
        """Ends a call that starts an execution; what it started on its own can be joined."""
        if isinstance(found, SubStep) and not awaited and key is None and found.error is None:
            self._started.add(found.result)
        return self._leave(found)

    async def join(self, name: str, execution: str) -> Json:
        """Waits for the end of an execution that the function started before."""
        if execution not in self._started:
            raise ContextMisuse(
                f"ctx.join waits for what ctx.start_workflow gave in this function, without a key, not {execution!r}; "
                "to wait for whoever has a key, give it to ctx.call_workflow"
            )
        return await self._wait("join", name, Join(execution))

    # -- which call this is

    @property
    def _is_next(self) -> bool:
        """True at the first call that is not over yet: what is stored of it counts, later ones begin at 1."""
        return self._position == len(self._perform.done)

    def _enter(self, name: str) -> str:
        """Begins a call and gives its name with the repeats counted. Raises `ContextMisuse`."""
        check_name(name)
        if self._is_left:
            raise ContextMisuse(f"'{name}' was called while the function is closed; it will be entered again")
        if self._calling is not None:
            raise ContextMisuse(
                f"'{name}' was called while '{self._calling}' is under way; make one call of ctx after the other, "
                "and use parallel or foreach for what shall happen at once"
            )
        if self._task is not None and asyncio.current_task() is not self._task:
            raise ContextMisuse(f"'{name}' was called in another task than its function's; await it there")
        count = self._names[name] = self._names.get(name, 0) + 1
        self._calling = name if count == 1 else f"{name}#{count}"
        return self._calling

    async def _find(self, own: str, *, waits: bool) -> SubStep | None:
        problem = differs(self._stored(), own, waits=waits)
        if problem is not None:
            await self._leave_function(self._break(problem))
        return self._stored()

    def _find_plain(self, own: str) -> SubStep | None:
        problem = differs(self._stored(), own, waits=False)
        if problem is not None:
            self._break(problem)
            raise OrderChanged(problem)
        return self._stored()

    def _stored(self) -> SubStep | None:
        done = self._perform.done
        return done[self._position] if self._position < len(done) else None

    def _break(self, what: str) -> Failure:
        self.broken = order_changed(self._perform, self._position, what)
        return self.broken

    def _leave(self, found: Answer) -> Json:
        """Ends a call with what is stored of it."""
        assert isinstance(found, SubStep)
        self._position += 1
        self._now = found.at
        if found.error is not None:
            raise raised_by(found.error)
        # A value of the function's own: what it changes in place must not change what is stored.
        return msgspec.json.decode(msgspec.json.encode(found.result))

    # -- running and waiting

    def _sub(
        self,
        own: str,
        attempt: int,
        outcome: Success | Failure,
        retry: RetryPolicy,
        started_at: datetime,
    ) -> SubOutcome:
        hidden = outcome if self.masks is None else self.masks.outcome(outcome)
        emitted, self._told_in_sub = tuple(self._told_in_sub), []
        sub = SubOutcome(
            index=0, name=own, attempt=attempt, outcome=hidden, retry=retry, started_at=started_at, emitted=emitted
        )
        return self._placed(sub)

    def _placed(self, sub: SubOutcome) -> SubOutcome:
        """Gives a call its place, which is behind what was told since the call before and goes with it."""
        return msgspec.structs.replace(sub, index=self._position - len(self._told), told=tuple(self._told))

    def _heard(self, answer: Answer) -> Answer:
        """Takes the answer to a call: what was told before it is stored with it, unless it was all undone."""
        if not isinstance(answer, Redo):
            self._told.clear()
        return answer

    async def _leave_function(self, reason: Parked | Failure) -> NoReturn:
        self._is_left = True
        await leave(reason)

    def _must_be_async(self, what: str) -> None:
        if not self._is_async:
            raise ContextMisuse(f"ctx.{what} suspends the function, which only an async one can; make it async")

    def _keywords(
        self, function: Callable[..., Any], kwargs: Mapping[str, Any], own: str, attempt: int
    ) -> dict[str, Any]:
        keywords, self._place = dict(kwargs), (f"{self._perform.path}/{own}", attempt)
        if "ctx" not in keywords and takes_ctx(function):
            keywords["ctx"] = self._within(own, attempt)
        return keywords

    async def _run(
        self, function: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]
    ) -> Success | Failure:
        if not is_async(function):
            assert self._run_plain is not None
            self.runs_async, self.runs_one = False, True
            try:
                return await self._run_plain(lambda: call_plain(function, args, keywords))
            finally:
                self.runs_async, self.runs_one = True, False
        self.runs_one = True
        try:
            return await call_async(function, args, keywords)
        finally:
            self.runs_one = False

    async def drive(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Awaits an async function; gives its result, or `Parked` or a `Failure` when it was left in the middle."""
        self._task = asyncio.current_task()
        return await drive(call)
