"""The workflow of `order.yaml`, written in Python: the same graph, so the same version and the same executions."""

from __future__ import annotations

from datetime import timedelta

from durable_dsl import Retry, branch, days, parallel, seconds, step, wait, workflow
from examples.workflows.gateway import CardDeclined
from examples.workflows.order import (
    charge,
    check,
    choose_carrier,
    mail_customer,
    make_links,
    price,
    print_label,
    write_invoice,
)

ORDER_ID = "${ input.order_id }"
CUSTOMER = "${ input.customer }"
COUNTRY = "${ input.customer.country }"
LINES = "${ data.lines }"
PRICE = "${ data.price }"

order = workflow(
    "order",
    step("check", check, with_={"lines": "${ input.lines }"}, save="lines"),
    step("price", price, with_={"lines": LINES, "country": COUNTRY}, save="price"),
    step(
        "charge",
        charge,
        with_={"card": "${ input.card }", "amount_cents": "${ data.price.total_cents }"},
        retry="gateway",
        timeout=seconds(30),
        save="charge",
    ),
    wait("cooling_off", for_="${ input.cooling_off }"),
    branch(
        "deliver",
        match="data.price.kind",
        cases={
            "digital": [step("make_links", make_links, with_={"lines": LINES})],
            "physical": [
                step(
                    "choose_carrier",
                    choose_carrier,
                    with_={"grams": "${ data.price.grams }", "country": COUNTRY},
                    save="carrier",
                ),
                step(
                    "print_label",
                    print_label,
                    with_={"order_id": ORDER_ID, "customer": CUSTOMER, "carrier": "${ data.carrier }"},
                ),
            ],
        },
        save="delivery",
    ),
    parallel(
        "tell",
        {
            "customer": [
                step(
                    "mail_customer",
                    mail_customer,
                    with_={
                        "order_id": ORDER_ID,
                        "customer": CUSTOMER,
                        "price": PRICE,
                        "delivery": "${ data.delivery }",
                    },
                )
            ],
            "books": [
                step(
                    "write_invoice",
                    write_invoice,
                    with_={
                        "order_id": ORDER_ID,
                        "lines": LINES,
                        "price": PRICE,
                        "charge_id": "${ data.charge.id }",
                    },
                )
            ],
        },
        save="papers",
    ),
    description="Check, charge and deliver an order. Kill it anywhere; it goes on where it stood.",
    version="1",
    timeout=days(1),
    input={
        "type": "object",
        "required": ["order_id", "customer", "card", "lines"],
        "properties": {
            "order_id": {"type": "string", "pattern": "^[A-Z]+-[0-9]+$"},
            "customer": {"type": "object", "required": ["name", "email", "country"]},
            "card": {"type": "string", "pattern": "^[0-9]{16}$"},
            "cooling_off": {"type": "string", "default": "2s"},
            "lines": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["sku", "quantity"],
                    "properties": {"quantity": {"type": "integer", "minimum": 1}},
                },
            },
        },
    },
    output={
        "order_id": ORDER_ID,
        "total_cents": "${ data.price.total_cents }",
        "charge_id": "${ data.charge.id }",
        "delivery": "${ data.delivery }",
        "papers": "${ data.papers }",
    },
    retries={"gateway": Retry(max_attempts=5, delay=timedelta(milliseconds=300), except_=[CardDeclined])},
)
