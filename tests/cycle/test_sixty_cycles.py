"""Sixty bars of simulated market: it buys, holds and sells, and the books agree at the end."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from support.bench import Bench
from tradebot.execution.references import account_hash
from tradebot.journal import Journal
from tradebot.model import InstrumentId

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

CASH_TYPES = ("Stock", "Etf")


Fill = tuple[str, str, Decimal, float]
"""Instrument, side, quantity, price."""


def booked(journal: Journal) -> list[Fill]:
    """Every fill that the journal knows, oldest first."""
    with journal._database.reading() as connection:
        rows = connection.execute(
            "SELECT instrument, side, filled_quantity, average_price FROM fills ORDER BY updated_at"
        ).fetchall()
    return [(r[0], r[1], Decimal(r[2]), r[3]) for r in rows]


def test_positions_and_cash_agree_with_the_journal(bench: Bench) -> None:
    actions: Counter[str] = Counter()
    for number in range(60):
        if number:
            bench.simulator.advance()
        report = bench.cycle()
        actions.update(decision.action for decision in report.decisions)
        assert report.exit_code == 0
    assert sum(actions.values()) == 180
    assert min(actions["BUY"], actions["SELL"]) >= 4
    assert actions["HOLD"] > 100

    with bench.journal() as journal:
        fills = booked(journal)
        own = journal.orders.own_positions(account_hash(bench.simulator.account_key))
        assert journal.orders.unresolved() == []
    assert own == bench.net_positions()
    assert len(fills) == actions["BUY"] + actions["SELL"] == bench.orders_at_broker()
    assert set(bench.orders_by_reference().values()) == {1}
    assert cash_at_broker(bench) == pytest.approx(cash_by_journal(bench, fills), abs=0.01)


def cash_at_broker(bench: Bench) -> float:
    """Settled and unsettled cash, as the API shows it."""
    client = bench.client()
    try:
        balance = client.balance(bench.simulator.client_key, bench.simulator.account_key)
    finally:
        client.close()
    assert balance.cash_balance is not None
    assert balance.transactions_not_booked is not None
    return balance.cash_balance + balance.transactions_not_booked


def cash_by_journal(bench: Bench, fills: list[Fill]) -> float:
    """The opening balance, less what was paid, plus what was received, less fees."""
    cash = 100_000.0
    opened = 0.0
    for instrument, side, quantity, price in fills:
        asset_type = InstrumentId.parse(instrument).asset_type
        sign = 1 if side == "SELL" else -1
        if asset_type in CASH_TYPES:
            cash += sign * float(quantity) * price
        elif side == "BUY":
            opened = price
        else:  # currencies are traded on margin: only the result of a closed trade is paid
            cash += (price - opened) * float(quantity)
        cash -= bench.simulator.broker.options.commission.get(asset_type, 0.0)
    return cash
