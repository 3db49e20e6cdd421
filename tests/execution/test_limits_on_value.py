"""MAX_POSITION_VALUE in the account's currency, by the quote or by the broker's own rate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.bench import MSFT, Bench
from tradebot.clock import ManualClock
from tradebot.errors import BrokerUnavailable, LoginError
from tradebot.execution.account import ExecutionPolicy
from tradebot.execution.precheck import precheck
from tradebot.execution.stopping import Stopped
from tradebot.saxo.orders import OrderRequest, PrecheckAnswer


class Broker:
    """Answers a precheck with what it was given, or raises it."""

    def __init__(self, answer: PrecheckAnswer | Exception) -> None:
        self.answer = answer

    def precheck(self, order: OrderRequest) -> PrecheckAnswer:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ask(
    answer: PrecheckAnswer | Exception,
    *,
    limit: str = "1000",
    same_currency: bool = False,
    side: Any = "Buy",
    limit_price: float | None = None,
) -> str | None:
    """The reason for which a purchase of 10 at 90 is stopped; None when it passes."""
    order = OrderRequest(
        "the-account-key",
        MSFT,
        side,
        Decimal(10),
        "ATB-20260302-0000-A",
        order_type="Market" if limit_price is None else "Limit",
        price=limit_price,
    )
    policy = ExecutionPolicy(dry_run=False, max_position_value=Decimal(limit))
    try:
        precheck(
            Broker(answer),  # type: ignore[arg-type]
            order,
            policy,
            price=90.0,
            same_currency=same_currency,
        )
    except Stopped as stop:
        return str(stop.reason)
    return None


OK = PrecheckAnswer(200, "Ok")


@pytest.mark.parametrize(
    ("answer", "limit", "same_currency", "reason"),
    [
        (PrecheckAnswer(200, "Ok", conversion_rate=1.1), "1000", False, None),
        (PrecheckAnswer(200, "Ok", conversion_rate=1.2), "1000", False, "position_value"),
        (OK, "1000", True, None),
        (OK, "899", True, "position_value"),
        (OK, "1000", False, "position_value_unknown"),
        (OK, "0", False, None),
        (PrecheckAnswer(200, "Ok", conversion_rate=0.0), "1000", False, "position_value_unknown"),
    ],
)
def test_the_value_of_a_purchase(
    answer: PrecheckAnswer, limit: str, same_currency: bool, reason: str | None
) -> None:
    assert ask(answer, limit=limit, same_currency=same_currency) == reason


def test_a_sale_is_not_limited() -> None:
    assert ask(OK, limit="1", same_currency=True, side="Sell") is None


def test_a_login_that_is_lost_ends_the_run() -> None:
    with pytest.raises(LoginError):
        ask(LoginError("log in again"))


def test_a_broker_that_is_away_sends_nothing() -> None:
    assert ask(BrokerUnavailable("away")) == "precheck_unavailable"


def test_a_quote_that_grew_old_while_prechecking_is_not_traded_on(bench: Bench) -> None:
    class Slow:
        name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 21

        def decide(self, view: Any) -> Any:
            from tradebot.model import Action, Signal

            clock: ManualClock = bench.clock
            clock.advance(2)
            return Signal(Action.BUY, "always")

    bench.strategy = Slow()
    report = bench.cycle(DATA_STALENESS_SECONDS="1")
    assert {e.failure_reason for e in report.executions} == {"quote_stale"}
    assert bench.orders_at_broker() == 0
    report = bench.cycle()
    assert "SUCCESS" in {str(e.outcome) for e in report.executions}


def test_a_login_lost_at_the_precheck_closes_the_attempt_and_ends_the_run(bench: Bench) -> None:
    bench.fault("status", count=4, endpoint="/trade/v2/*", params={"status": 401})
    report = bench.cycle()
    assert report.exit_code == 77
    [line] = bench.lines("execution_completed")
    assert (line["execution_outcome"], line["failure_reason"]) == ("FAILED", "login_refused")
    bench.clear_faults()
    assert bench.cycle().executions[0].intent.attempt == 2
    assert bench.orders_at_broker() == 1


def test_the_audit_log_that_cannot_be_read_before_the_first_order_stops_it(bench: Bench) -> None:
    bench.fault("status", count=None, endpoint="/cs/*", params={"status": 503})
    report = bench.cycle()
    assert [e.failure_reason for e in report.executions] == ["unavailable"]
    assert bench.orders_at_broker() == 0
    bench.clear_faults()
    assert bench.cycle().executions[0].outcome == "SUCCESS"


def test_a_limit_order_is_worth_what_it_may_cost() -> None:
    assert ask(OK, same_currency=True, limit_price=100.0) is None
    assert ask(OK, same_currency=True, limit_price=100.1) == "position_value"
