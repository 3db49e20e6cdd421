"""Before an order leaves the broker was asked seconds ago, and back to the order's own bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from support.bench import MSFT, START, Bench
from tradebot.cycle_setup import choose_account, completion_of
from tradebot.execution.earlier_orders import EarlierOrders
from tradebot.execution.reconciliation import Reconciler
from tradebot.execution.sightings import BrokerOrders
from tradebot.model import Action, Intent


@pytest.fixture
def read_from(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that each reading went back to."""
    since: list[datetime] = []
    real = Reconciler.read

    def spy(self: Reconciler, at: datetime) -> BrokerOrders:
        since.append(at)
        return real(self, at)

    monkeypatch.setattr(Reconciler, "read", spy)
    return since


@pytest.fixture
def earlier(bench: Bench) -> Iterator[EarlierOrders]:
    settings = bench.settings()
    with closing(bench.client()) as broker, bench.journal() as journal:
        account = choose_account(broker, settings)
        completion = completion_of(settings, journal, bench.clock)
        reconciler = Reconciler(broker, journal, bench.clock, account, completion, grace_seconds=60)
        yield EarlierOrders(reconciler, journal, bench.clock)


def intent(days_ago: int) -> Intent:
    bar = START - timedelta(days=days_ago)
    return Intent("ATB-x", MSFT, Action.BUY, Decimal(1), bar, attempt=1)


def test_a_reading_serves_for_seconds(
    bench: Bench, earlier: EarlierOrders, read_from: list[datetime]
) -> None:
    for pause in (0, 2, 2):
        bench.clock.advance(pause)
        earlier.find(intent(1), ["ATB-x"])
    assert len(read_from) == 1
    bench.clock.advance(2)  # six seconds after it was read
    earlier.find(intent(1), ["ATB-x"])
    assert len(read_from) == 2


def test_an_older_bar_is_looked_for_further_back(
    earlier: EarlierOrders, read_from: list[datetime]
) -> None:
    for days_ago in (1, 3, 2):
        earlier.find(intent(days_ago), ["ATB-x"])
    assert read_from == [intent(1).bar_time, intent(3).bar_time]


def test_it_is_never_more_than_a_week(earlier: EarlierOrders, read_from: list[datetime]) -> None:
    earlier.find(intent(400), ["ATB-x"])
    assert read_from == [START - timedelta(days=7)]
