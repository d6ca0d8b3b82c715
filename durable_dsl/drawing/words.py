"""What a drawing says about a node: the few facts that tell it apart, in texts that no format can choke on."""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from typing import assert_never

from durable_dsl.durations import format_duration
from durable_dsl.graph import (
    END,
    Action,
    Awaited,
    Branch,
    Call,
    Catch,
    Child,
    Decision,
    Emit,
    Fail,
    Finish,
    Foreach,
    Group,
    Http,
    Json,
    Log,
    Loop,
    Node,
    Parallel,
    Publish,
    RetryPolicy,
    Set,
    Shell,
    Span,
    Sql,
    Start,
    Step,
    Use,
    Wait,
)

FACT = 44
"""Characters of one fact before it is shortened."""

LABEL = 36
"""Characters of a text on an edge."""

CLOCK, EVENT, PERSON, SEVERAL = "◷", "◈", "♙", "⊕"
"""Stand before a wait for a time, an event, a person, or several of these."""

UNDO = "↩"
"""Stands before what undoes a step."""

OTHERWISE = "otherwise"

ON_FAILURE = "on failure"


def clean(text: str) -> str:
    """Gives one line without anything that a terminal, XML or a font takes for a command.

    Control characters, lone surrogates and marks that turn the writing direction become spaces or `�`.
    """
    kept = "".join(map(_printable, text))
    return " ".join(kept.split())


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if unicodedata.category(character) in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    # This one holds the parts of an emoji together.
    return character if character == "\u200d" else "�"


def shorten(text: str, limit: int) -> str:
    """Gives the cleaned text, cut to `limit` characters with a … where something is missing."""
    # Cut before it is cleaned: a condition of a megabyte would otherwise be walked for every format.
    head = clean(text[: limit * 8])
    if len(head) <= limit and len(text) <= limit * 8:
        return head
    return head[: limit - 1].rstrip() + "…"


def span_text(span: Span) -> str:
    """Writes a span as people do, `1h30m`; a template stays as it is."""
    return span if isinstance(span, str) else format_duration(timedelta(milliseconds=span))


def title(node: Node) -> str:
    return shorten(node.name, FACT)


def kind_word(node: Node) -> str:
    """Gives the word that stands before a node's name; a step needs none."""
    return "" if isinstance(node, Step) else type(node).__name__.lower()


def facts(node: Node) -> list[str]:
    """Lists what a reader wants to know about a node besides its name, most telling first, each one short line."""
    found = _own_facts(node)
    if node.when is not None:
        found.insert(0, f"when {node.when}")
    if node.timeout is not None:
        found.append(f"timeout {span_text(node.timeout)}")
    if node.ignore_errors:
        found.append("ignores errors")
    return [shorten(fact, FACT) for fact in found]


def catch_words(row: Catch) -> str:
    """Says which errors a row of `catch` takes, and what it does besides running its list."""
    words = "catch " + (", ".join(row.errors) or "any error")
    if row.when is not None:
        words += f" when {row.when}"
    if row.compensate:
        words += ", compensates"
    return words + ", passes it on" if row.rethrow else words


def _own_facts(node: Node) -> list[str]:
    match node:
        case Step():
            undo = [] if node.compensate is None else [f"{UNDO} {_action_fact(node.compensate.action)}"]
            return [_action_fact(node.action), *_retry_facts(node.retry), *undo]
        case Decision():
            return [] if node.call is None else [f"call {node.call}"]
        case Branch():
            found = [] if node.match is None else [f"match {node.match}"]
            return found if node.default is not None else [*found, "no default: else it fails"]
        case Parallel():
            found = [] if node.need is None else [f"needs {node.need} of {len(node.branches)}"]
            return found + _error_facts(node.on_error)
        case Foreach():
            found = [f"{node.variable} in {node.items}"]
            if node.batch is not None:
                found.append(f"batches of {node.batch}")
            if node.concurrency != 1:
                found.append(f"concurrency {node.concurrency}")
            return found + _error_facts(node.on_error)
        case Loop():
            found = [loop_test(node)]
            if node.every is not None:
                found.append(loop_pause(node))
            limit = f"at most {node.max_iterations} turns"
            return [*found, limit if node.on_limit == "fail" else f"{limit}, then carries on"]
        case Wait():
            found = _awaited_facts(node)
            for word, labels in (("any of", node.any), ("all of", node.all)):
                if labels:
                    found.append(f"{word} {', '.join(labels)}")
                    found += [f"{label}: {', '.join(_awaited_facts(each))}" for label, each in labels.items()]
            if node.on_timeout is not None and node.on_timeout.goto is None:
                found.append(f"after the timeout {_json_text(node.on_timeout.value)}")
            return found
        case Group():
            return []
        case Fail():
            return [node.type if node.message is None else f"{node.type}: {_json_text(node.message)}"]
        case Finish():
            return ["ends the execution"]
        case _:
            assert_never(node)


def _awaited_facts(awaited: Awaited | Wait) -> list[str]:
    found = []
    if awaited.for_ is not None:
        found.append(f"for {span_text(awaited.for_)}")
    if awaited.until_at is not None:
        found.append(f"until {awaited.until_at}")
    if awaited.event is not None:
        event = awaited.event
        found.append(f"event {event.name}" if event.key is None else f"event {event.name}, key {event.key}")
        found += [] if event.where is None else [f"where {event.where}"]
    if awaited.ask is not None:
        found.append(f"ask {awaited.ask.kind}")
        found += [f"of {', '.join(awaited.ask.assignees)}"] if awaited.ask.assignees else []
    return found


def is_child(node: Node) -> bool:
    """Tells whether a node is another workflow, which is drawn with a double frame."""
    return isinstance(node, Step) and isinstance(node.action, Child | Start)


def glyph(node: Node) -> str:
    """Gives the sign that stands before a node's kind; most need none."""
    if not isinstance(node, Wait):
        return ""
    if node.any or node.all:
        return SEVERAL
    return EVENT if node.event is not None else PERSON if node.ask is not None else CLOCK


def _action_fact(action: Action) -> str:
    match action:
        case Call(function=function):
            return f"call {function}"
        case Set(values=values):
            return "set " + ", ".join(values)
        case Publish(values=values):
            return "publish " + ", ".join(values)
        case Log(message=message):
            return f"log {_json_text(message)}"
        case Http(method=method, url=url):
            return f"{method} {url}"
        case Shell(command=command):
            return f"shell {' '.join(command)}"
        case Sql(query=query):
            return f"sql {query}"
        case Use(plugin=plugin):
            return f"use {plugin}"
        case Child(workflow=workflow):
            return f"workflow {workflow}"
        case Start(workflow=workflow):
            return f"start {workflow}"
        case Emit(event=event):
            return f"emit {event}"
        case _:
            assert_never(action)


def _retry_facts(retry: RetryPolicy) -> list[str]:
    if retry.max_attempts == 1:
        return []
    found = [f"{retry.max_attempts} attempts, {retry.backoff} {span_text(retry.delay)}"]
    if retry.only:
        found.append("retry only " + ", ".join(retry.only))
    if retry.except_:
        found.append("no retry of " + ", ".join(retry.except_))
    if retry.when is not None:
        found.append(f"retry when {retry.when}")
    return found


def _error_facts(on_error: str) -> list[str]:
    return ["an error stops none"] if on_error == "complete_all" else []


def _json_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def loop_test(node: Loop) -> str:
    """Says a loop's condition; the word tells whether it is tested before a turn (`while`) or after it (`until`)."""
    return f"while {node.while_}" if node.while_ is not None else f"until {node.until}"


def loop_pause(node: Loop) -> str:
    """Says how long a loop sleeps between turns; empty when it does not."""
    if node.every is None:
        return ""
    text = f"every {span_text(node.every)}"
    if node.factor != 1.0:
        text += f" × {node.factor:g}"
    return text if node.max_every is None else f"{text} up to {span_text(node.max_every)}"


def jumps_of(node: Decision | Wait) -> list[tuple[str, str]]:
    """Lists a node's jumps as (what is chosen, target), the target an id or `end`."""
    if isinstance(node, Wait):
        goto = None if node.on_timeout is None else node.on_timeout.goto
        return [] if goto is None else [("timeout", goto)]
    if node.call is not None:
        return [(name, target) for name, target in node.targets.items()]
    return [(str(choice.when), choice.goto) for choice in node.choose]


def target_text(target: str) -> str:
    return END if target == END else shorten(target.rpartition("/")[2], FACT)
