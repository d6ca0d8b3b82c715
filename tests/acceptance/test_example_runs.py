"""The workflows in examples/: simulated, and run on a real database, with outcomes worked out by hand."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from durable_runtime import Durable, Execution, InvalidInput, Worker
from durable_runtime.testing import SimulationResult, simulate
from examples.workflows import gateway
from examples.workflows.weather_service import WeatherService

FOLDER = Path(__file__).parents[2] / "examples" / "workflows"


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the examples write to."""
    monkeypatch.setenv("DURABLE_EXAMPLES_OUTPUT", str(tmp_path))
    return tmp_path


def run(url: str, name: str, input: Any) -> Execution:
    """Start an example and let a worker finish it."""
    with Durable(url) as durable:
        id = durable.start(FOLDER / name, input)
        asyncio.run(Worker(url).run(until_idle=True))
        return durable.get_execution(id, include_steps=True)


def attempts(execution: Execution) -> list[tuple[str, str, int]]:
    """Path, kind and attempt of everything that ran outside of the engine, in the order it was stored."""
    steps = execution.steps or ()
    return [(step.path, step.kind, step.attempt) for step in steps if step.started_at is not None]


def slept(done: SimulationResult) -> timedelta:
    """How long a simulated execution slept, to the millisecond: its clock adds up in finer steps."""
    return timedelta(milliseconds=round(done.slept / timedelta(milliseconds=1)))


# -- order ----------------------------------------------------------------------------------------------------------


def order(**changes: Any) -> dict[str, Any]:
    """The bundled input with some keys changed."""
    given: dict[str, Any] = json.loads((FOLDER / "order.input.json").read_text(encoding="utf-8"))
    return given | changes


def test_a_physical_order_is_charged_once_although_the_first_answer_was_lost(database_url: str, output: Path) -> None:
    done = run(database_url, "order.yaml", order())
    assert done.status == "completed", done.error
    # 189.00 + 2 x 42.50 + 12.00 = 286.00, plus 19 %; 2300 + 2 x 390 g go with the Postwagen for 5.90 + 3.08 x 1.10.
    ((charge_id, card, cents),) = gateway.list_charges()
    assert (card, cents) == ("0259", 34034)
    delivery = done.output["delivery"]
    assert done.output == {
        "order_id": "SHOP-1042",
        "total_cents": 34034,
        "charge_id": charge_id,
        "delivery": {**delivery, "carrier": "Postwagen", "cents": 929, "days": 3, "label": f"labels/{done.id}.txt"},
        "papers": {"customer": f"outbox/{done.id}.eml", "books": f"invoices/{done.id}.txt"},
    }
    label = (output / delivery["label"]).read_text(encoding="utf-8")
    assert label == f"Postwagen  {delivery['tracking']}\nAda Brandt, DE\nOrder SHOP-1042\n"
    invoice = (output / "invoices" / f"{done.id}.txt").read_text(encoding="utf-8")
    assert [line.split()[-2] for line in invoice.splitlines() if line.endswith("EUR")] == [
        "189.00", "85.00", "12.00", "286.00", "54.34", "340.34",
    ]  # fmt: skip
    mail = (output / "outbox" / f"{done.id}.eml").read_text(encoding="utf-8")
    assert "To: ada@example.org" in mail
    assert delivery["tracking"] in mail
    told = attempts(done)
    assert told[:6] == [
        ("check", "completed", 1),
        ("price", "completed", 1),
        ("charge", "retrying", 1),
        ("charge", "completed", 2),
        ("deliver/choose_carrier", "completed", 1),
        ("deliver/print_label", "completed", 1),
    ]
    assert sorted(told[6:]) == [("tell/mail_customer", "completed", 1), ("tell/write_invoice", "completed", 1)]


def test_a_digital_order_gets_links_and_a_busy_gateway_is_asked_again(database_url: str, output: Path) -> None:
    lines = [{"sku": "MAP-ALPS", "quantity": 1}, {"sku": "BOOK-KNOTS", "quantity": 3}]
    customer = {"name": "Ueli Frey", "email": "ueli@example.org", "country": "CH"}
    done = run(database_url, "order.yaml", order(card="4000000000000341", lines=lines, customer=customer))
    assert done.status == "completed", done.error
    # 12.00 + 3 x 9.90 = 41.70; 8.1 % of it are 3.3777.
    assert done.output["total_cents"] == 4508
    assert [(card, cents) for _id, card, cents in gateway.list_charges()] == [("0341", 4508)]
    assert [link.partition("?")[0] for link in done.output["delivery"]] == [
        f"https://shop.example/downloads/{done.id}/MAP-ALPS",
        f"https://shop.example/downloads/{done.id}/BOOK-KNOTS",
    ]
    assert not (output / "labels").exists()
    assert ("charge", "retrying", 1) in attempts(done)
    assert [step.path for step in done.steps or () if step.kind == "waiting"] == ["cooling_off"]


def test_a_declined_card_is_not_tried_again(database_url: str, output: Path) -> None:
    done = run(database_url, "order.yaml", order(card="4000000000000002"))
    assert done.status == "failed"
    assert (done.error["type"], done.error["node"], done.error["attempt"]) == ("CardDeclined", "charge", 1)
    assert done.error["message"] == "the bank declined the card ending in 0002"
    assert gateway.list_charges() == []
    assert [path.name for path in output.iterdir()] == ["gateway.sqlite"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lines": [{"sku": "LAMP-H", "quantity": 1}]}, ("OutOfStock", "check", "too few in stock of LAMP-H")),
        ({"lines": [{"sku": "KAYAK", "quantity": 1}]}, ("UnknownArticle", "check", "the catalogue has no KAYAK")),
        (
            {"customer": {"name": "I", "email": "i@example.org", "country": "IS"}},
            ("CannotDeliver", "price", "there is no tax rate for IS"),
        ),
    ],
)
def test_an_order_that_cannot_be_filled_is_not_charged(
    changes: dict[str, Any], error: tuple[str, str, str], database_url: str, output: Path
) -> None:
    done = run(database_url, "order.yaml", order(**changes))
    assert done.status == "failed"
    assert (done.error["type"], done.error["node"], done.error["message"]) == error
    assert list(output.iterdir()) == []


def test_an_order_without_lines_is_refused_before_anything_is_stored(database_url: str) -> None:
    with Durable(database_url) as durable:
        with pytest.raises(InvalidInput, match=r"input\.lines must have at least 1 item"):
            durable.start(FOLDER / "order.yaml", order(lines=[]))
        assert durable.list_executions() == []


def test_a_simulated_order_cools_off_for_hours_in_no_time(output: Path) -> None:
    done = simulate(FOLDER / "order.yaml", order(cooling_off="20h"))
    assert (done.status, done.output["total_cents"]) == ("completed", 34034)
    assert done.attempts_of("charge") == 2
    assert slept(done) == timedelta(hours=20, milliseconds=300)
    assert len(gateway.list_charges()) == 1


def test_a_simulated_order_gives_up_after_five_silent_answers_of_the_gateway(output: Path) -> None:
    silence = gateway.GatewayUnavailable("nobody answers")
    done = simulate(FOLDER / "order.yaml", order(), {"charge": silence})
    assert done.status == "failed"
    assert done.error is not None
    assert (done.error.type, done.error.node, done.error.attempt) == ("GatewayUnavailable", "charge", 5)
    # 300 ms, doubled each time.
    assert slept(done) == timedelta(milliseconds=300 + 600 + 1200 + 2400)


# -- etl ------------------------------------------------------------------------------------------------------------


def test_a_year_of_dirty_sales_becomes_a_report_to_the_cent(database_url: str, output: Path) -> None:
    done = run(database_url, "etl.yaml", {})
    assert done.status == "completed", done.error
    assert done.output == {
        "files": {"json": "reports/sales-2030.json", "table": "reports/sales-2030.csv"},
        "rows": 571,
        "kept": 513,
        "total_cents": 15594377,
        "best_region": "west",
    }
    report = json.loads((output / "reports" / "sales-2030.json").read_text(encoding="utf-8"))
    assert [(month["name"], month["cents"]) for month in report["months"]] == [
        ("2030-01", 1205983),
        ("2030-02", 1324796),
        ("2030-03", 1177775),
        ("2030-04", 1330828),
        ("2030-05", 1233574),
        ("2030-06", 1043021),
        ("2030-07", 1339419),
        ("2030-08", 1626953),
        ("2030-09", 1314224),
        ("2030-10", 1282226),
        ("2030-11", 1413160),
        ("2030-12", 1302418),
    ]
    assert [(region["name"], region["cents"]) for region in report["regions"]] == [
        ("west", 4445226),
        ("north", 4110771),
        ("east", 3719063),
        ("south", 3319317),
    ]
    assert [(article["name"], article["cents"]) for article in report["articles"]] == [
        ("TENT-2", 6796440),
        ("ROPE-60", 5202480),
        ("LAMP-H", 1318488),
        ("STOVE-1", 1207425),
        ("MUG-TI", 1069544),
    ]
    assert report["refused"] == {
        "the date cannot be read": 8,
        "the order appears twice": 15,
        "the price cannot be read": 10,
        "the quantity is missing": 12,
        "the quantity is not positive": 9,
        "the region is unknown": 4,
    }
    with (output / "reports" / "sales-2030.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["by", "name", "sales", "cents"]
    assert len(rows) == 1 + 12 + 4 + 5
    assert sum(int(row[2]) for row in rows if row[0] == "region") == 513
    months = sorted(path.name for path in (output / "clean" / done.id).iterdir())
    assert months == [f"2030-{month:02}.csv" for month in range(1, 13)]


def test_a_year_that_is_too_dirty_fails_and_says_how_dirty(database_url: str, output: Path) -> None:
    done = run(database_url, "etl.yaml", {"tolerance": 0.1})
    assert done.status == "failed"
    assert (done.error["type"], done.error["node"]) == ("TooDirty", "too_dirty")
    assert done.error["message"] == "58 of 571 rows cannot be used"
    assert len(done.error["data"]) == 12
    assert not (output / "reports").exists()


def test_a_simulated_year_gives_the_same_sum(output: Path) -> None:
    done = simulate(FOLDER / "etl.yaml", {"report": "simulated"})
    assert (done.status, done.output["total_cents"]) == ("completed", 15594377)
    assert (output / "reports" / "simulated.json").is_file()
    assert done.attempts_of("clean[11]/clean_file") == 1
    assert len(done.calls) == 1 + 12 + 1 + 2


# -- fetch ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def weather_service() -> Iterator[WeatherService]:
    with WeatherService(port=0) as service:
        thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def test_stations_are_fetched_and_joined_and_the_report_is_waited_for(
    database_url: str, weather_service: WeatherService
) -> None:
    done = run(database_url, "fetch.yaml", {"service": weather_service.url})
    assert done.status == "completed", done.error
    # The valley did not measure at 03:00 and 04:00, the summit not at 17:00.
    assert done.output == {
        "hours": 21,
        "report": {
            "coast": {"mean": 12.4, "warmest_at": "2030-05-01T13:00:00Z"},
            "valley": {"mean": 10.9, "warmest_at": "2030-05-01T12:00:00Z"},
            "summit": {"mean": -4.9, "warmest_at": "2030-05-01T08:00:00Z"},
        },
        "looked": 3,
    }
    requests = dict(weather_service.requests)
    (job,) = weather_service.jobs
    assert requests == {
        "GET /stations/coast": 1,
        "GET /stations/valley": 1,
        "GET /stations/summit": 2,
        "POST /jobs": 1,
        f"GET /jobs/{job}": 3,
        f"GET /jobs/{job}/report": 1,
    }
    told = attempts(done)
    assert ("stations/summit", "retrying", 1) in told
    assert ("stations/summit", "completed", 2) in told
    assert [path for path, _kind, _attempt in told if path.endswith("/look")] == [
        "poll#1/look",
        "poll#2/look",
        "poll#3/look",
    ]


def test_a_service_that_refuses_is_not_asked_again(database_url: str, weather_service: WeatherService) -> None:
    done = run(database_url, "fetch.yaml", {"service": f"{weather_service.url}/old"})
    assert done.status == "failed"
    assert done.error["type"] == "Refused"
    assert done.error["attempt"] == 1
    assert max(weather_service.requests.values()) == 1


def test_a_simulated_fetch_needs_no_service() -> None:
    readings = [{"at": "2030-05-01T00:00:00Z", "celsius": 7}, {"at": "2030-05-01T01:00:00Z", "celsius": 6}]
    answers = iter(["running", "running", "running", "done"])
    mocks = {
        "examples.workflows.fetch.get_station": lambda service, name: {"station": name, "readings": readings},
        "order_report": {"id": "j1", "status": "running"},
        "poll/look": lambda service, id: {"id": id, "status": next(answers)},
        "fetch_report": {"coast": "mild"},
    }
    done = simulate(FOLDER / "fetch.yaml", {}, mocks)
    assert done.status == "completed", done.error
    assert done.output == {"hours": 2, "report": {"coast": "mild"}, "looked": 4}
    # Between the four turns: 200 ms, and half as much again each time.
    assert slept(done) == timedelta(milliseconds=200 + 300 + 450)
