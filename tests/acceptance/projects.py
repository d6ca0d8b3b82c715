"""A small project for tests of the command line: workflows, and steps that write into a ledger that they ran."""

from __future__ import annotations

import os
from pathlib import Path

from tests.acceptance.command import Command

LEDGER = '''\
"""Steps that write into a ledger that they ran, and a gate that keeps one of them until the test opens it."""
from pathlib import Path

HERE = Path(__file__).parent

class CardDeclined(Exception):
    pass

def write(line):
    with (HERE / "ledger.txt").open("a") as file:
        file.write(line + "\\n")

def note(name):
    write(name)
    return name

def gate(name):
    write(name)
    return (HERE / "gate").read_text()

def decline(ctx):
    write(f"attempt {ctx.attempt}")
    raise CardDeclined("no money\\x1b[2J")
'''
GREET = """\
workflow: greet
input:
  type: object
  required: [name]
  properties: {name: {type: string}, times: {type: integer, default: 1}}
output: {text: "${ data.text }", times: "${ input.times }"}
steps:
  - step: say
    log: "☃ greets ${ input.name }"
  - step: note
    call: ledger.note
    with: {name: "Hello ${ input.name }"}
    save: text
"""
GATED = """\
workflow: gated
steps:
  - step: before
    call: ledger.note
    with: {name: before}
  - step: gate
    call: ledger.gate
    with: {name: gate}
    save: word
  - step: after
    call: ledger.note
    with: {name: after}
"""
FAILING = """\
workflow: failing
steps:
  - step: charge
    call: ledger.decline
    with: {}
    retry: {max_attempts: 2, delay: 10ms, jitter: 0}
"""
RESTS = "wait: rest\n    for: 1s"
PAUSE = "workflow: pause\nsteps:\n  - wait: long\n    for: 1h\n"


def make_project(folder: Path, database: str | None) -> Command:
    command = Command(folder, database)
    command.write("durable.yaml", "# the project\n")
    command.write("ledger.py", LEDGER)
    for name, text in {"greet": GREET, "gated": GATED, "failing": FAILING, "pause": PAUSE}.items():
        command.write(f"{name}.yaml", text)
    os.mkfifo(folder / "gate")
    return command
