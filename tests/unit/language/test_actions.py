"""The actions that reach outside: what a request, a statement, a program and a plug-in become in the graph."""

from __future__ import annotations

from textwrap import indent

import pytest

from durable_dsl import Retry, check_text, compile, compile_text, step, workflow
from durable_dsl.graph import Graph, Http, Shell, Sql, Step, Use, graph_from_json


def compiled(steps: str, more: str = "") -> Graph:
    [graph] = compile_text(f"workflow: w\n{more}steps:\n{indent(steps, '  ')}")
    assert graph_from_json(graph.to_json()) == graph
    return graph


def action(steps: str) -> object:
    [node] = compiled(steps).steps
    assert isinstance(node, Step)
    return node.action


def test_a_request_says_all_that_is_sent() -> None:
    assert action(
        """\
- step: order
  http:
    method: POST
    url: https://example.org/${ input.id }
    headers: {Accept: text/plain}
    query: {full: true}
    json: null
    expect: [200, 4xx]
"""
    ) == Http(
        method="POST",
        url="https://example.org/${ input.id }",
        headers={"Accept": "text/plain"},
        query={"full": True},
        json=None,
        sends_json=True,
        expect=(200, "4xx"),
    )


def test_a_request_needs_no_more_than_its_address() -> None:
    assert action("- {step: ask, http: {url: 'http://localhost'}}\n") == Http(url="http://localhost")


def test_one_status_is_a_list_of_one() -> None:
    request = action("- {step: ask, http: {url: 'http://localhost', expect: 204}}\n")
    assert request == Http(url="http://localhost", expect=(204,))


def test_a_statement_takes_its_parameters_by_name_or_in_order() -> None:
    assert action("- {step: a, sql: {query: 'select %(x)s', params: {x: '${ data.x }'}}}\n") == Sql(
        query="select %(x)s", params={"x": "${ data.x }"}
    )
    assert action("- {step: a, sql: {query: 'select %s', params: [1], database: stock}}\n") == Sql(
        query="select %s", params=[1], database="stock"
    )


def test_a_program_and_a_plug_in() -> None:
    assert action("- {step: a, shell: {command: [ls, ''], env: {A: b}, cwd: /tmp}}\n") == Shell(
        command=["ls", ""], env={"A": "b"}, cwd="/tmp"
    )
    assert action("- {step: a, use: slack.post, with: {to: me}}\n") == Use(plugin="slack.post", with_={"to": "me"})
    assert action("- {step: a, use: slack.post}\n") == Use(plugin="slack.post")


def test_what_reaches_outside_takes_the_defaults_and_nothing_else_does() -> None:
    graph = compiled(
        """\
- {step: a, http: {url: "http://localhost"}}
- {step: b, sql: {query: select 1}}
- {step: c, shell: {command: [ls]}, retry: 5, timeout: 2m}
- {step: d, use: slack.post}
- {step: e, set: {x: 1}}
""",
        "defaults: {retry: 2, timeout: 1m}\n",
    )
    kept = [(node.retry.max_attempts, node.timeout) for node in graph.steps if isinstance(node, Step)]
    assert kept == [(2, 60_000), (2, 60_000), (5, 120_000), (2, 60_000), (1, None)]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("- {step: a, http: {url: 'http://x/${ item }'}}\n", "3:38 W110 there is no 'item' here"),
        ("- {step: a, http: {url: '${ data. }'}}\n", "3:34 W109 something is missing after '.'"),
        ("- {step: a, shell: {command: [ls, '${ index }']}}\n", "3:39 W110 there is no 'index' here"),
        ("- {step: a, sql: {query: select 1, params: ['${ item }']}}\n", "3:49 W110 there is no 'item' here"),
    ],
)
def test_a_mistake_inside_an_action_is_told_where_it_is(steps: str, problem: str) -> None:
    found = check_text(f"workflow: w\nsteps:\n{steps}")
    assert [f"{each.line}:{each.column} {each.code} {each.message}" for each in found] == [problem]


def test_python_gives_the_same_actions_as_yaml() -> None:
    built = compile(
        workflow(
            "w",
            step("a", http={"url": "http://localhost", "method": "PUT", "json": {"x": "${ data.x }"}, "expect": 201}),
            step("b", sql={"query": "select 1", "params": ["${ data.x }"]}, retry=Retry(max_attempts=2)),
            step("c", shell={"command": ["ls", "-l"]}),
            step("d", use="slack.post", with_={"to": "me"}, save="sent"),
        )
    )
    assert built == compiled(
        """\
- {step: a, http: {url: "http://localhost", method: PUT, json: {x: "${ data.x }"}, expect: 201}}
- {step: b, sql: {query: select 1, params: ["${ data.x }"]}, retry: 2}
- {step: c, shell: {command: [ls, -l]}}
- {step: d, use: slack.post, with: {to: me}, save: sent}
"""
    )
