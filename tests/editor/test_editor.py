"""What people see in an editor with a YAML language server, in a project that `durable init` has begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_runtime.cli import boundary
from tests.editor.server import Server, Unavailable, install

BEGIN = "# yaml-language-server: $schema=workflow.schema.json\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the workflows of a new project."""
    folder = tmp_path_factory.mktemp("project")
    assert boundary.run(["init", str(folder), "--quiet"]) == 0
    return folder / "workflows"


@pytest.fixture(scope="module")
def editor(project: Path) -> Iterator[Server]:
    """The server, in that folder."""
    try:
        program = install()
    except Unavailable as reason:
        pytest.skip(str(reason))
    server = Server(program, project)
    yield server
    server.close()


def test_the_workflow_that_init_writes_has_no_mistakes_and_its_schema_is_found(editor: Server, project: Path) -> None:
    text = (project / "count_words.yaml").read_text(encoding="utf-8")
    assert text.startswith(BEGIN)
    assert editor.open("count_words.yaml", text) == []
    assert editor.open("wrong.yaml", text.replace("retry: 3", "retires: 3")) == [
        (24, "Property retires is not allowed.")
    ]


def test_mistakes_are_underlined_where_they_are(editor: Server) -> None:
    text = (
        BEGIN + "workflow: Order\n"
        "steps:\n"
        "  - step: charge\n"
        "    call: charge\n"
        "    timeout: 30\n"
        "    retires: 3\n"
        "  - foreach: lines\n"
        "    steps: []\n"
        "  - wait: pause\n"
        "    for: soon\n"
        "  - loop: poll\n"
        '    until: "${ data.done }"\n'
        "    on_limit: go\n"
        "    steps: [{stp: look, log: hi}]\n"
        "  - wait: both\n"
        "    for: 5m\n"
        "    log: hi\n"
        "input: {properties: {a: {typ: string}}}\n"
    )
    assert editor.open("mistakes.yaml", text) == [
        (2, "A name is lower case letters, digits and '_', a letter first."),
        (5, "Write the import path: package.module.function."),
        (6, "A duration has units: 30s, 5m, 1h30m, PT1H, or an expression."),
        (7, "Property retires is not allowed."),
        (8, 'Missing property "in".'),
        (9, "Array has too few items. Expected 1 or more."),
        (11, "A duration has units: 30s, 5m, 1h30m, PT1H, or an expression."),
        (13, "This is an expression already; write it without ${ }."),
        (14, 'Value is not accepted. Valid values: "fail", "continue".'),
        (15, "Property log is not allowed."),
        (15, "Property stp is not allowed."),
        (18, "Property log is not allowed."),
        (19, "Property typ is not allowed."),
    ]


def test_the_keys_of_a_workflow_are_offered_at_its_top(editor: Server) -> None:
    offered = editor.complete(BEGIN + "workflow: order\n|\n")
    assert {"description", "input", "output", "retries", "steps", "timeout"} <= set(offered)
    assert not {"workflow", "step", "call"} & set(offered)


def test_the_kinds_of_nodes_are_offered_where_one_begins(editor: Server) -> None:
    offered = editor.complete(BEGIN + "workflow: order\nsteps:\n  - |\n")
    assert offered == [
        "branch", "decision", "fail", "finish", "foreach", "group", "loop", "parallel", "step", "wait",
    ]  # fmt: skip


def test_the_keys_of_a_step_are_offered_inside_of_one_and_those_of_no_other_kind(editor: Server) -> None:
    offered = editor.complete(BEGIN + "workflow: order\nsteps:\n  - step: charge\n    call: shop.charge\n    |\n")
    assert {"with", "retry", "timeout", "save", "when"} <= set(offered)
    assert not {"step", "call", "in", "match", "for", "until", "branches", "foreach", "wait"} & set(offered)


def test_the_words_of_a_choice_are_offered(editor: Server) -> None:
    begin = BEGIN + "workflow: order\nsteps:\n  - "
    assert editor.complete(begin + "loop: poll\n    on_limit: |\n") == ["continue", "fail"]
    assert "exponential" in editor.complete(begin + "step: s\n    call: a.b\n    retry:\n      backoff: |\n")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("  - st|ep: charge", "One unit of work with exactly one action."),
        ("    ca|ll: shop.charge", "Runs a Python function, importable as package.module.function."),
        ("    ti|meout: 30s", "How long it may take; on a step, one attempt."),
        ("      max_at|tempts: 3", "How often the step is attempted at most, the first attempt included; default 3."),
        ("st|eps:", "The nodes, in the order they run."),
    ],
)
def test_who_points_at_a_key_reads_what_it_does(editor: Server, line: str, sentence: str) -> None:
    text = (
        BEGIN + "workflow: order\n"
        "steps:\n"
        "  - step: charge\n"
        "    call: shop.charge\n"
        "    timeout: 30s\n"
        "    retry:\n"
        "      max_attempts: 3\n"
    )
    plain = line.replace("|", "")
    assert plain in text
    assert sentence in editor.hover(text.replace(plain + "\n", line + "\n", 1))
