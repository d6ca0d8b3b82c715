"""Examples that wait for people and events, undo what they did, or start others: each on a real worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from durable_runtime import AsyncDurable
from examples.workflows.desk import list_papers
from examples.workflows.output import output_folder
from tests.acceptance.stories import FOLDER, run


@pytest.fixture(autouse=True)
def _output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_EXAMPLES_OUTPUT", str(tmp_path))


async def asked(durable: AsyncDurable, **which: Any) -> list[Any]:
    """Waits until somebody is asked, and gives what."""
    while not (found := await durable.list_pending(kind="ask", **which)):
        await asyncio.sleep(0.02)
    return found


async def opened(durable: AsyncDurable, id: str) -> None:
    """Waits until the execution waits for an event."""
    while not await durable.list_pending(kind="event", execution=id):
        await asyncio.sleep(0.02)


# -- purchase -------------------------------------------------------------------------------------------------------


def order(**changes: Any) -> dict[str, Any]:
    return {"order_id": "A1", "total": 40, "country": "DE", **changes}


def test_a_small_purchase_needs_nobody(database_url: str) -> None:
    done = run(database_url, "purchase.yaml", order())
    assert done.output == {"reservation": "R-A1", "charge": "C-A1", "parcel": "P-A1"}
    assert sorted(list_papers("purchases")) == ["charge", "reserve", "ship"]


def test_a_large_purchase_waits_for_a_manager(database_url: str) -> None:
    async def approve(durable: AsyncDurable, id: str) -> None:
        [pending] = await asked(durable, execution=id, assignee="role:manager")
        assert pending.detail["prompt"] == "Sell A1 for 900?"
        await durable.provide_input(id, "approval", True, by="ada")

    done = run(database_url, "purchase.yaml", order(total=900), approve)
    assert done.status == "completed", done.error


def test_a_purchase_that_nobody_approves_in_time_is_undone(database_url: str) -> None:
    done = run(database_url, "purchase.yaml", order(total=900, patience="50ms"))
    assert done.error is not None
    assert (done.status, done.error["type"]) == ("compensated", "NotApproved")
    assert sorted(list_papers("purchases")) == ["on_failure-tell_customer", "reserve", "reserve-compensate"]


def test_a_purchase_that_cannot_be_shipped_is_undone_newest_first(database_url: str) -> None:
    done = run(database_url, "purchase.yaml", order(country="AQ"))
    assert done.error is not None
    assert (done.status, done.error["type"]) == ("compensated", "NotServed")
    papers = list_papers("purchases")
    assert papers["charge-compensate"] == {"refunded": "C-A1"}
    assert papers["reserve-compensate"] == {"released": "R-A1"}
    assert papers["on_failure-tell_customer"] == {"sorry": "A1", "why": "nobody carries parcels to AQ"}
    undone = [step.path for step in done.steps or () if step.kind == "compensated"]
    assert undone == ["charge/compensate", "reserve/compensate"]


# -- documents ------------------------------------------------------------------------------------------------------


def test_a_person_reads_what_the_machine_cannot(database_url: str) -> None:
    async def read(durable: AsyncDurable, _id: str) -> None:
        [pending] = await asked(durable, workflow="read_document")
        assert "smudged" in pending.detail["prompt"]
        await durable.provide_input(pending.execution_id, "look", {"cents": 700}, by="carl")

    texts = {"b": "Total 12,50 EUR", "a": "smudged", "c": "TOTAL 3.00 EUR, total 3.00 EUR"}
    done = run(database_url, "documents.yaml", {"texts": texts}, read)
    assert done.output == [
        {"name": "a", "cents": 700, "by": "person"},
        {"name": "b", "cents": 1250, "by": "machine"},
        {"name": "c", "cents": 300, "by": "machine"},
    ]


# -- payment --------------------------------------------------------------------------------------------------------


def test_a_payment_that_comes_is_booked_and_too_little_is_not_taken(database_url: str) -> None:
    async def pay(durable: AsyncDurable, id: str) -> None:
        await opened(durable, id)
        await durable.send_event(id, "payment.succeeded", {"cents": 1})
        await durable.send_event(id, "payment.succeeded", {"cents": 990})

    done = run(database_url, "payment.yaml", {"invoice": "I7", "cents": 990}, pay)
    assert done.output == {"which": "paid", "reminders": 0}
    assert list_papers("payments")["close-book"] == {"booked": 990, "invoice": "I7"}


def test_a_payment_that_is_refused_fails(database_url: str) -> None:
    async def refuse(durable: AsyncDurable, id: str) -> None:
        await durable.send_event(id, "payment.failed", {"reason": "no money"})

    done = run(database_url, "payment.yaml", {"invoice": "I7", "cents": 990}, refuse)
    assert done.error is not None
    assert (done.error["type"], done.error["message"]) == ("PaymentRefused", "no money")


def test_a_payment_that_never_comes_is_handed_over_after_three_reminders(database_url: str) -> None:
    done = run(database_url, "payment.yaml", {"invoice": "I7", "cents": 990, "patience": "30ms"})
    assert done.output == {"which": "late", "reminders": 3}
    assert len(list_papers("payments")) == 5


# -- escalation -----------------------------------------------------------------------------------------------------


def test_the_second_of_the_ladder_takes_it(database_url: str) -> None:
    async def take(durable: AsyncDurable, id: str) -> None:
        await asked(durable, execution=id, assignee="bob")
        await durable.provide_input(id, "climb#2/take", True, by="bob")

    given = {"incident": "disk full", "ladder": ["ada", "bob", "cyd"], "patience": "1s"}
    done = run(database_url, "escalation.yaml", given, take)
    assert done.output == {"taken_by": "bob", "pages": 2}
    assert list_papers("pages")["assign"] == {"incident": "disk full", "assigned": "bob"}


def test_nobody_takes_it(database_url: str) -> None:
    done = run(database_url, "escalation.yaml", {"incident": "disk full", "ladder": ["ada", "bob"], "patience": "20ms"})
    assert done.error is not None
    assert (done.error["type"], done.error["data"]) == ("NobodyTookIt", ["ada", "bob"])


# -- onboarding -----------------------------------------------------------------------------------------------------


def test_tips_are_sent_until_the_account_is_in_use(database_url: str) -> None:
    async def use(durable: AsyncDurable, id: str) -> None:
        await asked(durable, execution=id)
        await durable.provide_input(id, "profile", {"language": "de"})
        while "drip-1-tip-send_tip" not in list_papers("mails"):
            await asyncio.sleep(0.02)
        await durable.send_event(id, "account.activated")

    done = run(database_url, "onboarding.yaml", {"email": "ueli@example.org", "pace": "1s"}, use)
    assert done.output["language"] == "de"
    assert done.output["activated"]
    assert done.output["tips"] < 3
    assert list_papers("mails")["drip-1-tip-send_tip"]["language"] == "de"


def test_who_never_answers_gets_all_tips_in_english(database_url: str) -> None:
    given = {"email": "ueli@example.org", "pace": "20ms", "patience": "20ms"}
    done = run(database_url, "onboarding.yaml", given)
    assert done.output == {"language": "en", "tips": 3, "activated": False}
    assert [mail["subject"] for mail in list_papers("mails").values()] == [
        "first steps", "shortcuts", "sharing", "welcome",
    ]  # fmt: skip


# -- batch_import ---------------------------------------------------------------------------------------------------


def test_a_row_is_tried_again_and_a_bad_one_stops_no_other(database_url: str) -> None:
    rows = [{"email": "a@x"}, {"email": "nobody"}, {"email": "c@x", "slow": True}]
    done = run(database_url, "batch_import.yaml", {"rows": rows})
    assert done.output == {"imported": 2, "refused": ["row 1 has no address"]}
    tries = [(step.path, step.attempt) for step in done.steps or () if step.path == "each[2]/import_row"]
    assert tries == [("each[2]/import_row", 1), ("each[2]/import_row", 2), ("each[2]/import_row", 3)]


def test_an_import_with_too_many_bad_rows_fails(database_url: str) -> None:
    done = run(database_url, "batch_import.yaml", {"rows": [{}, {"email": "a@x"}], "tolerance": 0.1})
    assert done.error is not None
    assert (done.error["type"], done.error["message"]) == ("TooManyRefused", "1 of 2 rows cannot be imported")


# -- fraud ----------------------------------------------------------------------------------------------------------


def test_two_of_three_votes_are_enough(database_url: str) -> None:
    done = run(database_url, "fraud.yaml", {"payment": {"cents": 5000, "country": "DE"}})
    assert done.output == {"verdict": "pass", "votes": {"address": {"risk": 10}, "amount": {"risk": 2}}}


@pytest.mark.parametrize(
    ("payment", "votes"),
    [
        ({"cents": 90_000, "country": "XX"}, {"address": {"risk": 60}, "amount": {"risk": 45}}),
        ({"cents": 5, "country": "DE", "offline": True}, {}),
    ],
)
def test_a_person_decides_about_what_is_suspicious_or_has_no_quorum(
    database_url: str, payment: dict[str, Any], votes: dict[str, Any]
) -> None:
    async def block(durable: AsyncDurable, id: str) -> None:
        await asked(durable, execution=id)
        await durable.provide_input(id, "look", "block", by="eve")

    done = run(database_url, "fraud.yaml", {"payment": payment}, block)
    assert done.output == {"verdict": "block", "votes": votes}


# -- backfill -------------------------------------------------------------------------------------------------------


def test_each_day_is_loaded_by_an_execution_of_its_own(database_url: str) -> None:
    async def another(durable: AsyncDurable, id: str) -> None:
        first = await durable.result(id, timeout=60)
        # The second one finds every day loaded: its executions of the same keys have ended already.
        again = await durable.start(FOLDER / "backfill.yaml", {"first": "2030-01-04", "days": 5})
        assert await durable.result(again, timeout=60) == first

    done = run(database_url, "backfill.yaml", {"first": "2030-01-04", "days": 5}, another)
    # 104 to 108; the seventh is a Monday, which is loaded at the second attempt.
    assert done.output == {"days": 5, "rows": 530}
    assert len(list((output_folder() / "days").glob("*/fetch.json"))) == 5


# -- provisioning ---------------------------------------------------------------------------------------------------


def test_an_environment_is_built_elsewhere_once_the_first_is_gone(database_url: str) -> None:
    done = run(database_url, "provisioning.yaml", {"name": "shop"})
    assert done.output == {"region": "south", "address": "south-shop-machines"}
    assert [paper["id"] for paper in list_papers("removed").values()] == ["north-shop-database", "north-shop-network"]


def test_an_environment_that_fits_nowhere_leaves_nothing_behind(database_url: str) -> None:
    done = run(database_url, "provisioning.yaml", {"name": "shop", "other_region": "moon"})
    assert done.error is not None
    assert (done.status, done.error["type"]) in {("failed", "NoRoom"), ("compensated", "NoRoom")}
    assert len(list_papers("built")) == len(list_papers("removed")) == 2
