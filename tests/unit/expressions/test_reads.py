from __future__ import annotations

import pytest

from durable_dsl.expressions import compile_expression

Paths = set[tuple[str, ...]]


@pytest.mark.parametrize(
    ("source", "names", "paths"),
    [
        ("1 + 2", set(), set()),
        ("data", {"data"}, {("data",)}),
        ("data.a.b + input.c", {"data", "input"}, {("data", "a", "b"), ("input", "c")}),
        ("data['a']['b']", {"data"}, {("data", "a", "b")}),
        ("data.items[0].id", {"data"}, {("data", "items")}),
        ("data.items[index].id", {"data", "index"}, {("data", "items"), ("index",)}),
        ("data.a.size() + data.b.map(x, x.c + data.d).size()", {"data"}, {("data", "a"), ("data", "b"), ("data", "d")}),
        ("[1].map(data, data.x)", set(), set()),
        ("[1].map(x, .x + x)", {"x"}, {("x",)}),
        ("cel.bind(t, data.a, t.b)", {"data"}, {("data", "a")}),
        ("{data.k: [data.v]}", {"data"}, {("data", "k"), ("data", "v")}),
        ("data.a ? data.b : data.c", {"data"}, {("data", "a"), ("data", "b"), ("data", "c")}),
        ("math.greatest(data.a, 1) == int(data.b)", {"data"}, {("data", "a"), ("data", "b")}),
        ("type(data.a) == string", {"data"}, {("data", "a")}),
        ("type(data.a) == google.protobuf.Timestamp", {"data"}, {("data", "a")}),
        ("now > timestamp(data.at)", {"data"}, {("data", "at")}),
    ],
)  # fmt: skip
def test_names_and_paths(source: str, names: set[str], paths: Paths) -> None:
    expression = compile_expression(source)
    assert expression.names == names
    assert expression.paths == paths
    assert expression.guarded_paths == set()


@pytest.mark.parametrize(
    ("source", "paths", "guarded"),
    [
        ("data.?note.orValue('')", set(), {("data", "note")}),
        ("data.?a.b.orValue(0)", set(), {("data", "a")}),
        ("data[?'a'].orValue(0)", set(), {("data", "a")}),
        ("data.a.?b", set(), {("data", "a", "b")}),
        ("has(data.a)", set(), {("data", "a")}),
        ("has(data.a.b)", {("data", "a")}, {("data", "a", "b")}),
        ("has(data.a) ? data.a.b + data.c : 0", {("data", "c")}, {("data", "a"), ("data", "a", "b")}),
        ("has(data.a) && data.a.size() > 0", set(), {("data", "a")}),
        ("'a' in data && data.a > 1", {("data",)}, {("data", "a")}),
        ("has(data.a) || has(input.b)", set(), {("data", "a"), ("input", "b")}),
        ("data.items[?0].id", {("data", "items")}, set()),
    ],
)
def test_what_is_asked_for_before_it_is_read_is_guarded(source: str, paths: Paths, guarded: Paths) -> None:
    expression = compile_expression(source)
    assert expression.paths == paths
    assert expression.guarded_paths == guarded


@pytest.mark.parametrize(
    ("source", "uses_now"),
    [
        ("now", True),
        ("[1].map(x, now)", True),
        ("next_business_day(9)", True),
        ("next_weekday('monday')", True),
        ("end_of_day()", True),
        ("data.now", False),
        ("[1].map(now, now)", False),
        ("timestamp(0)", False),
    ],
)
def test_whether_it_depends_on_now(source: str, uses_now: bool) -> None:
    assert compile_expression(source).uses_now is uses_now
