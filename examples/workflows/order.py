"""The functions that `order.yaml` calls. What they return is stored as JSON; the next step sees what was stored."""

from __future__ import annotations

import csv
import hashlib
import hmac
from decimal import ROUND_HALF_UP, Decimal
from email.message import EmailMessage
from typing import TypedDict

from durable_runtime import StepContext
from examples.workflows import gateway
from examples.workflows.ledger import record
from examples.workflows.output import HERE, write_whole

SIGNING_KEY = b"an example's key, secret to nobody"


class Line(TypedDict):
    """One line of an order, with what the catalogue says about its article."""

    sku: str
    name: str
    kind: str
    quantity: int
    net_cents: int
    grams: int


class Price(TypedDict):
    """What an order costs, and what there is to deliver: `digital`, or `physical` as soon as one article is."""

    net_cents: int
    tax_cents: int
    total_cents: int
    kind: str
    grams: int


class Carrier(TypedDict):
    """Who delivers, for how much and how fast."""

    carrier: str
    cents: int
    days: int


class UnknownArticle(Exception):
    """The catalogue has no such article."""


class OutOfStock(Exception):
    """There is less in stock than was ordered."""


class CannotDeliver(Exception):
    """There is no tax rate or no carrier for this country and weight."""


def check(lines: list[dict[str, str | int]], ctx: StepContext) -> list[Line]:
    """Looks every line up in the catalogue; all that is wrong with the order is said at once."""
    record(ctx)
    catalogue = {row["sku"]: row for row in _read("catalogue.csv")}
    unknown = [str(line["sku"]) for line in lines if line["sku"] not in catalogue]
    if unknown:
        raise UnknownArticle(f"the catalogue has no {', '.join(unknown)}")
    short = [str(line["sku"]) for line in lines if int(line["quantity"]) > int(catalogue[str(line["sku"])]["stock"])]
    if short:
        raise OutOfStock(f"too few in stock of {', '.join(short)}")
    found = [(catalogue[str(line["sku"])], int(line["quantity"])) for line in lines]
    return [
        Line(
            sku=row["sku"],
            name=row["name"],
            kind=row["kind"],
            quantity=quantity,
            net_cents=int(row["net_cents"]),
            grams=int(row["grams"]),
        )
        for row, quantity in found
    ]


def price(lines: list[Line], country: str, ctx: StepContext) -> Price:
    """Adds the order up, with the tax of the customer's country rounded to the cent once, on the sum."""
    record(ctx)
    percent = next((row["percent"] for row in _read("taxes.csv") if row["country"] == country), None)
    if percent is None:
        raise CannotDeliver(f"there is no tax rate for {country}")
    net = sum(line["net_cents"] * line["quantity"] for line in lines)
    tax = int((net * Decimal(percent) / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return Price(
        net_cents=net,
        tax_cents=tax,
        total_cents=net + tax,
        kind="physical" if any(line["kind"] == "physical" for line in lines) else "digital",
        grams=sum(line["grams"] * line["quantity"] for line in lines),
    )


def charge(card: str, amount_cents: int, ctx: StepContext) -> dict[str, str]:
    """Takes the money. The key is the same for every attempt, so the gateway takes it once."""
    record(ctx)
    return {"id": gateway.charge(card, amount_cents, key=ctx.idempotency_key)}


def make_links(lines: list[Line], ctx: StepContext) -> list[str]:
    """Makes a signed download link for each article."""
    record(ctx)
    links = []
    for line in lines:
        path = f"/downloads/{ctx.execution_id}/{line['sku']}"
        signature = hmac.new(SIGNING_KEY, path.encode(), hashlib.sha256).hexdigest()
        links.append(f"https://shop.example{path}?signature={signature}")
    return links


def choose_carrier(grams: int, country: str, ctx: StepContext) -> Carrier:
    """Chooses the cheapest carrier for the weight and the country; the faster one where two cost the same."""
    record(ctx)
    offers = [
        Carrier(
            carrier=row["carrier"],
            cents=int(row["base_cents"]) + -(-grams * int(row["cents_per_kilo"]) // 1000),
            days=int(row["days"]),
        )
        for row in _read("carriers.csv")
        if country in row["countries"].split() and grams <= int(row["max_grams"])
    ]
    if not offers:
        raise CannotDeliver(f"nobody delivers {grams} g to {country}")
    return min(offers, key=lambda offer: (offer["cents"], offer["days"]))


def print_label(order_id: str, customer: dict[str, str], carrier: Carrier, ctx: StepContext) -> dict[str, str | int]:
    """Writes the label of the parcel and gives its file and the tracking number."""
    record(ctx)
    digits = int(hashlib.sha256(ctx.idempotency_key.encode()).hexdigest(), 16) % 10**12
    tracking = f"{carrier['carrier'][:2].upper()}{digits:012}"
    label = f"{carrier['carrier']}  {tracking}\n{customer['name']}, {customer['country']}\nOrder {order_id}\n"
    return {
        "carrier": carrier["carrier"],
        "cents": carrier["cents"],
        "days": carrier["days"],
        "tracking": tracking,
        "label": write_whole(f"labels/{ctx.execution_id}.txt", label),
    }


def mail_customer(
    order_id: str,
    customer: dict[str, str],
    price: Price,
    delivery: list[str] | dict[str, str | int],
    ctx: StepContext,
) -> str:
    """Puts a mail into the outbox and gives its file. Its Message-ID is the idempotency key: sent twice, it is one."""
    record(ctx)
    mail = EmailMessage()
    mail["From"] = "shop@example.org"
    mail["To"] = customer["email"]
    mail["Subject"] = f"Your order {order_id}"
    mail["Message-ID"] = f"<{ctx.idempotency_key}@shop.example>"
    goods = "\n".join(delivery) if isinstance(delivery, list) else f"{delivery['carrier']}: {delivery['tracking']}"
    mail.set_content(
        f"Dear {customer['name']},\n\nthank you for {_euros(price['total_cents'])}. On its way:\n\n{goods}\n"
    )
    return write_whole(f"outbox/{ctx.execution_id}.eml", mail.as_string())


def write_invoice(order_id: str, lines: list[Line], price: Price, charge_id: str, ctx: StepContext) -> str:
    """Writes the invoice and gives its file."""
    record(ctx)
    rows = [
        f"{line['quantity']:>4} x {line['name']:<32} {_euros(line['net_cents'] * line['quantity']):>12}"
        for line in lines
    ]
    sums = [
        f"{'Net':<39} {_euros(price['net_cents']):>12}",
        f"{'Tax':<39} {_euros(price['tax_cents']):>12}",
        f"{'Total':<39} {_euros(price['total_cents']):>12}",
    ]
    text = "\n".join([f"Invoice for order {order_id}", "", *rows, "", *sums, "", f"Paid with {charge_id}", ""])
    return write_whole(f"invoices/{ctx.execution_id}.txt", text)


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02} EUR"


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / "shop" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
