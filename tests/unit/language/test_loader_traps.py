from __future__ import annotations

import pytest
import yaml

from durable_dsl import check_text
from durable_dsl.errors import Problem
from durable_dsl.loader import read_documents
from durable_dsl.yaml_text import read_yaml

ON_ONE_LINE = [
    ('when: data.x ? "a" : "b"', 7, "an unquoted value cannot hold ': '", """'data.x ? "a" : "b"'"""),
    ("out: ${ data.x ? 1 : 2 }", 6, "an unquoted value cannot hold ': '", '"${ data.x ? 1 : 2 }"'),
    ("when: !data.x", 7, "an unquoted value cannot begin with '!', which begins a tag", '"!data.x"'),
    (
        "when: !data.x && data.y",
        7,
        "an unquoted value cannot begin with '!', which begins a tag",
        '"!data.x && data.y"',
    ),
    ("when: *x > 3", 7, "an unquoted value cannot begin with '*', which begins an alias", '"*x > 3"'),
    ("when: > 5", 7, "an unquoted value cannot begin with '>', which begins a folded text", '"> 5"'),
    ("when: |x| > 1", 7, "an unquoted value cannot begin with '|'", '"|x| > 1"'),
    ("when: && data.x", 7, "an unquoted value cannot begin with '&', which begins an anchor", '"&& data.x"'),
    ("when: %x", 7, "an unquoted value cannot begin with '%', which is reserved", '"%x"'),
    ("when: @x", 7, "an unquoted value cannot begin with '@', which is reserved", '"@x"'),
    ("when: `x`", 7, "an unquoted value cannot begin with '`', which is reserved", '"`x`"'),
    ("in: [1, 2] + data.x", 5, "an unquoted value cannot begin with '[', which begins a list", '"[1, 2] + data.x"'),
    ("when: {a: 1}.a == 1", 7, "an unquoted value cannot begin with '{', which begins a list", '"{a: 1}.a == 1"'),
    ('when: "a" == data.x', 7, "the quotes end before the value of 'when' does", """'"a" == data.x'"""),
    ("when: 'a' in data.x", 7, "the quotes end before the value of 'when' does", '''"'a' in data.x"'''),
    ("out: {id: ${ input.id }}", 11, "inside { } and [ ] an unquoted value cannot hold '{'", '"${ input.id }"'),
    ("row: {when: a[0] == 1, goto: b}", 13, "inside { } and [ ] an unquoted value cannot hold '['", '"a[0] == 1"'),
    ("rows: [{when: f(a, b), goto: x}]", 20, "in { } a comma ends a value, so 'when' is cut off", '"f(a, b) ..."'),
    ("rows: [{when: a == 'x #1', goto: x}]", 23, "' #' begins a comment in YAML", "quote the whole value"),
]


@pytest.mark.parametrize("parser", [None, yaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize(("line", "column", "message", "fix"), ON_ONE_LINE)
def test_an_expression_that_yaml_takes_for_something_else_is_explained_with_its_fix(
    line: str, column: int, message: str, fix: str, parser: object
) -> None:
    [document] = read_yaml(f"first: line\n{line}\nlast: line\n", parser=parser)
    [problem] = document.problems
    assert (problem.code, problem.line, problem.column) == ("W014", 2, column)
    assert problem.message.startswith(message)
    assert problem.hint is not None
    assert problem.hint.endswith(fix)


@pytest.mark.parametrize(("line", "fix"), [(entry[0], entry[3]) for entry in ON_ONE_LINE if entry[3][0] in "'\""])
def test_the_fix_is_yaml_that_gives_the_whole_expression(line: str, fix: str) -> None:
    [document] = read_yaml(f"key: {fix}")
    assert document.problems == []
    assert document.value["key"].removesuffix(" ...") in line


@pytest.mark.parametrize("parser", [None, yaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize(
    ("text", "place"), [("a:\n\tb: 1", (2, 1)), ("a: 1\n\tb: 2", (2, 1)), ("a:\n  - b: 1\n  \tc: 2", (3, 3))]
)
def test_a_tab_is_named_as_what_it_is(text: str, place: tuple[int, int], parser: object) -> None:
    [document] = read_yaml(text, parser=parser)
    [problem] = document.problems
    assert (problem.code, problem.line, problem.column) == ("W013", *place)
    assert problem.message == "a tab cannot indent in YAML"


@pytest.mark.parametrize("parser", [None, yaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('a: "never\nclosed: 1', (1, 4), "a quote is opened and never closed"),
        ("a: [1,\n  2", (2, 4), "a ',' or a ']' is missing before this"),
        ("a: [1,\n  2  \n\n# end\n", (2, 4), "a ',' or a ']' is missing before this"),
        ("a: - b", (1, 4), "a '- ' is not expected here; a list begins on its own line"),
        ("a: b\n  c: d", (2, 4), "a ': ' is not expected here"),
        ('a: "\\q"', (1, 4), "a backslash in double quotes must begin one of YAML's escapes"),
        ("a: 1\n b: 2\nc: 3", (2, 3), "a ': ' is not expected here"),
    ],
)
def test_any_other_syntax_error_is_said_in_plain_words(
    text: str, place: tuple[int, int], message: str, parser: object
) -> None:
    [document] = read_yaml(text, parser=parser)
    [problem] = document.problems
    assert (problem.code, problem.line, problem.column) == ("W001", *place)
    assert problem.message.startswith(f"this is not YAML: {message}")


def test_a_bracket_that_is_not_closed_says_where_it_was_opened() -> None:
    [document] = read_yaml("a:\n  - [1,\n  2\nb: 3")
    [problem] = document.problems
    assert problem.hint == "it was opened in line 2, column 5"


def problems_of(node: str) -> list[Problem]:
    indented = "\n".join(f"    {line}" for line in node.splitlines())
    return read_documents(f"workflow: w\nsteps:\n  - step: greet\n{indented}\n")[1]


@pytest.mark.parametrize(
    "node", ["log: hi\nwhen: data.tag == 'a #1'", "log: ${ data.x #3 }", "log: hi\ntimeout: ${ data.x # }"]
)
def test_an_expression_cut_off_by_a_comment_is_recognised(node: str) -> None:
    [problem] = problems_of(node)
    assert problem.code == "W014"
    assert problem.message.startswith("' #' begins a comment in YAML, so '")
    assert problem.source_line is not None
    assert problem.source_line[problem.column - 1] == "#"


@pytest.mark.parametrize("node", ["log: don't  # a comment", "log: hi\nwhen: size(data.x) > 1 # fine"])
def test_a_comment_behind_a_whole_value_is_just_a_comment(node: str) -> None:
    assert problems_of(node) == []


def test_an_unclosed_quote_without_a_comment_is_left_to_the_expression() -> None:
    assert problems_of("log: hi\nwhen: data.tag == 'a") == []
    text = "workflow: w\nsteps: \n  - step: a\n    log: hi\n    when: data.tag == 'a\n"
    assert [(problem.code, problem.line) for problem in check_text(text)] == [("W109", 5)]


def test_a_syntax_error_hides_nothing_in_the_other_documents() -> None:
    text = "workflow: a\nsteps: [\n---\nworkflow: b\nstep: []\n---\nworkflow: c\nsteps: [{step: x, log: 'hi}]\n"
    workflows, problems = read_documents(text)
    assert [(problem.code, problem.line) for problem in problems] == [
        ("W001", 2),
        ("W025", 4),
        ("W004", 5),
        ("W001", 8),
    ]
    assert [workflow.name for workflow in workflows] == ["b"]


def test_an_unquoted_version_is_shown_as_it_was_written() -> None:
    _, [problem] = read_documents("workflow: w\nversion: 1.10\nsteps: [{step: a, log: hi}]\n")
    assert (problem.code, problem.line, problem.column, problem.width) == ("W035", 2, 10, 4)
    assert problem.hint == 'quote it: version: "1.10"'


def test_a_workflow_named_where_a_node_belongs_is_shown_how_to_run_it() -> None:
    _, [problem] = read_documents("workflow: w\nsteps:\n  - workflow: other\n")
    assert (problem.code, problem.line, problem.column) == ("W020", 3, 5)
    assert problem.hint == "a workflow is run by a step: '- step: name' with 'workflow: ...' below"
