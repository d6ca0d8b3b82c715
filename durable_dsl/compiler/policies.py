"""Durations and retry policies of a document in the graph's terms: milliseconds, and whole policies."""

from __future__ import annotations

from datetime import timedelta

from durable_dsl import document
from durable_dsl.durations import parse_duration
from durable_dsl.errors import Position
from durable_dsl.findings import Findings
from durable_dsl.graph import ONE_ATTEMPT, Milliseconds, RetryPolicy
from durable_dsl.places import Path
from durable_dsl.suggestions import did_you_mean


def milliseconds(
    text: str, path: Path, near: Position | None, findings: Findings, *, positive: bool = False
) -> Milliseconds:
    """Gives a constant duration in milliseconds; records W106 and gives 0 when the text is none."""
    try:
        span = parse_duration(text)
    except ValueError as error:
        findings.add("W106", str(error), findings.place(path, near))
        return 0
    if positive and not span:
        findings.add(
            "W106",
            f"'{text}' leaves no time at all",
            findings.place(path, near),
            hint="write a duration above zero, or leave the key out",
        )
    return round(span / timedelta(milliseconds=1))


def has_expression(text: str) -> bool:
    """Tells whether a text holds `${ … }`, so that its value is known only when it runs."""
    return "${" in text.replace("$${", "")


def retry_policy(
    retry: document.Retry | str | None,
    retries: dict[str, RetryPolicy],
    path: Path,
    near: Position | None,
    findings: Findings,
) -> RetryPolicy:
    """Gives the whole policy that a step, the defaults or nothing (one attempt) asks for."""
    match retry:
        case None:
            return ONE_ATTEMPT
        case str():
            if retry in retries:
                return retries[retry]
            known = ", ".join(retries) or "none; define it under 'retries'"
            findings.add(
                "W107",
                f"there is no retry policy '{retry}'",
                findings.place(path, near),
                hint=did_you_mean(retry, retries) or f"policies: {known}",
            )
            return ONE_ATTEMPT
        case document.Retry():
            return whole_policy(retry, path, near, findings)


def whole_policy(retry: document.Retry, path: Path, near: Position | None, findings: Findings) -> RetryPolicy:
    """Gives a written policy with its durations, which must be constant: a policy belongs to no instance."""

    def constant(key: str, text: str) -> Milliseconds:
        if has_expression(text):
            findings.add(
                "W115",
                f"'{key}' of a retry policy must be a constant duration",
                findings.place((*path, key), near),
                hint="for a wait that depends on data raise Retry(after=…) in the function",
            )
            return 0
        return milliseconds(text, (*path, key), near, findings)

    unbounded = retry.max_elapsed is None or retry.max_elapsed == "none"
    return RetryPolicy(
        max_attempts=retry.max_attempts,
        backoff=retry.backoff,
        delay=constant("delay", retry.delay),
        factor=float(retry.factor),
        max_delay=constant("max_delay", retry.max_delay),
        max_elapsed=None if unbounded else constant("max_elapsed", str(retry.max_elapsed)),
        jitter=retry.jitter if retry.jitter == "full" else float(retry.jitter),
        only=retry.only,
        except_=retry.except_,
        when=retry.when.strip() if retry.when is not None else None,
    )
