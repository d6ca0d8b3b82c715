"""What a run has put into its state and not yet stored, and everything that is stored with it."""

from __future__ import annotations

from collections.abc import Callable

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.state import State
from durable_runtime.store.progress import Progress
from durable_runtime.store.protocol import Claimed, Commit, End, Suspend
from durable_runtime.store.seen import LogLine
from durable_runtime.store.streams import Written
from durable_runtime.worker.attempts import Attempts, Ended
from durable_runtime.worker.children import Outgoing
from durable_runtime.worker.open_waits import OpenWaits
from durable_runtime.worker.snapshots import Snapshots
from durable_runtime.worker.telling import answer_of


class Unsent:
    """Gathers until a commit of it is stored; a commit that was refused is followed by one with all of it and more.

    While one is on its way only checkpoints with their outcomes may be added, which wait for the next.

    `outcomes` are what its checkpoints came from, `requests` the inbox rows that they answer, `outgoing` what goes to
    other executions.
    """

    def __init__(self, claimed: Claimed, state: State, snapshots: Snapshots) -> None:
        self.outgoing = Outgoing(claimed)
        self._snapshots = snapshots
        self.open_waits = OpenWaits(state)
        self.checkpoints: list[Checkpoint] = []
        self.outcomes: list[Ended] = []
        self._sent = (0, 0)
        self.requests: list[int] = []
        self._answers: list[Callable[[], None]] = []
        self._lines: list[LogLine] = []
        self._written: list[Written] = []
        self._progress: dict[str, Progress] = {}

    def add(self, computed: list[Checkpoint]) -> None:
        """Takes checkpoints that were computed, with the events that they send."""
        self.checkpoints.extend(computed)
        self.outgoing.emit(computed)

    def add_outcome(self, ended: Ended, checkpoints: list[Checkpoint]) -> None:
        """Notes where the last checkpoints came from, and who waits in the middle of a function for them to be stored.

        What the function sends goes with them.
        """
        self.outcomes.append(ended)
        if ended.told or ended.sub is not None:
            self.outgoing.emit(self.checkpoints[-len(checkpoints) :])
        hear = ended.hear
        if hear is not None:
            answer = answer_of(checkpoints[-1], ended.command.path)
            self._answers.append(lambda: hear(answer))

    def commit(self, key: int, seen: int, move: Suspend | End | None, attempts: Attempts, state: State) -> Commit:
        """Gives everything as a commit, with what attempts have told by now.

        What has to look for events does not rest yet: it is stored first, and looks afterwards.
        """
        if isinstance(move, Suspend) and self.open_waits.must_look(state):
            move = None
        if attempts.have_told:
            self.take_notes(attempts)
        self._sent = (len(self.checkpoints), len(self.outcomes))
        commit = Commit(key=key, seen=seen, checkpoints=self.checkpoints.copy(), move=move)
        if self.outgoing.has_any:
            commit.starts, commit.sends, commit.emits = self.outgoing.taken()
            commit.tells = self.outgoing.publishes
        if isinstance(move, End):
            commit.sends += self.outgoing.at_end(move, state)
        if state.has_awaited or self.open_waits.any_stored:
            commit.opens, commit.closes = self.open_waits.changes(state, ends=isinstance(move, End))
        if state.seq >= self._snapshots.next_at or self._snapshots.watches:
            commit.snapshots = self._snapshots.take(state, self.checkpoints, move)
        if self.requests:
            commit.requests = tuple(self.requests)
        if self._lines or self._progress or self._written:
            commit.logs, commit.progress = tuple(self._lines), tuple(self._progress.values())
            commit.writes = tuple(self._written)
            commit.tells = commit.tells or bool(self._written)
        return commit

    def without_checkpoints(self, key: int, seen: int, move: End, state: State) -> Commit:
        """Gives an end that follows from none of it: a retry reads what was sent until then once more."""
        sends = self.outgoing.at_end(move, state)
        opens, closes = self.open_waits.changes(state, ends=True)
        return Commit(
            key=key,
            seen=seen,
            checkpoints=[],
            move=move,
            sends=sends,
            opens=opens,
            closes=closes,
            snapshots=self._snapshots.at_end(),
        )

    def take_notes(self, attempts: Attempts) -> bool:
        """Takes what attempts have told; tells whether there is any of it to write."""
        lines, progress, written = attempts.take_notes()
        self._lines += lines
        self._written += written
        self._progress.update(progress)
        return bool(self._lines or self._progress or self._written)

    def stored(self) -> None:
        """What was sent is stored: whoever waits for that goes on."""
        checkpoints, outcomes = self._sent
        del self.checkpoints[:checkpoints], self.outcomes[:outcomes]
        answers = self._answers
        self._sent, self.requests, self._answers = (0, 0), [], []
        if self._lines or self._progress or self._written:
            self._lines, self._progress, self._written = [], {}, []
        if self.outgoing.has_any:
            self.outgoing.forget()
        self.open_waits.committed()
        if self._snapshots.taken is not None:
            self._snapshots.stored()
        for answer in answers:
            answer()

    def drop(self) -> list[Ended]:
        """Forgets what is in no checkpoint yet; gives the outcomes, which are to be taken in once more."""
        outcomes, self._snapshots.taken = self.outcomes, None
        self.checkpoints, self.outcomes, self._sent = [], [], (0, 0)
        self.requests, self._answers = [], []
        self.outgoing.forget()
        return outcomes
