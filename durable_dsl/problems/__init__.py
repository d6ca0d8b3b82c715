"""Every code of a problem with what it means and an example, for people who ask.

A code never changes its meaning and is never used again for another one.
"""

from __future__ import annotations

from durable_dsl.problems.in_checks import CHECK_PAGES
from durable_dsl.problems.in_document import DOCUMENT_PAGES
from durable_dsl.problems.in_graph import GRAPH_PAGES
from durable_dsl.problems.in_python import PYTHON_PAGES
from durable_dsl.problems.in_text import TEXT_PAGES
from durable_dsl.problems.page import Page

__all__ = ["PAGES", "Page", "explain", "find_page", "reference"]

PAGES: tuple[Page, ...] = (*TEXT_PAGES, *DOCUMENT_PAGES, *GRAPH_PAGES, *PYTHON_PAGES, *CHECK_PAGES)
_BY_CODE = {page.code: page for page in PAGES}

_INTRODUCTION = """\
# Problems

Every mistake in a workflow is reported with a code. The same code always means the same kind of mistake, so it can
be looked up here, searched for, or matched by a program. Where a file has several mistakes, all of them are reported
at once, each with its line and column; only a document that is not YAML at all has just that one.

The examples show nodes of a list of steps, or fields of a workflow.
"""


def find_page(code: str) -> Page | None:
    """Gives the page of a code, in whatever case it is written; None when there is no such code."""
    return _BY_CODE.get(code.strip().upper())


def explain(page: Page) -> str:
    """Writes a page as Markdown."""
    parts = [f"## {page.code} {page.title}", page.explanation]
    for label, example in (("Wrong:", page.wrong), ("Right:", page.right)):
        if example:
            parts.append(f"{label}\n\n```{page.language}\n{example.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def reference() -> str:
    """Writes all pages as one Markdown document, `docs/reference/problems.md`."""
    return "\n".join([_INTRODUCTION, *(explain(page) for page in PAGES)])
