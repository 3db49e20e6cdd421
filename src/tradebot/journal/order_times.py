"""When something became of an order: for who has its name, and looks for its lines in the log."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import NamedTuple

from tradebot.journal.codec import maybe_time, time_of
from tradebot.journal.database import Database

_QUERY = (
    "SELECT a.*, v.outcome, v.failure_reason, v.decided_at, f.order_state, f.filled_quantity,"
    " f.average_price, f.updated_at FROM attempts a"
    " LEFT JOIN verdicts v USING (external_reference)"
    " LEFT JOIN fills f USING (external_reference)"
)


class OrderTimes(NamedTuple):
    """An attempt as the journal has it, in its own words, and every moment it took down.

    No objects of the model: loading those would take longer than the question.
    """

    external_reference: str
    instrument: str
    side: str
    quantity: str
    run_id: str
    created_at: datetime
    prechecked_at: datetime | None
    sent_at: datetime | None
    order_id: str | None
    decided_at: datetime | None
    """When the verdict was written; None without one."""
    outcome: str | None
    failure_reason: str | None
    order_state: str | None
    """`gone` for an order that works no more and is not filled."""
    filled_quantity: str | None
    average_price: float | None
    updated_at: datetime | None
    """When the fill was last booked."""
    corrected_at: tuple[datetime, ...]
    """When a person changed something."""

    @property
    def moments(self) -> list[datetime]:
        """Every one of these times."""
        times = (
            self.created_at, self.prechecked_at, self.sent_at, self.decided_at, self.updated_at,
        )  # fmt: skip
        return [*(moment for moment in times if moment is not None), *self.corrected_at]


class OrderTimesQueries:
    """Reads `attempts`, `verdicts`, `fills` and `corrections`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_reference(self, reference: str) -> list[OrderTimes]:
        """The attempt of this external reference: one, or none."""
        return self._read("a.external_reference=?", reference)

    def of_order(self, order_id: str) -> list[OrderTimes]:
        """The attempts, of any account, that are the broker's order of this id."""
        return self._read("a.order_id=?", order_id)

    def _read(self, condition: str, value: str) -> list[OrderTimes]:
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_QUERY} WHERE {condition} ORDER BY a.created_at", (value,)
            ).fetchall()
            return [_order_times(connection, row) for row in rows]


def _order_times(connection: sqlite3.Connection, row: sqlite3.Row) -> OrderTimes:
    corrections = connection.execute(
        "SELECT corrected_at FROM corrections WHERE external_reference=? ORDER BY corrected_at",
        (row["external_reference"],),
    ).fetchall()
    return OrderTimes(
        external_reference=row["external_reference"],
        instrument=row["instrument"],
        side=row["side"],
        quantity=row["quantity"],
        run_id=row["run_id"],
        created_at=time_of(row["created_at"]),
        prechecked_at=maybe_time(row["prechecked_at"]),
        sent_at=maybe_time(row["sent_at"]),
        order_id=row["order_id"],
        decided_at=maybe_time(row["decided_at"]),
        outcome=row["outcome"],
        failure_reason=row["failure_reason"],
        order_state=row["order_state"],
        filled_quantity=row["filled_quantity"],
        average_price=row["average_price"],
        updated_at=maybe_time(row["updated_at"]),
        corrected_at=tuple(time_of(found[0]) for found in corrections),
    )
