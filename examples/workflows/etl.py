"""The functions that `etl.yaml` calls. Rows stay in files; what is stored as JSON are names and sums."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypedDict

from durable_runtime import StepContext
from examples.workflows.ledger import record
from examples.workflows.output import HERE, output_folder, write_whole

REGIONS = ("north", "south", "east", "west")


class Sale(NamedTuple):
    """One row that can be used."""

    order_id: str
    day: date
    region: str
    sku: str
    quantity: int
    cents: int


class Cleaned(TypedDict):
    """What became of one file. `refused` counts the rows that cannot be used, by reason; `file` holds the others."""

    file: str
    rows: int
    kept: int
    refused: dict[str, int]


class Total(TypedDict):
    """One line of the report."""

    name: str
    sales: int
    cents: int


class Report(TypedDict):
    """The year: by month in order, by region and by article with the strongest first."""

    total_cents: int
    months: list[Total]
    regions: list[Total]
    articles: list[Total]
    refused: dict[str, int]


class _Refused(Exception):
    """A row that cannot be used; the message is the reason."""


def find_files(folder: str, ctx: StepContext) -> list[str]:
    """Gives the names of the CSV files in a folder beside this module."""
    record(ctx)
    names = sorted(path.name for path in (HERE / folder).glob("*.csv"))
    if not names:
        raise FileNotFoundError(f"there is no CSV file in {HERE / folder}")
    return names


def clean_file(folder: str, name: str, ctx: StepContext) -> Cleaned:
    """Writes the rows of a file that can be used to a file of their own, all in one notation, and counts the others."""
    record(ctx)
    # The byte order mark that spreadsheets write would become a part of the first column's name.
    text = (HERE / folder / name).read_text(encoding="utf-8-sig")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    sales: dict[str, Sale] = {}
    refused: Counter[str] = Counter()
    rows = 0
    for row in csv.DictReader(io.StringIO(text), delimiter=separator):
        rows += 1
        try:
            sale = _sale(row)
            if sale.order_id in sales:
                raise _Refused("the order appears twice")
            sales[sale.order_id] = sale
        except _Refused as reason:
            refused[str(reason)] += 1
    table = _table(Sale._fields, list(sales.values()))
    file = write_whole(f"clean/{ctx.execution_id}/{name}", table)
    return Cleaned(file=file, rows=rows, kept=len(sales), refused=dict(sorted(refused.items())))


def _sale(row: dict[str, str]) -> Sale:
    region = row["region"].strip().lower()
    if region not in REGIONS:
        raise _Refused("the region is unknown")
    return Sale(row["order_id"], _day(row["date"]), region, row["sku"], _quantity(row["quantity"]), _cents(row))


def _day(text: str) -> date:
    # 2030-02-26, or 26.02.2030 turned around.
    parts = text.strip().split(".")
    try:
        return date.fromisoformat("-".join(reversed(parts)))
    except ValueError:
        raise _Refused("the date cannot be read") from None


def _quantity(text: str) -> int:
    try:
        quantity = int(text)
    except ValueError:
        raise _Refused("the quantity is missing") from None
    if quantity <= 0:
        raise _Refused("the quantity is not positive")
    return quantity


def _cents(row: dict[str, str]) -> int:
    text = row["unit_price"].removeprefix("EUR").strip().replace(",", ".")
    try:
        return int(Decimal(text) * 100)
    except InvalidOperation:
        raise _Refused("the price cannot be read") from None


def add_up(cleaned: list[Cleaned], ctx: StepContext) -> Report:
    """Adds up what the clean files hold."""
    record(ctx)
    months, regions, articles = Counter[str](), Counter[str](), Counter[str]()
    sales: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for each in cleaned:
        refused.update(each["refused"])
        with (output_folder() / each["file"]).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                cents = int(row["quantity"]) * int(row["cents"])
                for counter, name in ((months, row["day"][:7]), (regions, row["region"]), (articles, row["sku"])):
                    counter[name] += cents
                    sales[name] += 1
    return Report(
        total_cents=regions.total(),
        months=[Total(name=name, sales=sales[name], cents=months[name]) for name in sorted(months)],
        regions=[Total(name=name, sales=sales[name], cents=cents) for name, cents in regions.most_common()],
        articles=[Total(name=name, sales=sales[name], cents=cents) for name, cents in articles.most_common()],
        refused=dict(sorted(refused.items())),
    )


def write_json(name: str, report: Report, ctx: StepContext) -> str:
    """Writes the report for programs and gives its file."""
    record(ctx)
    return write_whole(f"reports/{name}.json", json.dumps(report, indent=2) + "\n")


def write_table(name: str, report: Report, ctx: StepContext) -> str:
    """Writes the report for spreadsheets and gives its file."""
    record(ctx)
    groups = (("month", report["months"]), ("region", report["regions"]), ("article", report["articles"]))
    rows = [(group, total["name"], total["sales"], total["cents"]) for group, totals in groups for total in totals]
    return write_whole(f"reports/{name}.csv", _table(("by", "name", "sales", "cents"), rows))


def _table(head: tuple[str, ...], rows: list[Sale] | list[tuple[str, str, int, int]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
