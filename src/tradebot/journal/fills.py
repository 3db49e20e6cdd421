"""How much of an order was filled, and what the bot holds because of it: kept together.

All of it happens in the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from decimal import Decimal

from tradebot.journal.codec import decimal_text, time_text
from tradebot.model import Action, Verdict


def record_fill(
    connection: sqlite3.Connection, reference: str, verdict: Verdict, at: datetime
) -> None:
    """Book what an order filled beyond what is known; a fill never shrinks."""
    attempt = connection.execute(
        "SELECT account, instrument, side, order_id FROM attempts WHERE external_reference=?",
        (reference,),
    ).fetchone()
    before = connection.execute(
        "SELECT filled_quantity FROM fills WHERE external_reference=?", (reference,)
    ).fetchone()
    had = Decimal(before[0]) if before else Decimal(0)
    filled = max(had, verdict.filled_quantity)
    connection.execute(
        "INSERT INTO fills (external_reference, account, instrument, order_id, side, order_state,"
        " filled_quantity, average_price, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (external_reference) DO UPDATE SET order_state=excluded.order_state,"
        " filled_quantity=excluded.filled_quantity,"
        " average_price=coalesce(excluded.average_price, average_price),"
        " updated_at=excluded.updated_at",
        (
            reference,
            attempt["account"],
            attempt["instrument"],
            verdict.order_id or attempt["order_id"],
            attempt["side"],
            verdict.order_state or "gone",
            decimal_text(filled),
            verdict.average_price,
            time_text(at),
        ),
    )
    change = (filled - had) * (1 if attempt["side"] == Action.BUY else -1)
    account, instrument = attempt["account"], attempt["instrument"]
    hold(connection, account, instrument, held(connection, account, instrument) + change)


def held(connection: sqlite3.Connection, account: str, instrument: str) -> Decimal:
    row = connection.execute(
        "SELECT quantity FROM positions WHERE account=? AND instrument=?", (account, instrument)
    ).fetchone()
    return Decimal(row[0]) if row else Decimal(0)


def hold(connection: sqlite3.Connection, account: str, instrument: str, quantity: Decimal) -> None:
    connection.execute(
        "INSERT INTO positions (account, instrument, quantity) VALUES (?, ?, ?)"
        " ON CONFLICT (account, instrument) DO UPDATE SET quantity=excluded.quantity",
        (account, instrument, decimal_text(quantity)),
    )
