"""What clients tell executions from outside: events, answers, that a wait is over. And what is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from durable_runtime.client import options
from durable_runtime.client.ids import known, new_id, unknown
from durable_runtime.client.insight import Insight
from durable_runtime.client.session import Session
from durable_runtime.core.answers import problems_of
from durable_runtime.core.open_waits import EVENT_NAME, matches
from durable_runtime.core.values import NotStorable, as_key, encode
from durable_runtime.errors import (
    InvalidAnswer,
    InvalidInput,
    InvalidOption,
    UnknownWait,
    WrongStatus,
)
from durable_runtime.store.protocol import TERMINAL

if TYPE_CHECKING:
    from durable_runtime.store.seen import PendingWait

Json: TypeAlias = Any

KINDS = ("event", "ask", "approval", "choice", "text", "form", "json")


class Outside:
    """The part of a client that speaks to executions which wait."""

    _session: Session
    _insight: Insight

    async def send_event(self, id: str, name: str, payload: Json = None, *, once: str | None = None) -> None:
        """Sends an event to an execution; once this returns, nothing can lose it.

        It is kept until a wait takes it, whether that is open already or opens later, and is taken once; those of one
        name the oldest first. A failure and a retry in between change nothing. `once` is your own id for it: sent again
        with the same, to the same execution, it counts as one event, also after that was taken and after the execution
        has ended.

        Raises `UnknownExecution`, `WrongStatus` when it has ended (a failed one takes events again once it is retried),
        `InvalidInput` for a payload that cannot be stored, `InvalidOption` for a name that no event can have, or a
        `once` that is no text.
        """
        public_id = known(id)
        mark = {"id": new_id()} if once is None else {"once": options.check_once(once)}
        stored = storable({**mark, "name": check_event_name(name), "payload": payload}, "the payload")
        status = await self._session.ask(lambda store: store.send_request(public_id, "event", stored))
        if status is None:
            raise unknown(id)
        if status not in TERMINAL:
            self._session.hint()
        elif once is None or not await self._session.ask(lambda store: store.was_received(public_id, once)):
            advice = "; retry it first, and send the event again then" if status == "failed" else ""
            raise WrongStatus(f"the execution {id} is {status}: it takes no more events{advice}")

    async def emit(self, name: str, key: str | int, payload: Json = None, *, connection: Any = None) -> None:
        """Sends an event to every execution that waits for its name and key, now or later.

        It reaches those that wait for it, and those that were started before it was sent and wait later, once each, and
        cancels those whose workflow says so in `cancel_on`. It is kept for seven days, or as `keep_events` says. Once
        this returns, nothing can lose it. With `connection`, a psycopg connection, it is sent when the caller's
        transaction commits, or not at all.

        Raises `InvalidInput` for a payload that cannot be stored, `InvalidOption` for a name or key that no event can
        have.
        """
        check_event_name(name)
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise InvalidOption(f"the key of an event is a text or a whole number, not {key!r}")
        text = as_key(storable(key, "the key"))
        stored = encode(storable(payload, "the payload"))[0]
        sent_by = new_id()
        hint = "" if self._session.hints_at_commit else None
        await self._session.ask(
            lambda store: store.emit_event(name, text, stored, sent_by, connection=connection, hint=hint)
        )
        if connection is None:
            self._session.hint()

    async def keep_events(self, name: str, span: timedelta) -> None:
        """Says how long events of a name that were sent by key are kept for waits that open later; seven days else.

        Raises `InvalidOption` for a name that no event can have, or a negative span.
        """
        check_event_name(name)
        if span < timedelta():
            raise InvalidOption(f"events cannot be kept for {span}")
        await self._session.ask(lambda store: store.keep_events(name, span))

    async def list_pending(
        self,
        *,
        execution: str | None = None,
        workflow: str | None = None,
        assignee: str | None = None,
        kind: str | None = None,
        limit: int = 50,
    ) -> list[PendingWait]:
        """Gives what executions wait for from outside, the oldest first.

        `kind` is `event`, `ask`, or one kind of ask: `approval`, `choice`, `text`, `form`, `json`. Filters that are not
        given let everything through. Raises `UnknownExecution`, and `InvalidOption` for another kind or a limit outside
        of 1 to 1000.
        """
        if kind is not None and kind not in KINDS:
            raise InvalidOption(f"{kind!r} is nothing to wait for; there are {', '.join(KINDS)}")
        limit = options.check_limit(limit)
        public_id = None if execution is None else known(execution)
        found = await self._session.ask(
            lambda store: store.list_pending(
                public_id=public_id, workflow=workflow, assignee=assignee, kind=kind, limit=limit
            )
        )
        if public_id is not None and not found:
            await self._find_or_raise(public_id)
        return found

    async def provide_input(
        self, id: str, wait: str, value: Json, *, by: str | None = None, comment: str | None = None
    ) -> None:
        """Answers what people are asked; once this returns, nothing can lose the answer.

        `wait` is the name of the wait, `name.label` in a wait for several things, or the path of one instance
        (`lines[3]/approval`) when several are open. `value` is true or false for an approval, one of the choices, a
        text, a mapping of a form's fields, or any JSON.

        Raises `UnknownExecution`, `UnknownWait` when no such ask is open or it has its answer, `InvalidAnswer` with
        every reason why the value does not fit; then the wait stays open.
        """
        public_id = known(id)
        found = await self.find_ask(public_id, wait)
        try:
            value = encode(value)[1]
        except NotStorable as error:
            raise InvalidAnswer(f"the answer to {wait!r} cannot be stored: {error}", (str(error),)) from None
        problems = problems_of(found.detail, value)
        if problems:
            told = "\n  ".join([f"the answer to {wait!r} does not fit:", *problems])
            raise InvalidAnswer(told, tuple(problems))
        answer = new_id()
        payload = storable(
            {"path": found.path, "label": found.label, "value": value, "by": by, "comment": comment}, "the answer"
        )
        taken = await self._session.ask(
            lambda store: store.send_answer(public_id, found.path, found.label, answer, payload)
        )
        if not taken:
            raise UnknownWait(f"the execution {id} has had its answer to {wait!r}, or waits for none any more")
        self._session.hint()

    async def cancel_wait(self, id: str, wait: str, *, reason: str | None = None, by: str | None = None) -> None:
        """Ends an open wait, for whatever it waits: it fails with `WaitCancelled`, which its `catch` may take.

        `wait` is its name, or the path of one instance when several are open. Raises `UnknownExecution` and
        `UnknownWait`.
        """
        public_id = known(id)
        row = await self._find_or_raise(public_id)
        open_waits = await self._session.ask(lambda store: self._insight.open_waits(store, row))
        path = _choose(wait, [(path, "") for path in open_waits], id, "wait")[0]
        payload = storable({"path": path, "reason": reason, "by": by}, "the reason")
        status = await self._session.ask(lambda store: store.send_request(public_id, "cancel_wait", payload))
        if status in TERMINAL:
            raise UnknownWait(f"the execution {id} is {status}: none of its waits is open")
        self._session.hint()

    async def find_ask(self, id: str, wait: str) -> PendingWait:
        """Gives what people are asked by a wait, named as for `provide_input`; raises as that does."""
        public_id = known(id)
        rows = await self._session.ask(lambda store: store.list_pending(public_id=public_id, kind="ask", limit=1000))
        if not rows:
            await self._find_or_raise(public_id)
        path, label = _choose(wait, [(row.path, row.label) for row in rows], public_id, "ask")
        return next(row for row in rows if (row.path, row.label) == (path, label))

    async def _find_or_raise(self, public_id: str) -> Any:
        row = await self._session.ask(lambda store: store.find_execution(public_id))
        if row is None:
            raise unknown(public_id)
        return row


def _choose(name: str, places: Sequence[tuple[str, str]], id: str, what: str) -> tuple[str, str]:
    found = [place for place in places if matches(name, *place)]
    if len(found) == 1:
        return found[0]
    told = ", ".join(repr(".".join(filter(None, place))) for place in (found or places)[:10])
    if found:
        raise UnknownWait(f"{name!r} means several open {what}s of the execution {id}: {told}")
    rest = f"open are: {told}" if told else "none is open"
    raise UnknownWait(f"the execution {id} has no open {what} {name!r}; {rest}")


def check_event_name(name: str) -> str:
    """Gives the name back; raises `InvalidOption` when no event in a workflow can have it."""
    if not EVENT_NAME.fullmatch(name):
        raise InvalidOption(
            f"{name!r} cannot be an event: letters, digits and '_', with single '.', ':' or '-' between: order.paid"
        )
    return name


def storable(payload: Json, what: str) -> Json:
    """Gives what will be stored; raises `InvalidInput` when it cannot be."""
    try:
        return encode(payload)[1]
    except NotStorable as error:
        raise InvalidInput(str(error).replace("the value", what, 1), (str(error),)) from None
