"""SIGKILL at every node of an order, and amid a thousand orders. The witness is a ledger outside of the database."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durable_runtime import Durable
from examples.workflows import gateway
from tests.acceptance.command import DURABLE, Command
from tests.faults.working import expire
from tests.postgres import new_home, remove_home, wait_until
from tests.warm.python import warm_python

ROOT = Path(__file__).parents[2]
ORDER = "examples/workflows/order.yaml"
INPUT = "examples/workflows/order.input.json"

PHYSICAL = (
    "check 1",
    "price 1",
    "charge 1",
    "charge 2",
    "deliver/choose_carrier 1",
    "deliver/print_label 1",
    "tell/mail_customer 1",
    "tell/write_invoice 1",
)
"""What the ledger holds of an order that nobody disturbs."""


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for everything that the steps do outside of the database, the ledger among it."""
    folder = new_home()
    monkeypatch.setenv("DURABLE_EXAMPLES_OUTPUT", str(folder))
    monkeypatch.setenv("DURABLE_LEDGER", str(folder / "ledger"))
    yield folder
    remove_home(folder)


@pytest.fixture
def durable(database_url: str, outside: Path) -> Command:
    """The command at the top of the repository, whose examples it runs."""
    return Command(ROOT, database_url)


def ledger_of(outside: Path) -> dict[str, Counter[str]]:
    """How often each attempt began, as `node attempt`, by execution."""
    found: dict[str, Counter[str]] = {}
    for line in (outside / "ledger").read_text(encoding="utf-8").splitlines():
        execution, attempt = line.split(" ", 1)
        found.setdefault(execution, Counter())[attempt] += 1
    return found


@contextmanager
def process(command: Command, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that is killed with SIGKILL at the end of the block at the latest, and gone then."""
    started = subprocess.Popen(
        words,
        cwd=command.folder,
        env=command.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        kill(started)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it with SIGKILL, and return when it is gone."""
    process.kill()
    process.wait()


def held(pattern: str, count: int, marker: Path) -> tuple[str, ...]:
    """The command line that stops where the pattern says; what `durable` shall do follows."""
    return (sys.executable, "-m", "tests.acceptance.held", pattern, str(count), str(marker))


def committed_attempts(url: str, where: str, *parameters: Any) -> set[tuple[str, str]]:
    """Execution and `path attempt` of every outcome of an attempt that is stored."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select e.public_id::text, c.path || ' ' || c.attempt"
            " from durable.checkpoint c join durable.execution e on e.id = c.execution_id"
            f" where c.kind in ('completed', 'retrying', 'failed') and c.started_at is not null and {where}".encode(),
            parameters,
        ).fetchall()
    return {(str(id), str(attempt)) for id, attempt in rows}


# -- one order, killed in each of its nodes -------------------------------------------------------------------------

MONEY_TAKEN = "charge 2, with the money taken"
KILLED_IN = {line: line for line in PHYSICAL} | {MONEY_TAKEN: "charge 2"}
"""Where the kill strikes, and the attempt that was under way there and has to be made again."""

PAUSE = "cooling_off"
"""Where it strikes too, and nothing is under way."""

BESIDE = {"tell/mail_customer 1": "tell/write_invoice 1", "tell/write_invoice 1": "tell/mail_customer 1"}
"""What runs beside it, and is waited for, so that exactly one attempt is under way at the kill."""


class Victim:
    """An order in a process of its own, about to be killed at one place."""

    def __init__(self, place: str, command: Command, url: str, outside: Path, running: ExitStack) -> None:
        self.id = str(uuid.uuid4())
        self.place = place
        self._url = url
        self._marker = outside / f"{self.id} stands still"
        line = "^paid$" if place == MONEY_TAKEN else f"^{self.id} {place}$"
        run = ("run", ORDER, "--input", f"@{INPUT}", "--id", self.id)
        # Who stands still does nothing more before it is gone, so these need no start from nothing.
        warm = (*warm_python(), *held(line, 1, self._marker)[1:], *run)
        words = (*DURABLE, *run) if place == PAUSE else warm
        self.process = running.enter_context(process(command, *words))

    def stored(self) -> set[str]:
        """The attempts whose outcome is stored."""
        return {attempt for _id, attempt in committed_attempts(self._url, "e.public_id = %s", self.id)}

    def is_there(self) -> bool:
        """Whether it has come to its place, and will not leave it by itself."""
        if self.place == PAUSE:
            with psycopg.connect(self._url) as connection:
                waits = "select from durable.execution e join durable.wait w on w.execution_id = e.id"
                return connection.execute(f"{waits} where public_id = %s and path = %s", [self.id, PAUSE]).rowcount == 1
        return self._marker.exists() and (self.place not in BESIDE or BESIDE[self.place] in self.stored())


def test_an_order_killed_at_any_of_its_nodes_is_finished_without_repeating_what_was_stored(
    durable: Command, database_url: str, outside: Path
) -> None:
    with ExitStack() as running:
        victims = [Victim(place, durable, database_url, outside, running) for place in [*KILLED_IN, PAUSE]]
        alive = set(victims)

        def strike() -> bool:
            for victim in [victim for victim in alive if victim.is_there()]:
                kill(victim.process)
                alive.remove(victim)
            return not alive

        wait_until(strike, "every order comes to its place", seconds=60)
    stored = {victim.place: victim.stored() for victim in victims}
    expire(database_url)

    answer = durable("worker", "--until-idle", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["report"]["completed"] == len(victims)

    expected = {victim.place: dict.fromkeys(PHYSICAL, 1) for victim in victims}
    for place, under_way in KILLED_IN.items():
        expected[place][under_way] = 2
    ledger = ledger_of(outside)
    assert {victim.place: dict(ledger[victim.id]) for victim in victims} == expected
    # What was stored when the kill struck is what came before its place; all of that has run once.
    assert stored["check 1"] == set()
    assert stored["charge 1"] == {"check 1", "price 1"}
    assert stored[MONEY_TAKEN] == {"check 1", "price 1", "charge 1"}
    assert stored[PAUSE] == {"check 1", "price 1", "charge 1", "charge 2"}
    assert stored["tell/mail_customer 1"] == set(PHYSICAL) - {"tell/mail_customer 1"}
    assert [place for place, under_way in KILLED_IN.items() if under_way in stored[place]] == []
    assert [(card, cents) for _id, card, cents in gateway.list_charges()] == [("0259", 34034)] * len(victims)


# -- a thousand orders, two workers, one killed ---------------------------------------------------------------------

DIGITAL = {"check 1", "price 1", "charge 1", "deliver/make_links 1", "tell/mail_customer 1", "tell/write_invoice 1"}


def test_a_thousand_orders_survive_the_kill_of_one_of_two_workers(
    durable: Command, database_url: str, outside: Path
) -> None:
    order = json.loads((ROOT / INPUT).read_text(encoding="utf-8"))
    order |= {"card": "4000000000000077", "lines": [{"sku": "MAP-FJORD", "quantity": 1}]}
    worker = ("worker", "--until-idle", "--quiet")
    marker = outside / "the victim stands still"
    with Durable(database_url) as client, ExitStack() as running:
        ids = client.start_many(ROOT / ORDER, [order | {"order_id": f"MANY-{number}"} for number in range(1000)])
        # All steps of the victim stand still from the 500th on, so many are under way when it is killed.
        command = (*held("", 500, marker), *worker, "--name", "victim")
        victim = running.enter_context(process(durable, *command))
        wait_until(client.list_workers, "the victim registers")
        [victim_id] = [each.id for each in client.list_workers()]
        survivor = running.enter_context(process(durable, *DURABLE, *worker))
        wait_until(marker.exists, "the victim is in the middle of its share", seconds=60)
        kill(victim)
        # Nothing but a takeover, ten seconds from now, changes what the dead worker owned.
        stored = committed_attempts(database_url, "e.owner = %s", victim_id)
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("select public_id::text from durable.execution where owner = %s", [victim_id])
            owned = {str(id) for (id,) in rows.fetchall()}
        assert survivor.wait(timeout=100) == 0
        assert all(client.result(id, timeout=0)["total_cents"] == 1607 for id in ids)

    found = ledger_of(outside)
    assert {id: set(attempts) for id, attempts in found.items()} == dict.fromkeys(ids, DIGITAL)
    assert {times for attempts in found.values() for times in attempts.values()} == {1, 2}
    twice = {(id, attempt) for id, attempts in found.items() for attempt, times in attempts.items() if times == 2}
    # Only what the victim had under way ran again, and of that nothing that was stored.
    assert {id for id, _attempt in twice} <= owned
    assert stored
    assert twice & stored == set()
    assert len(gateway.list_charges()) == 1000
