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

from tradebot.errors import StorageError
from tradebot.journal import control
from tradebot.journal.codec import decimal_text, time_text
from tradebot.journal.fills import held, hold, record_fill
from tradebot.journal.order_queries import OrderQueries
from tradebot.model import Action, ExecutionOutcome, InstrumentId, Intent, Verdict
from tradebot.vocabulary.reasons import SkipReason

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


@dataclass(frozen=True, slots=True)
class Settled:
    """A verdict was written."""

    failures: int
    """How many orders failed in a row, this one included."""
    paused: bool
    """Did this one pause trading?"""


class Orders(OrderQueries):
    """The writing side. Each step is taken once, and only from the step before it.

    The run lock keeps two runs apart. Should it ever fail, the journal still does: a step that
    another process has taken, or made impossible, raises StorageError.
    """

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
            _require_room_for_the_end(connection, intent.external_reference)
            return Created(intent)

    def mark_prechecked(self, reference: str, *, at: datetime) -> None:
        """The broker's precheck passed. Raises StorageError when the intent is no longer open."""
        with self._database.transaction() as connection:
            self._step(connection, "prechecked_at", time_text(at), reference)

    def mark_sent(self, reference: str, *, at: datetime) -> None:
        """The order is about to be sent: from here on it may exist. Also marks the run's slot.

        Raises StorageError when the intent was sent or closed by somebody else: whoever gets
        through here is the only one who may send it.
        """
        with self._database.transaction() as connection:
            self._step(connection, "sent_at", time_text(at), reference)
            connection.execute(
                "UPDATE slots SET sent=1 WHERE slot ="
                " (SELECT slot FROM attempts WHERE external_reference=?)",
                (reference,),
            )

    def take_over(
        self, reference: str, order_id: str, found_as: str | None, *, at: datetime
    ) -> None:
        """An order of this decision is at the broker already: nothing is to be sent, it is ours.

        `found_as` is its reference there. Raises as `mark_sent`.
        """
        with self._database.transaction() as connection:
            self._step(connection, "sent_at", time_text(at), reference)
            connection.execute(
                "UPDATE attempts SET order_id=?, found_as=nullif(?, external_reference)"
                " WHERE external_reference=?",
                (order_id, found_as, reference),
            )
            connection.execute(
                "UPDATE slots SET sent=1 WHERE slot ="
                " (SELECT slot FROM attempts WHERE external_reference=?)",
                (reference,),
            )

    def _step(
        self, connection: sqlite3.Connection, column: str, value: str, reference: str
    ) -> None:
        taken = connection.execute(
            f"UPDATE attempts SET {column}=? WHERE external_reference=? AND resolved=0"  # noqa: S608
            " AND sent_at IS NULL",
            (value, reference),
        )
        if not taken.rowcount:
            raise StorageError(
                f"The journal {self._database.path} says that {reference} is no longer open: "
                "another run has taken it over. Nothing is sent. Are two bots sharing STATE_DIR "
                "on a disk that cannot lock (a network folder)?"
            )

    def record_order_id(self, reference: str, order_id: str) -> None:
        """The broker named the order."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE attempts SET order_id=? WHERE external_reference=?", (order_id, reference)
            )

    def settle(
        self,
        reference: str,
        verdict: Verdict,
        *,
        at: datetime,
        may_try_again: bool = False,
        pause_after: int = 0,
    ) -> Settled | None:
        """Write the verdict, and the fill if there is an order. None if one was there already.

        A failure that does not pass by itself counts; `pause_after` of them in a row (0: any
        number) pause trading, in the same transaction. A success starts the count anew.
        """
        with self._database.transaction() as connection:
            if not _write_verdict(connection, reference, verdict, at, may_try_again):
                return None
            if verdict.outcome is ExecutionOutcome.SUCCESS:
                control.forget_failures(connection)
            if verdict.outcome is not ExecutionOutcome.FAILED or may_try_again:
                return Settled(0, paused=False)
            failures = control.count_failure(connection)
            paused = 0 < pause_after <= failures
            if paused:
                control.put_pause(connection, SkipReason.CONSECUTIVE_FAILURES, None)
            return Settled(failures, paused)

    def abandon(self, reference: str, verdict: Verdict, *, at: datetime) -> bool:
        """Close an attempt that was never sent; its decision may be tried again.

        False when it was sent or closed meanwhile.
        """
        with self._database.transaction() as connection:
            unsent = connection.execute(
                "SELECT 1 FROM attempts WHERE external_reference=? AND sent_at IS NULL",
                (reference,),
            ).fetchone()
            return unsent is not None and _write_verdict(
                connection, reference, verdict, at, may_try_again=True
            )

    def resolve_by_hand(
        self, reference: str, verdict: Verdict, *, at: datetime, run_id: str
    ) -> bool:
        """Write the verdict that a person gave, and that a person gave it.

        False when the attempt has a verdict already.
        """
        with self._database.transaction() as connection:
            if not _write_verdict(connection, reference, verdict, at, may_try_again=False):
                return False
            connection.execute(
                f"{_INSERT_CORRECTION} SELECT ?, 'resolved', account, instrument,"  # noqa: S608
                " external_reference, NULL, ?, ? FROM attempts WHERE external_reference=?",
                (time_text(at), _told(verdict), run_id, reference),
            )
            return True

    def correct_position(
        self,
        account: str,
        instrument: InstrumentId,
        quantity: Decimal,
        *,
        at: datetime,
        run_id: str,
    ) -> Decimal:
        """Set what the bot counts as its own position, by a person's word. What it was before."""
        with self._database.transaction() as connection:
            before = held(connection, account, str(instrument))
            hold(connection, account, str(instrument), quantity)
            connection.execute(
                f"{_INSERT_CORRECTION} VALUES (?, 'position', ?, ?, NULL, ?, ?, ?)",
                (
                    time_text(at),
                    account,
                    str(instrument),
                    decimal_text(before),
                    decimal_text(quantity),
                    run_id,
                ),
            )
        return before

    def update_fill(self, reference: str, verdict: Verdict, *, at: datetime) -> None:
        """An accepted order moved on at the broker. A fill never shrinks: the audit log may show
        less of it for a moment than the open orders did. One that was called absent gets its id."""
        with self._database.transaction() as connection:
            named = "UPDATE attempts SET order_id=? WHERE external_reference=? AND order_id IS NULL"
            connection.execute(named, (verdict.order_id, reference))
            record_fill(connection, reference, verdict, at)

    def mark_logged(self, reference: str) -> None:
        """The verdict's line reached the log."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE verdicts SET logged=1 WHERE external_reference=?", (reference,)
            )


_INSERT_CORRECTION = (
    "INSERT INTO corrections (corrected_at, kind, account, instrument, external_reference,"
    " before, after, run_id)"
)


def _told(verdict: Verdict) -> str:
    order = f" order {verdict.order_id}" if verdict.order_id else ""
    return f"{verdict.outcome}{order}, {decimal_text(verdict.filled_quantity)} filled"


def _write_verdict(
    connection: sqlite3.Connection,
    reference: str,
    verdict: Verdict,
    at: datetime,
    may_try_again: bool,
) -> bool:
    """Verdict, state and fill, in the caller's transaction. False if there was a verdict."""
    if verdict.outcome is ExecutionOutcome.RECONCILIATION_NEEDED:
        raise ValueError("an unknown outcome is not a verdict")
    written = connection.execute(
        "INSERT OR IGNORE INTO verdicts (external_reference, outcome, failure_reason,"
        " may_try_again, decided_at) VALUES (?, ?, ?, ?, ?)",
        (reference, verdict.outcome, verdict.failure_reason, may_try_again, time_text(at)),
    )
    if not written.rowcount:
        return False
    connection.execute(
        "UPDATE attempts SET resolved=1, order_id=coalesce(?, order_id) WHERE external_reference=?",
        (verdict.order_id, reference),
    )
    if not may_try_again:
        connection.execute(
            "UPDATE decisions SET closed=1 WHERE decision_id ="
            " (SELECT decision_id FROM attempts WHERE external_reference=?)",
            (reference,),
        )
    if verdict.order_id and (verdict.order_state or verdict.filled_quantity):
        record_fill(connection, reference, verdict, at)
    return True


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


def _require_room_for_the_end(connection: sqlite3.Connection, reference: str) -> None:
    """Read the pages in which this order's verdict and fill will stand.

    SQLite notices a damaged page when it reads it; here that is before anything is sent.
    """
    connection.execute(
        "SELECT (SELECT outcome FROM verdicts WHERE external_reference=?),"
        " (SELECT order_state FROM fills WHERE external_reference=?)",
        (reference, reference),
    ).fetchone()
