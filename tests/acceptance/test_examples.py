"""The workflows in examples/: read, checked, drawn and written back. `test_example_runs.py` runs them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from durable_dsl import check, compile, load_document, load_graphs
from durable_dsl.drawing import render, to_dot, to_text
from examples.workflows.order_builder import order as built_order

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "workflows"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.yaml"))

DRAWINGS = {
    "order.yaml": """\
● order
├─ check                 call examples.workflows.order.check
├─ price                 call examples.workflows.order.price
├─ charge                call examples.workflows.order.charge · 5 attempts, exponential 300ms · \
no retry of CardDeclined · timeout 30s
├─ ◷ wait cooling_off    for ${ input.cooling_off }
├─ branch deliver        match data.price.kind · no default: else it fails
│  ├─ digital:
│  │  └─ make_links      call examples.workflows.order.make_links
│  └─ physical:
│     ├─ choose_carrier  call examples.workflows.order.choose_carrier
│     └─ print_label     call examples.workflows.order.print_label
└─ parallel tell
   ├─ customer:
   │  └─ mail_customer   call examples.workflows.order.mail_customer
   └─ books:
      └─ write_invoice   call examples.workflows.order.write_invoice
""",
    "etl.yaml": """\
● etl
├─ find_files         call examples.workflows.etl.find_files
├─ foreach clean      name in data.names · concurrency 4
│  └─ clean_file      call examples.workflows.etl.clean_file · 3 attempts, exponential 1s
├─ count              set rows, kept
├─ fail too_dirty     when data.rows - data.kept > data.rows * in… · TooDirty: ${ data.rows - data.kept } of ${…
├─ add_up             call examples.workflows.etl.add_up
└─ parallel write
   ├─ json:
   │  └─ write_json   call examples.workflows.etl.write_json
   └─ table:
      └─ write_table  call examples.workflows.etl.write_table
""",
    "fetch.yaml": """\
● fetch
├─ parallel stations
│  ├─ coast:
│  │  └─ coast   call examples.workflows.fetch.get_station · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
│  ├─ valley:
│  │  └─ valley  call examples.workflows.fetch.get_station · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
│  └─ summit:
│     └─ summit  call examples.workflows.fetch.get_station · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
├─ join_hours    call examples.workflows.fetch.join_hours · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
├─ order_report  call examples.workflows.fetch.order_report · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
├─ loop poll     until data.job.status == 'done' · every 200ms × 1.5 up to 2s · at most 30 turns
│  ├─ look       call examples.workflows.fetch.get_job · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
│  └─ count      set looked
└─ fetch_report  call examples.workflows.fetch.get_report · 5 attempts, exponential 200ms · \
no retry of Refused · timeout 10s
""",
}


def test_each_example_has_its_drawing_here() -> None:
    assert sorted(DRAWINGS) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_has_no_problem_and_everything_it_calls_is_there(name: str) -> None:
    assert check(FOLDER / name, imports=True) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_drawn_as_text(name: str) -> None:
    (graph,) = load_graphs(FOLDER / name)
    assert to_text(graph).rstrip("\n") + "\n" == DRAWINGS[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_drawn_as_dot_and_svg_with_every_node(name: str) -> None:
    (graph,) = load_graphs(FOLDER / name)
    dot = to_dot(graph)
    svg = ElementTree.fromstring(render(graph, "svg"))
    ids = {element.get("id") for element in svg.iter()}
    nodes = [node.id for node in graph.walk()]
    assert len(nodes) > 8
    assert [id for id in nodes if f"node-{id}" not in ids] == []
    assert [id for id in nodes if id.rpartition("/")[2] not in dot] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_survives_being_written_as_yaml_again(name: str) -> None:
    (document,) = load_document((FOLDER / name).read_text(encoding="utf-8"))
    (again,) = load_document(document.to_yaml())
    assert again == document
    assert compile(again).version == load_graphs(FOLDER / name)[0].version


def test_the_order_in_python_is_the_order_in_yaml() -> None:
    (written,) = load_graphs(FOLDER / "order.yaml")
    assert compile(built_order) == written
    assert compile(built_order).version == written.version
