"""A payment gateway on this machine that is as unreliable as the real ones, and as careful with the money.

Its books are an SQLite file. A request with an idempotency key that it has seen is answered with the charge it made
then. Some cards bring out its moods, the same ones every time:

- ends with 0341: busy at the first attempt, nothing is charged
- ends with 0259: charges at the first attempt, but the answer gets lost on the way
- ends with 0002: declined by the bank
"""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing

from examples.workflows.output import output_folder

_BOOKS = """
create table if not exists attempt (key text not null);
create table if not exists charge (id text primary key, key text unique not null, card text not null,
                                   amount_cents integer not null);
"""


class GatewayUnavailable(Exception):
    """No answer came. Whether the money was taken is unknown; asking again with the same key is safe."""


class CardDeclined(Exception):
    """The bank said no, and would say no again."""


def charge(card: str, amount_cents: int, key: str) -> str:
    """Takes the money once for each key and gives the id of the charge.

    Raises `GatewayUnavailable` or `CardDeclined`.
    """
    with closing(_open_books()) as books:
        is_first = _note_attempt(books, key) == 1
        if card.endswith("0002"):
            raise CardDeclined(f"the bank declined the card ending in {card[-4:]}")
        if is_first and card.endswith("0341"):
            raise GatewayUnavailable("503 busy, try again")
        charge_id = f"ch_{uuid.uuid5(uuid.NAMESPACE_OID, key).hex[:16]}"
        with books:
            books.execute(
                "insert into charge values (?, ?, ?, ?) on conflict (key) do nothing",
                (charge_id, key, card[-4:], amount_cents),
            )
        if is_first and card.endswith("0259"):
            raise GatewayUnavailable("the connection broke before the answer came")
        return charge_id


def _note_attempt(books: sqlite3.Connection, key: str) -> int:
    """Counts the requests with this key, this one included."""
    with books:
        books.execute("insert into attempt values (?)", (key,))
        (attempts,) = books.execute("select count(*) from attempt where key = ?", (key,)).fetchone()
    return int(attempts)


def list_charges() -> list[tuple[str, str, int]]:
    """Gives id, last digits of the card and amount in cents of every charge in the books."""
    with closing(_open_books()) as books:
        return books.execute("select id, card, amount_cents from charge order by rowid").fetchall()


def _open_books() -> sqlite3.Connection:
    books = sqlite3.connect(output_folder() / "gateway.sqlite", timeout=30)
    books.executescript(_BOOKS)
    return books
