"""What others ask of an execution, from its inbox into its state."""

from __future__ import annotations

import logging
from datetime import datetime

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Keys
from durable_runtime.core.evolve import evolve
from durable_runtime.core.program import Program
from durable_runtime.core.requests import answer_to
from durable_runtime.core.rewinding import Past, rewind
from durable_runtime.core.state import State
from durable_runtime.errors import HistoryPruned
from durable_runtime.store.protocol import Inbox
from durable_runtime.worker.children import Outgoing

log = logging.getLogger("durable.asked")

MOST_REFUSALS = 3
"""Refusals of a move in a row without a new signal; then it was not a request that came first: the row is not ours."""


class Answers(msgspec.Struct, frozen=True):
    """The state after the requests, the checkpoints that answer them, and what they touched; None is everything."""

    state: State
    checkpoints: list[Checkpoint]
    touched: list[Keys] | None


class Asked:
    """The requests of one execution, `seen` up to which signal they were read.

    What concerns the children too goes to them with what is `outgoing`. `past` is what a retry needs, which is the
    first thing that is asked of an execution after it had failed.
    """

    def __init__(self, past: Past | None, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        # Requests from before the claim are not read yet: no move may apply before they are.
        self.seen = 0
        self._past = past
        self._refusals = (0, 0)

    def answer(self, program: Program, state: State, inbox: Inbox, answered: list[int], now: datetime) -> Answers:
        """Applies what was not answered before, and adds it to what was."""
        # The root is looked at even when no request says anything new: a refused end has to be decided again.
        touched: list[Keys] | None = [()]
        checkpoints: list[Checkpoint] = []
        self.seen = inbox.signal
        requests = inbox.requests
        if self._past is not None:
            # What came before the failure and was not read any more is told to what goes on after it.
            requests = tuple(sorted(requests, key=lambda request: request[1] != "retry"))
        for request, kind, payload in requests:
            if request in answered:
                continue
            answered.append(request)
            if kind == "retry" and self._past is not None:
                touched = None
                try:
                    checkpoint, state = rewind(program, self._past, payload, now)
                except HistoryPruned as error:
                    # Clients are told before they ask, one of many at once is not: it fails again as it has.
                    log.warning("execution %s cannot be retried: %s", state.execution["id"], error)
                    continue
                checkpoints.append(checkpoint)
                continue
            answer = answer_to(program, state, kind, payload, now)
            if answer is not None:
                state, more = evolve(program, state, answer)
                checkpoints.append(msgspec.structs.replace(answer, seq=state.seq))
                self._outgoing.pass_on(answer, state)
                if touched is not None:
                    touched.extend(more)
        return Answers(state, checkpoints, touched)

    def refused(self, seen: int) -> bool:
        """Counts a move that was refused; true when that was no request that came first: the row is not ours."""
        before, times = self._refusals
        self._refusals = (seen, times + 1 if before == seen else 1)
        return self._refusals[1] >= MOST_REFUSALS

    def stored(self) -> None:
        """Everything answered is stored: what comes later is asked of an execution that goes on."""
        self._past = None
