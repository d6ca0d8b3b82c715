"""Problems with what stands in a workflow that is written in Python."""

from __future__ import annotations

from durable_dsl.problems.page import Page

PYTHON_PAGES = (
    Page(
        "W150",
        "A function that no worker can import",
        "A worker is another process and finds functions by module and name. A lambda, a function inside a "
        "function or a class, and the method of an object have none that it could use.",
        'step("charge", lambda data: data)\n',
        'def charge(data): ...\n\nstep("charge", charge)\n',
        "python",
    ),
    Page(
        "W151",
        "A span that is no duration",
        "Durations are whole milliseconds from zero up to a hundred years.",
        'wait("a_while", for_=timedelta(seconds=-1))\n',
        'wait("a_while", for_=timedelta(seconds=1))\n',
        "python",
    ),
    Page(
        "W152",
        "An instant without a time zone",
        "A time of day says nothing without a zone, and workers stand in different ones.",
        'wait("new_year", at=datetime(2031, 1, 1))\n',
        'wait("new_year", at=datetime(2031, 1, 1, tzinfo=timezone.utc))\n',
        "python",
    ),
    Page(
        "W153",
        "A value that is no JSON",
        "A workflow is stored as JSON: text, numbers, booleans, None, lists and mappings with text keys.",
        'step("remember", set={"tags": {"a", "b"}})\n',
        'step("remember", set={"tags": ["a", "b"]})\n',
        "python",
    ),
)  # fmt: skip
