"""The workloads as documents: what users of durable-dsl write."""

from __future__ import annotations

from pathlib import Path


def sequence(steps: int) -> str:
    """So many steps that do nothing, one after the other."""
    nodes = [f"  - {{step: step_{number}, call: benchmarks.steps.nothing}}" for number in range(steps)]
    return "\n".join([f"workflow: sequence_{steps}", "steps:", *nodes, ""])


def foreach(items: int) -> str:
    """A step for each of so many items, a hundred at once; the results are collected."""
    return f"""\
workflow: foreach_{items}
output: {{count: "${{ size(data.results) }}"}}
steps:
  - {{step: list, call: benchmarks.steps.numbers, with: {{count: {items}}}, save: items}}
  - foreach: each
    in: data.items
    concurrency: 100
    save: results
    steps:
      - {{step: same, call: benchmarks.steps.same, with: {{item: "${{ item }}"}}}}
"""


def parallel(branches: int) -> str:
    """So many branches of one step each, all at once."""
    nodes = [
        f"      b{number}: [{{step: same_{number}, call: benchmarks.steps.same, with: {{item: {number}}}}}]"
        for number in range(branches)
    ]
    return "\n".join([f"workflow: parallel_{branches}", "steps:", "  - parallel: all", "    branches:", *nodes, ""])


def held() -> str:
    """A step that is done, one at which the process is killed, and one after it."""
    return """\
workflow: held
steps:
  - {step: before, call: benchmarks.steps.nothing}
  - {step: hold, call: benchmarks.steps.hold, with: {}}
  - {step: after, call: benchmarks.steps.nothing}
"""


ORDER = """\
workflow: order
output:
  closed: "${ data.closed }"
  invoice: "${ data.papers.invoice.number }"
steps:
  - {step: check, call: benchmarks.steps.check_order, with: {order: "${ input }"}, save: order}
  - step: add_up
    set: {total: "${ data.order.lines.map(line, line.quantity * line.cents).sum() }"}
  - branch: ship
    save: shipping
    cases:
      - when: data.order.express
        steps:
          - {step: express, call: benchmarks.steps.choose_carrier, with: {total: "${ data.total * 2 }"}}
    default:
      - {step: standard, call: benchmarks.steps.choose_carrier, with: {total: "${ data.total }"}}
  - foreach: reserve
    in: data.order.lines
    as: line
    concurrency: 5
    save: reservations
    steps:
      - {step: reserve_line, call: benchmarks.steps.reserve, with: {line: "${ line }"}}
  - parallel: tell
    save: papers
    branches:
      mail:
        - step: mail
          call: benchmarks.steps.write_mail
          with: {name: "${ data.order.customer.name }", total: "${ data.shipping.total }"}
      invoice:
        - step: invoice
          call: benchmarks.steps.write_invoice
          with: {number: "${ data.order.number }", reservations: "${ data.reservations }"}
  - step: close
    call: benchmarks.steps.close_order
    with: {number: "${ data.order.number }", mail: "${ data.papers.mail }"}
    save: closed
"""


def write(folder: Path, document: str, name: str = "workflow.yaml") -> Path:
    """Writes a document into a file, as users do."""
    path = folder / name
    path.write_text(document)
    return path
