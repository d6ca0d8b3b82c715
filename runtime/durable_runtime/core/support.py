"""What this release compiles and draws but does not execute yet. It shrinks; nothing else knows what is missing.

Starts are refused with these sentences before anything is stored, so the interpreter never meets what is named here.
"""

from __future__ import annotations

from durable_dsl import graph as g


def unsupported(graph: g.Graph) -> list[str]:
    """Gives a sentence for every feature of a graph that cannot be executed."""
    sentences = []
    for word in ("concurrency", "schedules"):
        if getattr(graph, word):
            sentences.append(f"'{word}' is not executed by this release")
    return sentences
