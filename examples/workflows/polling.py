"""The functions that `polling.yaml` calls. What is asked of the service are `http` steps."""

from __future__ import annotations

from durable_runtime import StepContext
from examples.workflows.desk import file_paper


def write_words(words: dict[str, int], ctx: StepContext) -> str:
    """Writes how often each word is there, the most frequent first."""
    ordered = dict(sorted(words.items(), key=lambda entry: (-entry[1], entry[0])))
    return file_paper(ctx, "words", words=ordered)


def write_note(job: str, looked: int, ctx: StepContext) -> str:
    """Notes that nobody waits for a job any more."""
    return file_paper(ctx, "words", given_up=job, looked=looked)
