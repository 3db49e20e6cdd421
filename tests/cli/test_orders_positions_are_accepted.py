"""`tradebot orders accept-position`: the way out of position_mismatch, downwards only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.bench import MSFT, Bench
from support.orders_desk import Person
from tradebot.saxo.orders import OrderRequest
from tradebot.scheduling.run_lock import RunLock


def trade_by_hand(bench: Bench, side: Any, amount: int) -> None:
    client = bench.client()
    try:
        request = OrderRequest(
            account_key=bench.simulator.account_key,
            instrument=MSFT,
            buy_sell=side,
            amount=Decimal(amount),
            external_reference="by hand",
        )
        answer = client.place_order(request, request_id=f"{side}-{amount}")
        assert answer.order_id is not None
    finally:
        client.close()


def own(person: Person) -> Decimal:
    with person.bench.journal() as journal:
        return journal.orders.own_positions(person.account).get(MSFT, Decimal(0))


@pytest.fixture
def sold(person: Person) -> Person:
    """The bot bought 10, somebody sold 6 of them, some time ago."""
    person.bench.cycle()
    trade_by_hand(person.bench, "Sell", 6)
    person.bench.clock.advance(120)
    return person


@pytest.mark.parametrize("name", ["Stock:10001", "MSFT:xnas"])
def test_the_smaller_position_is_taken_over_and_the_instrument_trades_again(
    sold: Person, name: str
) -> None:
    bench = sold.bench
    assert bench.advance_until_next_refusal() == "position_mismatch"
    assert sold.types("orders", "check").exit_code == 1
    result = sold.types("orders", "accept-position", name)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Stock:10001: the bot's own position is 4, it was 10\n"
    assert "Stock:10001: the broker holds 4, the bot's own is 10" in result.stderr
    assert own(sold) == 4
    [line] = bench.lines("execution_position_accepted")
    assert (line["held_before"], line["held"], line["broker_held"]) == ("10", "4", "4")
    assert (line["who"], line["symbol"]) == ("by_hand", "MSFT:xnas")
    with bench.journal() as journal:
        [correction] = journal.orders.corrections(bench.clock.now())
    assert (correction.kind, correction.before, correction.after) == ("position", "10", "4")
    assert correction.run_id == line["run_id"]
    assert sold.types("orders", "check").exit_code == 0
    assert "position_mismatch" not in bench.advance_until_next_refusal()


def test_a_second_time_there_is_nothing_to_accept(sold: Person) -> None:
    assert sold.types("orders", "accept-position", "Stock:10001").exit_code == 0
    again = sold.types("orders", "accept-position", "Stock:10001")
    assert again.exit_code == 1
    assert "nothing was changed" in again.stderr


def test_it_is_never_made_larger(person: Person) -> None:
    person.bench.cycle()
    trade_by_hand(person.bench, "Buy", 5)
    person.bench.clock.advance(120)
    result = person.types("orders", "accept-position", "Stock:10001")
    assert result.exit_code == 1
    assert "the broker holds enough" in result.stderr
    assert own(person) == 10
    assert person.types("orders", "accept-position", "Etf:10002").exit_code == 1


def test_an_order_that_is_not_finished_is_settled_first(sold: Person) -> None:
    bench = sold.bench
    bench.fault("never_fill", count=None)
    with bench.journal() as journal:
        attempt = journal.orders.find(
            bench.lines("execution_intent_created")[0]["external_reference"]
        )
        assert attempt is not None
        journal.orders._database._require().execute("UPDATE fills SET order_state='working'")
    result = sold.types("orders", "accept-position", "Stock:10001")
    assert result.exit_code == 1
    assert f"{attempt.intent.external_reference} is not finished" in result.stderr
    assert own(sold) == 10


def test_an_order_of_this_minute_may_explain_it(person: Person) -> None:
    person.bench.cycle()
    trade_by_hand(person.bench, "Sell", 6)
    result = person.types("orders", "accept-position", "Stock:10001")
    assert result.exit_code == 1
    assert "try again in a minute" in result.stderr
    assert own(person) == 10


def test_on_a_terminal_it_asks_first(sold: Person) -> None:
    declined = sold.types("orders", "accept-position", "Stock:10001", answer="n\n")
    assert (declined.exit_code, own(sold)) == (1, Decimal(10))
    assert "Count 4 instead of 10" in declined.stderr
    agreed = sold.types("orders", "accept-position", "Stock:10001", answer="y\n")
    assert (agreed.exit_code, own(sold)) == (0, Decimal(4))


def test_a_run_at_work_is_not_interfered_with(sold: Person) -> None:
    with RunLock(sold.bench.settings().state_path / "run.lock") as lock:
        lock.acquire(run_id="the-run-at-work")
        result = sold.types("orders", "accept-position", "Stock:10001")
    assert (result.exit_code, own(sold)) == (75, Decimal(10))
    assert "run_id=the-run-at-work" in result.stderr


def test_a_broker_that_is_down_is_69(sold: Person) -> None:
    sold.bench.fault("status", endpoint="/port/*", count=None, params={"status": 503})
    result = sold.types("orders", "accept-position", "Stock:10001")
    assert (result.exit_code, own(sold)) == (69, Decimal(10))


@pytest.mark.parametrize("name", ["MSFT", "Stock:", "10001", ""])
def test_an_instrument_that_cannot_be_meant(person: Person, name: str) -> None:
    result = person.types("orders", "accept-position", name)
    assert result.exit_code == 2
    assert "Stock:211" in result.stderr


def test_without_a_journal_none_is_made(person: Person) -> None:
    assert person.types("orders", "accept-position", "Stock:10001").exit_code == 1
    assert not (person.bench.folder / "state").exists()
