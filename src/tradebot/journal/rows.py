"""Rows of the order tables as objects."""

from __future__ import annotations

import enum
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.journal.codec import maybe_time, time_of
from tradebot.model import Action, ExecutionOutcome, InstrumentId, Intent, OrderState, Verdict


class AttemptState(enum.StrEnum):
    """How far an attempt came."""

    CREATED = "created"
    PRECHECKED = "prechecked"
    SENT = "sent"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An intent with what the journal knows of its progress."""

    intent: Intent
    state: AttemptState
    run_id: str
    cycle_id: int
    created_at: datetime
    sent_at: datetime | None
    order_id: str | None
    account: str = ""
    """A hash of the account's key."""
    found_as: str | None = None
    """The reference of another attempt of the decision, whose order was taken over."""

    @property
    def reference_at_broker(self) -> str:
        """What its order is called there."""
        return self.found_as or self.intent.external_reference


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person changed: an outcome (`resolved`) or the bot's own position (`position`)."""

    corrected_at: datetime
    kind: str
    account: str
    instrument: InstrumentId
    external_reference: str | None
    before: str | None
    after: str
    run_id: str
    """Of the command that did it: its lines in the log carry it."""


def attempt_of(row: sqlite3.Row) -> Attempt:
    """An `attempts` row."""
    intent = Intent(
        external_reference=row["external_reference"],
        instrument=InstrumentId.parse(row["instrument"]),
        side=Action(row["side"]),
        quantity=Decimal(row["quantity"]),
        bar_time=time_of(row["bar_time"]),
        attempt=row["attempt"],
        symbol=row["symbol"],
        limit_price=row["limit_price"],
    )
    if row["resolved"]:
        state = AttemptState.RESOLVED
    elif row["sent_at"]:
        state = AttemptState.SENT
    elif row["prechecked_at"]:
        state = AttemptState.PRECHECKED
    else:
        state = AttemptState.CREATED
    return Attempt(
        intent=intent,
        state=state,
        run_id=row["run_id"],
        cycle_id=row["cycle_id"],
        created_at=time_of(row["created_at"]),
        sent_at=maybe_time(row["sent_at"]),
        order_id=row["order_id"],
        account=row["account"],
        found_as=row["found_as"],
    )


def verdict_of(row: sqlite3.Row) -> Verdict:
    """A joined row of `verdicts`, `attempts` and `fills`."""
    state = row["order_state"]
    return Verdict(
        outcome=ExecutionOutcome(row["outcome"]),
        failure_reason=row["failure_reason"],
        order_id=row["order_id"],
        order_state=OrderState(state) if state in tuple(OrderState) else None,
        filled_quantity=Decimal(row["filled_quantity"] or 0),
        average_price=row["average_price"],
    )


def correction_of(row: sqlite3.Row) -> Correction:
    """A `corrections` row."""
    return Correction(
        corrected_at=time_of(row["corrected_at"]),
        kind=row["kind"],
        account=row["account"],
        instrument=InstrumentId.parse(row["instrument"]),
        external_reference=row["external_reference"],
        before=row["before"],
        after=row["after"],
        run_id=row["run_id"],
    )
