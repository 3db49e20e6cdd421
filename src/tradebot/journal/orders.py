"""Decisions, attempts, verdicts, fills: the life of an order, one durable step at a time.

    decision (account, strategy, instrument, bar)      unique: deciding again creates nothing
      └─ attempt 1..3, each with its own reference     created → prechecked → sent → resolved
           ├─ verdict                                  written once
           └─ fill                                     moves until the order is filled or gone

An attempt that was sent and has no verdict is *unresolved*: its instrument does not trade.
"""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.journal.codec import decimal_text, maybe_time, time_text
from tradebot.journal.database import Database
from tradebot.journal.rows import Attempt, attempt_of, verdict_of
from tradebot.model import Action, ExecutionOutcome, InstrumentId, Intent, Verdict

MAX_ATTEMPTS = 3


class Refused(enum.StrEnum):
    """Why no intent was created."""

    ALREADY_DECIDED = "already_decided"
    UNRESOLVED_INTENT = "unresolved_intent"
    ORDER_WORKING = "order_working"


@dataclass(frozen=True, slots=True)
class Created:
    """The journal took the intent: it is durable."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts: written beside each attempt, so that the log can be found from the journal."""

    account: str
    """A hash of the broker's account key, never the key."""
    strategy: str
    """The strategy's name, without its version: an update does not decide a bar anew."""
    run_id: str
    cycle_id: int
    slot: datetime | None = None


class Orders:
    """The `decisions`, `attempts`, `verdicts`, `fills` and `positions` tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_intent(
        self,
        origin: Origin,
        *,
        instrument: InstrumentId,
        bar_time: datetime,
        side: Action,
        quantity: Decimal,
        symbol: str | None,
        limit_price: float | None,
        reference_for: Callable[[int], str],
        at: datetime,
    ) -> Created | Refused:
        """Record the next attempt of a decision, or say why there is none.

        `reference_for` derives the external reference from the attempt's number.
        """
        key = (origin.account, origin.strategy, str(instrument), time_text(bar_time))
        with self._database.transaction() as connection:
            if _is_unresolved(connection, origin.account, instrument):
                return Refused.UNRESOLVED_INTENT
            if _has_live_order(connection, origin.account, instrument):
                return Refused.ORDER_WORKING
            decision_id = _open_decision(connection, key, side)
            if decision_id is None:
                return Refused.ALREADY_DECIDED
            number = 1 + int(
                connection.execute(
                    "SELECT count(*) FROM attempts WHERE decision_id=?", (decision_id,)
                ).fetchone()[0]
            )
            if number > MAX_ATTEMPTS:
                connection.execute(
                    "UPDATE decisions SET closed=1 WHERE decision_id=?", (decision_id,)
                )
                return Refused.ALREADY_DECIDED
            intent = Intent(
                external_reference=reference_for(number),
                instrument=instrument,
                side=side,
                quantity=quantity,
                bar_time=bar_time,
                attempt=number,
                symbol=symbol,
                limit_price=limit_price,
            )
            _insert_attempt(connection, decision_id, origin, intent, at)
            return Created(intent)

    def is_decided(
        self, account: str, strategy: str, instrument: InstrumentId, bar_time: datetime
    ) -> bool:
        """Is the decision for this bar closed?"""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT closed FROM decisions WHERE account=? AND strategy=? AND instrument=?"
                " AND bar_time=?",
                (account, strategy, str(instrument), time_text(bar_time)),
            ).fetchone()
        return bool(row and row["closed"])

    def mark_prechecked(self, reference: str, *, at: datetime) -> None:
        """The broker's precheck passed."""
        self._update(reference, "prechecked_at=?", time_text(at))

    def mark_sent(self, reference: str, *, at: datetime) -> None:
        """The order is about to be sent: from here on it may exist. Also marks the run's slot."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE attempts SET sent_at=? WHERE external_reference=?",
                (time_text(at), reference),
            )
            connection.execute(
                "UPDATE slots SET sent=1 WHERE slot ="
                " (SELECT slot FROM attempts WHERE external_reference=?)",
                (reference,),
            )

    def record_order_id(self, reference: str, order_id: str) -> None:
        """The broker named the order."""
        self._update(reference, "order_id=?", order_id)

    def settle(
        self, reference: str, verdict: Verdict, *, at: datetime, may_try_again: bool = False
    ) -> bool:
        """Write the verdict, and the fill if there is an order. False if one was there already."""
        if verdict.outcome is ExecutionOutcome.RECONCILIATION_NEEDED:
            raise ValueError("an unknown outcome is not a verdict")
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO verdicts (external_reference, outcome, failure_reason,"
                " may_try_again, decided_at) VALUES (?, ?, ?, ?, ?)",
                (
                    reference,
                    verdict.outcome,
                    verdict.failure_reason,
                    may_try_again,
                    time_text(at),
                ),
            )
            if not cursor.rowcount:
                return False
            connection.execute(
                "UPDATE attempts SET resolved=1, order_id=coalesce(?, order_id)"
                " WHERE external_reference=?",
                (verdict.order_id, reference),
            )
            if not may_try_again:
                connection.execute(
                    "UPDATE decisions SET closed=1 WHERE decision_id ="
                    " (SELECT decision_id FROM attempts WHERE external_reference=?)",
                    (reference,),
                )
            if verdict.order_id and (verdict.order_state or verdict.filled_quantity):
                _record_fill(connection, reference, verdict, at)
            return True

    def update_fill(self, reference: str, verdict: Verdict, *, at: datetime) -> None:
        """An accepted order moved on at the broker."""
        with self._database.transaction() as connection:
            _record_fill(connection, reference, verdict, at)

    def mark_logged(self, reference: str) -> None:
        """The verdict's line reached the log."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE verdicts SET logged=1 WHERE external_reference=?", (reference,)
            )

    def unlogged(self) -> list[tuple[Attempt, Verdict]]:
        """Verdicts whose line may be missing from the log, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT a.*, v.outcome, v.failure_reason, f.order_state, f.filled_quantity,"
                " f.average_price FROM verdicts v JOIN attempts a USING (external_reference)"
                " LEFT JOIN fills f USING (external_reference) WHERE v.logged=0"
                " ORDER BY v.decided_at"
            ).fetchall()
        return [(attempt_of(row), verdict_of(row)) for row in rows]

    def unresolved(self, account: str | None = None) -> list[Attempt]:
        """Attempts without a verdict, oldest first; of every account unless one is named."""
        query = "SELECT * FROM attempts WHERE resolved=0"
        arguments: tuple[str, ...] = ()
        if account is not None:
            query += " AND account=?"
            arguments = (account,)
        with self._database.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY created_at", arguments).fetchall()
        return [attempt_of(row) for row in rows]

    def live(self, account: str) -> list[tuple[Attempt, Verdict]]:
        """Accepted orders that may still be filled."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT a.*, v.outcome, v.failure_reason, f.order_state, f.filled_quantity,"
                " f.average_price FROM fills f JOIN attempts a USING (external_reference)"
                " JOIN verdicts v USING (external_reference)"
                " WHERE f.account=? AND f.order_state IN ('working', 'partial')"
                " ORDER BY a.created_at",
                (account,),
            ).fetchall()
        return [(attempt_of(row), verdict_of(row)) for row in rows]

    def given_up_since(self, account: str, reason: str, since: datetime) -> list[Attempt]:
        """Attempts sent since a time that ended with this failure reason and have no fill."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT a.* FROM attempts a JOIN verdicts v USING (external_reference)"
                " LEFT JOIN fills f USING (external_reference)"
                " WHERE a.account=? AND v.failure_reason=? AND a.sent_at>=?"
                " AND f.external_reference IS NULL ORDER BY a.sent_at",
                (account, reason, time_text(since)),
            ).fetchall()
        return [attempt_of(row) for row in rows]

    def find(self, reference: str) -> Attempt | None:
        """The attempt with this external reference."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM attempts WHERE external_reference=?", (reference,)
            ).fetchone()
        return None if row is None else attempt_of(row)

    def sent_since(self, account: str, since: datetime) -> int:
        """How many orders were sent since a time."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM attempts WHERE account=? AND sent_at>=?",
                (account, time_text(since)),
            ).fetchone()
        return int(row[0])

    def created_since(self, account: str, since: datetime) -> int:
        """How many intents were recorded since a time; in a dry run nothing is ever sent."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM attempts WHERE account=? AND created_at>=?",
                (account, time_text(since)),
            ).fetchone()
        return int(row[0])

    def last_sent_at(self, account: str) -> datetime | None:
        """When an order of this account was last sent."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT max(sent_at) FROM attempts WHERE account=? AND sent_at IS NOT NULL",
                (account,),
            ).fetchone()
        return maybe_time(row[0])

    def own_positions(self, account: str) -> dict[InstrumentId, Decimal]:
        """What the bot itself bought and has not sold, by instrument; zero is left out."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT instrument, quantity FROM positions WHERE account=?", (account,)
            ).fetchall()
        held = {InstrumentId.parse(row["instrument"]): Decimal(row["quantity"]) for row in rows}
        return {instrument: quantity for instrument, quantity in held.items() if quantity}

    def _update(self, reference: str, assignment: str, value: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE attempts SET {assignment} WHERE external_reference=?",  # noqa: S608
                (value, reference),
            )


def _is_unresolved(connection: sqlite3.Connection, account: str, instrument: InstrumentId) -> bool:
    row = connection.execute(
        "SELECT 1 FROM attempts WHERE resolved=0 AND account=? AND instrument=?",
        (account, str(instrument)),
    ).fetchone()
    return row is not None


def _has_live_order(connection: sqlite3.Connection, account: str, instrument: InstrumentId) -> bool:
    row = connection.execute(
        "SELECT 1 FROM fills WHERE order_state IN ('working', 'partial') AND account=?"
        " AND instrument=?",
        (account, str(instrument)),
    ).fetchone()
    return row is not None


def _open_decision(
    connection: sqlite3.Connection, key: tuple[str, str, str, str], side: Action
) -> int | None:
    """The id of the decision, made if new; None when it is closed."""
    connection.execute(
        "INSERT OR IGNORE INTO decisions (account, strategy, instrument, bar_time, side)"
        " VALUES (?, ?, ?, ?, ?)",
        (*key, side),
    )
    row = connection.execute(
        "SELECT decision_id, closed FROM decisions"
        " WHERE account=? AND strategy=? AND instrument=? AND bar_time=?",
        key,
    ).fetchone()
    return None if row["closed"] else int(row["decision_id"])


def _insert_attempt(
    connection: sqlite3.Connection, decision_id: int, origin: Origin, intent: Intent, at: datetime
) -> None:
    connection.execute(
        "INSERT INTO attempts (external_reference, decision_id, attempt, run_id, cycle_id,"
        " account, instrument, symbol, side, quantity, limit_price, bar_time, slot, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            intent.external_reference,
            decision_id,
            intent.attempt,
            origin.run_id,
            origin.cycle_id,
            origin.account,
            str(intent.instrument),
            intent.symbol,
            intent.side,
            decimal_text(intent.quantity),
            intent.limit_price,
            time_text(intent.bar_time),
            origin.slot and time_text(origin.slot),
            time_text(at),
        ),
    )


def _record_fill(
    connection: sqlite3.Connection, reference: str, verdict: Verdict, at: datetime
) -> None:
    """Keep the fill and the position together, in the caller's transaction."""
    attempt = connection.execute(
        "SELECT account, instrument, side, order_id FROM attempts WHERE external_reference=?",
        (reference,),
    ).fetchone()
    before = connection.execute(
        "SELECT filled_quantity FROM fills WHERE external_reference=?", (reference,)
    ).fetchone()
    change = verdict.filled_quantity - (Decimal(before[0]) if before else Decimal(0))
    connection.execute(
        "INSERT INTO fills (external_reference, account, instrument, order_id, side, order_state,"
        " filled_quantity, average_price, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (external_reference) DO UPDATE SET order_state=excluded.order_state,"
        " filled_quantity=excluded.filled_quantity, average_price=excluded.average_price,"
        " updated_at=excluded.updated_at",
        (
            reference,
            attempt["account"],
            attempt["instrument"],
            verdict.order_id or attempt["order_id"],
            attempt["side"],
            verdict.order_state or "gone",
            decimal_text(verdict.filled_quantity),
            verdict.average_price,
            time_text(at),
        ),
    )
    _move_position(connection, attempt, change)


def _move_position(connection: sqlite3.Connection, attempt: sqlite3.Row, change: Decimal) -> None:
    key = (attempt["account"], attempt["instrument"])
    row = connection.execute(
        "SELECT quantity FROM positions WHERE account=? AND instrument=?", key
    ).fetchone()
    held = Decimal(row[0]) if row else Decimal(0)
    held += change if attempt["side"] == Action.BUY else -change
    connection.execute(
        "INSERT INTO positions (account, instrument, quantity) VALUES (?, ?, ?)"
        " ON CONFLICT (account, instrument) DO UPDATE SET quantity=excluded.quantity",
        (*key, decimal_text(held)),
    )
