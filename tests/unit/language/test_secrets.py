"""Secrets in a document: where they may be read, and where they would be stored."""

from __future__ import annotations

import pytest

from durable_dsl import check_text, compile, compile_text, load_document, step, workflow
from durable_dsl.graph import Graph, graph_from_json

ALLOWED = """\
workflow: w
secrets: [KEY, OTHER_KEY]
steps:
  - step: a
    call: shop.charge
    with: {key: "${ secrets.KEY }", both: ["${ secrets.KEY + secrets.OTHER_KEY }"]}
    compensate: {call: shop.refund, with: {key: "${ secrets['KEY'] }"}}
  - step: b
    use: slack.post
    with: {key: "Bearer ${ secrets.KEY }"}
  - step: c
    http:
      method: POST
      url: https://example.org/${ secrets.KEY }
      headers: {Authorization: "${ secrets.KEY }"}
      query: {key: "${ secrets.KEY }"}
      json: {key: "${ secrets.KEY }"}
  - step: d
    shell: {command: [report], env: {KEY: "${ secrets.KEY }"}}
"""


def compiled(text: str) -> Graph:
    [graph] = compile_text(text)
    return graph


def test_secrets_are_read_where_a_value_is_made_for_one_attempt() -> None:
    graph = compiled(ALLOWED)
    assert graph.secrets == ("KEY", "OTHER_KEY")
    assert graph_from_json(graph.to_json()) == graph


def test_they_survive_being_written_again_and_python_says_the_same() -> None:
    [document] = load_document(ALLOWED)
    assert load_document(document.to_yaml()) == [document]
    built = workflow("w", step("a", "shop.charge", with_={"key": "${ secrets.KEY }"}), secrets=["KEY"])
    assert compile(built) == compiled(
        'workflow: w\nsecrets: [KEY]\nsteps: [{step: a, call: shop.charge, with: {key: "${ secrets.KEY }"}}]\n'
    )


@pytest.mark.parametrize(
    "lines",
    [
        'step: a, set: {key: "${ secrets.KEY }"}',
        'step: a, log: "${ secrets.KEY }"',
        'step: a, call: shop.x, with: {}, output: "${ secrets.KEY }", save: x',
        'step: a, call: shop.x, when: "secrets.KEY != input.key"',
        'step: a, call: shop.x, retry: {when: "secrets.KEY == error.message"}',
        'step: a, call: shop.x, timeout: "${ secrets.KEY }"',
        'step: a, call: shop.x, compensate: {log: "${ secrets.KEY }"}',
        'step: a, workflow: child, with: {key: "${ secrets.KEY }"}',
        'step: a, start: child, key: "${ secrets.KEY }"',
        'step: a, publish: {key: "${ secrets.KEY }"}',
        'step: a, emit: paid, key: a, with: {key: "${ secrets.KEY }"}',
        'step: a, sql: {query: select 1, params: ["${ secrets.KEY }"]}',
        'step: a, shell: {command: [report, "${ secrets.KEY }"]}',
        'step: a, shell: {command: [report], cwd: "${ secrets.KEY }"}',
        'fail: a, message: "${ secrets.KEY }"',
        'finish: a, output: "${ secrets.KEY }"',
        'foreach: a, in: "[secrets.KEY]", steps: [{step: b, log: b}]',
        "branch: a, match: secrets.KEY, cases: {x: [{step: b, log: b}]}",
        'wait: a, ask: text, prompt: "${ secrets.KEY }"',
    ],
)
def test_a_secret_that_would_be_stored_is_refused_where_it_stands(lines: str) -> None:
    text = f"workflow: w\nsecrets: [KEY]\nsteps:\n  - {{{lines}}}\n"
    [problem] = check_text(text, "w.yaml")
    assert (problem.code, problem.message) == ("W117", "a secret cannot be read here, where it would be stored")
    assert problem.line == 4
    assert text.splitlines()[3][problem.column - 1 :].startswith("secrets")


def test_the_outputs_and_the_settings_of_a_workflow_hold_no_secret() -> None:
    text = 'workflow: w\nsecrets: [KEY]\noutput: "${ secrets.KEY }"\nconcurrency: {key: "${ secrets.KEY }"}\n'
    problems = check_text(text + "steps: [{step: a, log: a}]\n")
    assert [(problem.code, problem.line, problem.column) for problem in problems] == [("W117", 3, 13), ("W117", 4, 24)]


@pytest.mark.parametrize(
    ("read", "problem", "hint"),
    [
        ("secrets.KEYS", "4:45 W118 there is no secret 'KEYS'", "did you mean 'KEY'?"),
        (
            "secrets.TOKEN",
            "4:45 W118 there is no secret 'TOKEN'",
            "declare it at the top of the file: secrets: [TOKEN]",
        ),
        ("has(secrets.TOKEN)", "4:49 W118 there is no secret 'TOKEN'", None),
        ("secrets", "4:45 W118 a secret is read by its name, so that a worker knows which ones", "write secrets.NAME"),
        ("secrets[input.name]", "4:45 W118 a secret is read by its name, so that a worker knows which ones", None),
        ("secrets.map(name, name)", "4:45 W118 a secret is read by its name, so that a worker knows which ones", None),
    ],
)
def test_a_secret_is_declared_and_read_by_its_name(read: str, problem: str, hint: str | None) -> None:
    [found] = check_text(
        f'workflow: w\nsecrets: [KEY]\nsteps:\n  - {{step: a, call: shop.x, with: {{key: "${{ {read} }}"}}}}\n'
    )
    assert f"{found.line}:{found.column} {found.code} {found.message}" == problem
    assert hint is None or found.hint == hint
