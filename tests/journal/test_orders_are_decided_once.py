"""A decision is made once, an attempt has one reference and one verdict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradebot.errors import StorageError
from tradebot.journal import AttemptState, Created, Journal, Origin, Refused, Settled
from tradebot.model import (
    Action,
    ExecutionOutcome,
    InstrumentId,
    Intent,
    OrderState,
    Verdict,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BAR = datetime(2026, 2, 27, tzinfo=UTC)
STOCK = InstrumentId("Stock", 211)
ORIGIN = Origin(account="acc", strategy="sma_cross", run_id="run-1", cycle_id=1)
FILLED = Verdict(
    ExecutionOutcome.SUCCESS,
    order_id="77",
    order_state=OrderState.FILLED,
    filled_quantity=Decimal(10),
    average_price=12.5,
)
REFUSED = Verdict(ExecutionOutcome.FAILED, "refused")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state" / "journal.db") as journal:
        yield journal


def create(
    journal: Journal,
    *,
    instrument: InstrumentId = STOCK,
    bar: datetime = BAR,
    side: Action = Action.BUY,
    origin: Origin = ORIGIN,
) -> Created | Refused:
    return journal.orders.create_intent(
        origin,
        instrument=instrument,
        bar_time=bar,
        side=side,
        quantity=Decimal(10),
        symbol="AAPL:xnas",
        limit_price=None,
        reference_for=lambda attempt: f"REF-{instrument}-{bar:%Y%m%d}-{origin.account}-{attempt}",
        at=NOW,
    )


def intent_of(answer: Created | Refused) -> Intent:
    assert isinstance(answer, Created), answer
    return answer.intent


def test_a_new_decision_becomes_attempt_one(journal: Journal) -> None:
    intent = intent_of(create(journal))
    assert intent.attempt == 1
    attempt = journal.orders.find(intent.external_reference)
    assert attempt is not None
    assert attempt.intent == intent
    assert attempt.state is AttemptState.CREATED


def test_an_unresolved_attempt_blocks_its_instrument_and_no_other(journal: Journal) -> None:
    create(journal)
    assert create(journal, bar=BAR + timedelta(days=1)) is Refused.UNRESOLVED_INTENT
    assert isinstance(create(journal, instrument=InstrumentId("Etf", 5)), Created)


def test_a_settled_decision_is_never_made_again(journal: Journal) -> None:
    intent = intent_of(create(journal))
    assert journal.orders.settle(intent.external_reference, REFUSED, at=NOW)
    assert create(journal) is Refused.ALREADY_DECIDED
    assert create(journal, side=Action.SELL) is Refused.ALREADY_DECIDED
    assert journal.orders.is_decided("acc", "sma_cross", STOCK, BAR)
    assert not journal.orders.is_decided("other", "sma_cross", STOCK, BAR)


def test_an_attempt_that_may_be_repeated_is_repeated_at_most_twice(journal: Journal) -> None:
    for number in (1, 2, 3):
        intent = intent_of(create(journal))
        assert intent.attempt == number
        journal.orders.settle(intent.external_reference, REFUSED, at=NOW, may_try_again=True)
    assert create(journal) is Refused.ALREADY_DECIDED


def test_the_first_verdict_stands(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    assert journal.orders.settle(reference, FILLED, at=NOW)
    assert not journal.orders.settle(reference, REFUSED, at=NOW)
    [(_, verdict)] = journal.orders.unlogged()
    assert verdict == FILLED
    journal.orders.mark_logged(reference)
    assert journal.orders.unlogged() == []


def test_a_failure_counts_in_the_transaction_of_its_verdict(journal: Journal) -> None:
    def settle(day: int, verdict: Verdict, **more: Any) -> Settled | None:
        reference = intent_of(create(journal, bar=BAR + timedelta(days=day))).external_reference
        return journal.orders.settle(reference, verdict, at=NOW, pause_after=2, **more)

    assert settle(1, REFUSED) == Settled(1, paused=False)
    assert settle(2, REFUSED, may_try_again=True) == Settled(0, paused=False)
    assert settle(3, FILLED) == Settled(0, paused=False)
    assert settle(4, REFUSED) == Settled(1, paused=False)
    assert journal.control.paused(NOW) is None
    assert settle(5, REFUSED) == Settled(2, paused=True)
    pause = journal.control.paused(NOW)
    assert pause is not None
    assert (pause.reason, pause.until) == ("consecutive_failures", None)


def test_only_one_may_send_an_attempt(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    journal.orders.mark_sent(reference, at=NOW)
    with pytest.raises(StorageError, match="no longer open"):
        journal.orders.mark_sent(reference, at=NOW)
    with pytest.raises(StorageError, match="no longer open"):
        journal.orders.mark_prechecked(reference, at=NOW)


def test_what_was_sent_is_not_abandoned_and_what_was_abandoned_is_not_sent(
    journal: Journal,
) -> None:
    gone = Verdict(ExecutionOutcome.FAILED, "abandoned_before_send")
    sent = intent_of(create(journal)).external_reference
    journal.orders.mark_sent(sent, at=NOW)
    assert not journal.orders.abandon(sent, gone, at=NOW)
    assert [a.intent.external_reference for a in journal.orders.unresolved()] == [sent]
    other = intent_of(create(journal, instrument=InstrumentId("Etf", 5))).external_reference
    assert journal.orders.abandon(other, gone, at=NOW)
    assert not journal.orders.abandon(other, gone, at=NOW)
    with pytest.raises(StorageError, match="no longer open"):
        journal.orders.mark_sent(other, at=NOW)


def test_an_unknown_outcome_cannot_be_written_as_a_verdict(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    with pytest.raises(ValueError, match="not a verdict"):
        journal.orders.settle(reference, Verdict(ExecutionOutcome.RECONCILIATION_NEEDED), at=NOW)
    assert [a.intent.external_reference for a in journal.orders.unresolved()] == [reference]


def test_each_step_is_visible_in_the_attempts_state(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    journal.orders.mark_prechecked(reference, at=NOW)
    assert journal.orders.unresolved("acc")[0].state is AttemptState.PRECHECKED
    journal.orders.mark_sent(reference, at=NOW)
    journal.orders.record_order_id(reference, "9")
    [attempt] = journal.orders.unresolved("acc")
    assert attempt.state is AttemptState.SENT
    assert (attempt.sent_at, attempt.order_id) == (NOW, "9")
    assert journal.orders.unresolved("other") == []
    assert journal.orders.sent_since("acc", NOW) == 1
    assert journal.orders.sent_since("acc", NOW + timedelta(seconds=1)) == 0
    assert journal.orders.last_sent_at("acc") == NOW


def test_fills_move_the_position_once_however_often_they_are_read(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    partial = Verdict(
        ExecutionOutcome.SUCCESS,
        order_id="77",
        order_state=OrderState.PARTIAL,
        filled_quantity=Decimal(4),
        average_price=12.0,
    )
    journal.orders.settle(reference, partial, at=NOW)
    [(live, verdict)] = journal.orders.live("acc")
    assert live.intent.external_reference == reference
    assert verdict.order_state is OrderState.PARTIAL
    for _ in range(3):
        journal.orders.update_fill(reference, FILLED, at=NOW)
    assert journal.orders.own_positions("acc") == {STOCK: Decimal(10)}
    assert journal.orders.live("acc") == []

    bar = BAR + timedelta(days=1)
    sold = intent_of(create(journal, bar=bar, side=Action.SELL)).external_reference
    journal.orders.settle(sold, FILLED, at=NOW)
    assert journal.orders.own_positions("acc") == {}


def test_a_partly_filled_and_then_cancelled_order_counts_what_was_filled(
    journal: Journal,
) -> None:
    reference = intent_of(create(journal)).external_reference
    verdict = Verdict(
        ExecutionOutcome.FAILED, "cancelled", order_id="5", filled_quantity=Decimal(3)
    )
    journal.orders.settle(reference, verdict, at=NOW)
    assert journal.orders.own_positions("acc") == {STOCK: Decimal(3)}
    assert journal.orders.live("acc") == []


def test_an_order_that_was_called_absent_gets_its_id_when_it_shows_up(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    journal.orders.mark_sent(reference, at=NOW)
    journal.orders.settle(reference, Verdict(ExecutionOutcome.FAILED, "not_placed"), at=NOW)
    assert journal.orders.with_order_id("acc", "77") == []
    journal.orders.update_fill(reference, FILLED, at=NOW)
    assert journal.orders.with_order_id("acc", "77") == [reference]


def test_the_id_that_the_broker_gave_an_order_stays(journal: Journal) -> None:
    reference = intent_of(create(journal)).external_reference
    journal.orders.mark_sent(reference, at=NOW)
    journal.orders.record_order_id(reference, "76")
    journal.orders.update_fill(reference, FILLED, at=NOW)
    found = journal.orders.find(reference)
    assert found is not None
    assert found.order_id == "76"


def test_everything_is_still_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as first:
        reference = intent_of(create(first)).external_reference
        first.orders.mark_sent(reference, at=NOW)
    with Journal(path) as second:
        [attempt] = second.orders.unresolved()
        assert attempt.intent.external_reference == reference
        assert create(second) is Refused.UNRESOLVED_INTENT
