"""What clients ask of executions that are there: requests, which their owner applies and keeps in the history."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import UNSET

from durable_runtime.client import options
from durable_runtime.client.ids import known, unknown
from durable_runtime.client.ids import new_id as make_new_id
from durable_runtime.client.reading import Reading
from durable_runtime.core.values import encode
from durable_runtime.errors import InvalidOption, WrongStatus
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import TERMINAL, NewExecution, StatementRefused, Status

Json: TypeAlias = Any


class Reopening:
    """One retry that may be sent again after its answer was lost: it is ours if it is open then."""

    def __init__(self, public_id: str, payload: Json) -> None:
        self._id = public_id
        self._payload = {**payload, "asked": make_new_id()}
        self._sent = False

    async def __call__(self, store: PostgresClientStore) -> Status | None:
        sent_before, self._sent = self._sent, True
        found = await store.retry(self._id, self._payload)
        if sent_before and found is not None and found != "failed" and await self._was_taken(store):
            return "failed"
        return found

    async def _was_taken(self, store: PostgresClientStore) -> bool:
        return await store.was_asked(self._id, self._payload["asked"])


class Control(Reading):
    """The part of `AsyncDurable` that changes how executions go on."""

    async def pause(self, id: str, reason: str | None = None, *, by: str | None = None) -> Status:
        """Pauses an execution and gives the status it was found in.

        Once this returns it cannot complete, and once its worker has seen the request nothing more of it begins: no
        step, no retry, no timeout. Attempts that run may end, and what they came to is kept. Times go on, and what is
        due waits for `resume`. Pausing what is paused changes nothing. Raises `UnknownExecution`, and `WrongStatus`
        for one that has ended.
        """
        return await self._request(id, "pause", {"reason": reason, "by": by}, "paused")

    async def resume(self, id: str, reason: str | None = None, *, by: str | None = None) -> Status:
        """Lets a paused execution go on where it stood; what fell due meanwhile is done at once.

        Gives the status it was found in, and changes nothing of one that is not paused. Raises `UnknownExecution`, and
        `WrongStatus` for one that has ended.
        """
        return await self._request(id, "resume", {"reason": reason, "by": by}, "resumed")

    async def retry(self, id: str, reason: str | None = None, *, by: str | None = None) -> None:
        """Lets a failed execution go on from the nodes that failed; what has finished does not run again.

        Its history stays, with a step `rewound` that says what counts no more. The attempts of what failed are counted
        anew, and timeouts begin anew. Events that it was sent before it failed and that no wait has taken are still
        there, and those that were sent by key since are found. Raises `UnknownExecution`, `WrongStatus` for one that
        has not failed, and `HistoryPruned` when that began before what a loop with `keep` has left of the history.
        """
        await self._retry(id, {"reason": reason, "by": by})

    async def _retry(self, id: str, payload: Json) -> None:
        public_id = known(id)
        await self._check_retry(id, payload)
        status = await self._session.ask(Reopening(public_id, payload))
        if status is None:
            raise unknown(id)
        if status != "failed":
            raise WrongStatus(f"the execution {id} is {status}; only a failed one can be retried")
        self._session.hint()

    async def _check_retry(self, id: str, payload: Json) -> None:
        """Raises `HistoryPruned` when what failed cannot be taken back any more."""
        from durable_runtime.core.rewinding import check_rewind

        row = await self._get_row(id)
        program = await self._session.ask(lambda store: self._insight.get_program(store, row))
        if program.keeps_turns and row.status == "failed":
            past = await self._session.ask(lambda store: self._insight.get_past(store, row))
            check_rewind(program, past)

    async def fork(
        self,
        id: str,
        from_node: str,
        input: Json = None,
        *,
        with_output: Json = UNSET,
        reason: str | None = None,
        by: str | None = None,
        queue: str | None = None,
        new_id: str | None = None,
    ) -> str:
        """Starts a new execution that has done what this one had before it began a node; gives its id.

        `from_node` is the path of an instance, of which the last visit counts. It runs next, or has `with_output` as
        its result. `input` takes the place of the other's input for what is still to come; the results of finished
        nodes stay as they are. `queue` and `new_id` are as in a start. The execution itself, which may have any status,
        is left alone. Raises `UnknownExecution`, `InvalidOption`, `InvalidInput`, `WrongStatus` when it never came
        to that node, and `HistoryPruned` when that lies before what a loop with `keep` has left of its history.
        """
        from durable_runtime.client.forking import plan_fork
        from durable_runtime.core.inputs import InputCheck
        from durable_runtime.core.snapshots import snapshot_of

        public_id = options.check_id(new_id) if new_id is not None else make_new_id()
        row = await self._get_row(id)
        program = await self._session.ask(lambda store: self._insight.get_program(store, row))
        past = await self._session.ask(lambda store: self._insight.get_past(store, row))
        now = await self._session.ask(lambda store: store.server_time())
        encoded = (
            encode(row.input)[0]
            if input is None
            else InputCheck(program.graph.workflow, program.graph.input).encode(input)
        )
        payload = {"from": row.id, "node": from_node, "reason": reason, "by": by}
        planned = plan_fork(
            program,
            past,
            row,
            id=public_id,
            node=from_node,
            input=encoded,
            output=with_output,
            payload=payload,
            now=now,
        )
        base = None if planned.base is None else snapshot_of(program, planned.base, pruned=True)
        new = NewExecution(
            public_id=public_id,
            definition_id=row.definition_id,
            workflow=row.workflow,
            input=encoded,
            queue=row.queue if queue is None else options.check_queue(queue),
            priority=row.priority,
            headers=options.check_headers(row.headers),
        )
        sent = False

        async def store_it(store: PostgresClientStore) -> None:
            nonlocal sent
            before, sent = sent, True
            try:
                await store.fork_execution(row.key, new, planned.upto, planned.checkpoint, base)
            except StatementRefused:
                if not before:
                    raise InvalidOption(f"there is an execution with the id {public_id} already") from None

        await self._session.ask(store_it)
        self._session.hint()
        return public_id

    async def set_result(
        self, id: str, node: str, value: Json, reason: str | None = None, *, by: str | None = None
    ) -> None:
        """Gives a node of an execution its result, and lets the flow go on after it.

        `node` is the path of an instance (`charge`, `lines[3]/price`) that is open: running, waiting, between two
        attempts, or where a failed execution failed, which is retried then. What runs of it is stopped, and `value` is
        its result as it stands: neither its `output` nor its `retry` come into it. Raises `UnknownExecution`,
        `InvalidOption` for a node that there is not or a value it cannot have, `WrongStatus` when it is not open.
        """
        from durable_runtime.client.editing import check_edit

        row = await self._get_row(id)
        program = await self._session.ask(lambda store: self._insight.get_program(store, row))
        past = await self._session.ask(lambda store: self._insight.get_past(store, row))
        edit = check_edit(program, past, row, node, value)
        payload = {"reason": reason, "by": by, "edit": edit}
        if row.status == "failed":
            await self._retry(id, payload)
        else:
            await self._request(id, "set_result", payload, "edited")

    async def _request(self, id: str, kind: str, payload: Json, participle: str) -> Status:
        """Sends a request that only an execution which has not ended can take."""
        public_id = known(id)
        status = await self._session.ask(lambda store: store.send_request(public_id, kind, payload))
        if status is None:
            raise unknown(id)
        if status in TERMINAL:
            raise WrongStatus(f"the execution {id} is {status}; only one that has not ended can be {participle}")
        self._session.hint()
        return status
