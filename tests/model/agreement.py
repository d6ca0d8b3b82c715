"""What an engine made of an execution beside what the reference says of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from durable_runtime.core.checkpoints import Checkpoint
from tests.model.choices import Choices, every_way
from tests.model.outcome import ANY, Entry, Story
from tests.model.reference import Graphs, story_of
from tests.model.steps import OUTER

_ENDS = {"completed": "completed", "collected": "completed"} | {
    kind: kind for kind in ("skipped", "failed", "caught", "ignored", "compensated", "timed_out", "answered")
}


@dataclass
class Observed:
    """What became of an execution. `began` counts how often each attempt (path, number) began."""

    status: str
    output: Any
    error: dict[str, Any] | None
    history: Sequence[Checkpoint]
    began: Counter[tuple[str, int]]

    @property
    def is_cancelled(self) -> bool:
        """Whether it ended because someone cancelled it, with or without undoing."""
        return self.error is not None and self.error["type"] == "Cancelled"


def disagreements(graphs: Graphs, workflow: str, input: dict[str, Any], observed: Observed) -> list[str]:
    """Lists what the reference does not allow, by the way that comes closest; nothing when one way fits."""
    closest: list[str] | None = None
    completed = {checkpoint.path for checkpoint in observed.history if checkpoint.kind == "completed"}

    def tell(choices: Choices) -> Story:
        return story_of(graphs, workflow, input, choices, completed, cancelled=observed.is_cancelled)

    for story in every_way(tell):
        found = differences(story, observed)
        if not found:
            return []
        if closest is None or len(found) < len(closest):
            closest = found
    return closest or []


def differences(story: Story, observed: Observed) -> list[str]:
    """Lists in what an execution differs from one story of it."""
    return [*_of_the_end(story, observed), *_of_checkpoints(story, observed), *_of_attempts(story, observed)]


def _of_the_end(story: Story, observed: Observed) -> Iterable[str]:
    if observed.is_cancelled:
        return  # the invariants say which status it may have
    if observed.status != story.status:
        yield f"it is {observed.status} ({observed.error}) instead of {story.status} ({story.error})"
    elif story.status == "completed" and not alike(observed.output, story.output):
        yield f"its output is {text(observed.output)} instead of {text(story.output)}"
    elif story.status != "completed":
        assert story.error is not None
        assert observed.error is not None
        for key in ("type", "node", "attempt"):
            if observed.error[key] != getattr(story.error, key):
                yield f"the {key} of its error is {observed.error[key]!r} instead of {getattr(story.error, key)!r}"


def _of_checkpoints(story: Story, observed: Observed) -> Iterable[str]:
    stored: dict[str, list[Checkpoint]] = {}
    numbers: dict[str, int] = {}
    for checkpoint in observed.history:
        if checkpoint.kind in _ENDS and checkpoint.path:
            stored.setdefault(checkpoint.path, []).append(checkpoint)
            if checkpoint.kind not in ("caught", "answered"):
                numbers[checkpoint.path] = checkpoint.seq
    told: dict[str, list[Entry]] = {}
    for entry in story.entries:
        told.setdefault(entry.path, []).append(entry)
    for path, checkpoints in stored.items():
        entries = told.get(path, [])
        if len(checkpoints) > len(entries):
            yield f"{path} ended {[one.kind for one in checkpoints]} instead of {[one.kind for one in entries]}"
        for checkpoint, entry in zip(checkpoints, entries, strict=False):
            yield from _of_entry(checkpoint, entry)
    for path, entries in told.items():
        missing = entries[len(stored.get(path, [])) :]
        if any(entry.certain for entry in missing):
            yield f"{path} has not ended as {[entry.kind for entry in missing]}"
    for before, after in story.pairs:
        if before in numbers and after in numbers and numbers[before] > numbers[after]:
            yield f"{after} ended before {before}"


def _of_entry(checkpoint: Checkpoint, entry: Entry) -> Iterable[str]:
    if _ENDS[checkpoint.kind] != entry.kind:
        yield f"{entry.path} is {checkpoint.kind} instead of {entry.kind}"
        return
    if entry.error is not None:
        error = checkpoint.error
        found = (error.type, error.node, error.attempt) if error is not None else None
        if found != (entry.error.type, entry.error.node, entry.error.attempt):
            yield f"the error of {entry.path} is {error} instead of {entry.error}"
    result = checkpoint.result
    if entry.kind == "answered":
        word = result["of"].partition(" ")[0]
        result = {**result, "of": result["of"] if word in ("while", "until") else word}
    passes_on = entry.passes_on and checkpoint.result is None
    if (
        entry.kind in ("completed", "caught", "compensated", "timed_out", "answered")
        and not passes_on
        and not alike(result, entry.result)
    ):
        yield f"the result of {entry.path} is {text(result)} instead of {text(entry.result)}"


def _of_attempts(story: Story, observed: Observed) -> Iterable[str]:
    """Every attempt that the reference makes begins, at least once; nothing else does."""
    told = story.attempts
    for path, number in observed.began:
        outer, attempt = divmod(number, OUTER)
        there = told.get(path, {}).get(outer)
        if there is None or attempt > there.count:
            yield f"attempt {attempt} of {path} began, which there is not"
    for path, tries in told.items():
        for outer, attempts in tries.items():
            for attempt in range(1, attempts.count + 1):
                if attempts.certain and attempts.noted and not observed.began[path, outer * OUTER + attempt]:
                    yield f"attempt {attempt} of {path} never began"
    retries = Counter(checkpoint.path for checkpoint in observed.history if checkpoint.kind == "retrying")
    for path, count in retries.items():
        tries = told.get(path, {})
        most = sum(attempts.count - 1 for attempts in tries.values())
        if count > most or (count < most and all(attempts.certain for attempts in tries.values())):
            yield f"{path} was tried again {count} times instead of {most}"


def text(value: Any) -> str:
    """Gives a value as JSON, which shows the order of keys and the types of numbers."""
    return json.dumps(value)


def alike(observed: Any, told: Any) -> bool:
    """Compares values, their types and the order of their keys included."""
    if told == ANY:
        return True
    if type(observed) is not type(told):
        return False
    if isinstance(told, dict):
        return list(observed) == list(told) and all(alike(observed[key], value) for key, value in told.items())
    if isinstance(told, list):
        return len(observed) == len(told) and all(map(alike, observed, told))
    return bool(observed == told)
