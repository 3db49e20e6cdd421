"""Whatever the broker answers: one order at most, a truthful outcome, and a next cycle that knows.

Each case switches on one fault of the simulator for the first order of the first cycle. The next
cycle runs after the grace time on a healthy broker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from support.bench import MSFT, Bench
from tradebot.errors import ExitCode

ORDERS = "/trade/v2/orders"


@dataclass(frozen=True)
class Case:
    """A fault, what the cycle makes of it, and how it stands after the next one."""

    fault: str
    outcome: str
    reason: str | None
    exit_code: ExitCode
    orders: int
    """How many orders exist at the broker after both cycles."""
    final: str
    """The outcome after the next cycle, of whichever attempt was the last."""
    params: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


OK, OPEN = ExitCode.OK, ExitCode.UNRESOLVED
UNKNOWN = "RECONCILIATION_NEEDED"
CASES = {
    "202, filled later": Case("trade_not_completed", "SUCCESS", None, OK, 1, "SUCCESS"),
    "202, working": Case(
        "trade_not_completed", "SUCCESS", None, OK, 1, "SUCCESS", {"outcome": "working"}
    ),
    "202, rejected": Case(
        "trade_not_completed",
        "FAILED",
        "rejected_after_acceptance",
        OK,
        1,
        "FAILED",
        {"outcome": "rejected"},
    ),
    "202, never existed": Case(
        "trade_not_completed",
        UNKNOWN,
        "trade_not_completed",
        OPEN,
        0,
        "FAILED",
        {"outcome": "never"},
    ),
    "200, then rejected": Case(
        "rejected_later", "FAILED", "rejected_after_acceptance", OK, 1, "FAILED"
    ),
    "400 with an order id": Case("error_with_order_id", "SUCCESS", None, OK, 1, "SUCCESS"),
    "400 refused": Case("refuse", "FAILED", "refused", OK, 0, "FAILED", {"code": "BrokerOption"}),
    "400 no cash": Case(
        "refuse", "FAILED", "insufficient_cash", OK, 0, "FAILED", {"code": "InsufficientCash"}
    ),
    "400 market closed": Case(
        "refuse", "FAILED", "market_closed", OK, 1, "SUCCESS", {"code": "MarketClosed"}
    ),
    "400 with a code that proves nothing": Case(
        "status",
        UNKNOWN,
        "trade_not_completed",
        OPEN,
        0,
        "FAILED",
        {"status": 400, "body": '{"ErrorInfo": {"ErrorCode": "OrderCommandTimeout"}}'},
    ),
    "400 that proves nothing, with a rejection in the audit log": Case(
        "refuse",
        "FAILED",
        "rejected_after_acceptance",
        OK,
        0,
        "FAILED",
        {"code": "OrderCommandPending"},
    ),
    "partial fill": Case("partial_fill", "SUCCESS", None, OK, 1, "SUCCESS"),
    "only in the audit log": Case("audit_only", "SUCCESS", None, OK, 1, "SUCCESS"),
    "audit log late": Case(
        "audit_delay", UNKNOWN, "not_found_yet", OPEN, 1, "SUCCESS", {"seconds": 30}
    ),
    "dropped after processing": Case("drop_after", "SUCCESS", None, OK, 1, "SUCCESS"),
    "dropped before processing": Case("drop_before", UNKNOWN, "no_answer", OPEN, 0, "FAILED"),
    "500 after processing": Case("status_after", "SUCCESS", None, OK, 1, "SUCCESS"),
    "503 HTML": Case("html", UNKNOWN, "server_error", OPEN, 0, "FAILED"),
    "half an answer": Case("truncate", "SUCCESS", None, OK, 1, "SUCCESS"),
    "empty 200": Case("empty", UNKNOWN, "unclear_answer", OPEN, 0, "FAILED"),
    "401 twice": Case(
        "status", "FAILED", "login_refused", OK, 0, "FAILED", {"status": 401}, {"count": 2}
    ),
    "401 once": Case("status", "SUCCESS", None, OK, 1, "SUCCESS", {"status": 401}),
    "403": Case("status", "FAILED", "forbidden", OK, 0, "FAILED", {"status": 403}),
    "404": Case("status", "FAILED", "refused", OK, 0, "FAILED", {"status": 404}),
    "409": Case("status", UNKNOWN, "duplicate_request", OPEN, 0, "FAILED", {"status": 409}),
    "429": Case("status", "FAILED", "rate_limited", OK, 1, "SUCCESS", {"status": 429}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_answer_to_a_placement(bench: Bench, name: str) -> None:
    case = CASES[name]
    more = {"endpoint": ORDERS, "method": "POST", **case.more}
    bench.fault(case.fault, params=case.params, **more)
    report = bench.cycle()
    [execution] = report.executions
    assert (execution.outcome, execution.failure_reason) == (case.outcome, case.reason)
    assert report.exit_code is case.exit_code
    [completed] = bench.lines("execution_completed")
    assert completed["execution_outcome"] == case.outcome
    assert completed.get("failure_reason") == case.reason

    bench.clear_faults()
    bench.clock.advance(3600)
    after = bench.cycle()
    assert after.unresolved == 0
    assert bench.lines("execution_completed")[-1]["execution_outcome"] == case.final
    assert bench.orders_at_broker() == case.orders
    assert set(bench.orders_by_reference().values()) <= {1}
    if case.final == "SUCCESS":
        assert bench.net_positions().get(MSFT, 0) == _own(bench)


def _own(bench: Bench) -> Any:
    from tradebot.execution.references import account_hash

    with bench.journal() as journal:
        own = journal.orders.own_positions(account_hash(bench.simulator.account_key))
    return own.get(MSFT, 0)


@pytest.mark.parametrize(
    ("fault", "params", "reason", "tried_again"),
    [
        ("precheck_error", {"code": "TooFarFromMarket"}, "invalid_order", False),
        ("precheck_error", {"code": "SomethingNew"}, "precheck_refused", False),
        ("precheck_error", {"code": "MarketClosed"}, "market_closed", True),
        ("precheck_error_info", {}, "insufficient_cash", False),
        ("status", {"status": 503}, "precheck_unavailable", True),
        ("status", {"status": 429}, "precheck_unavailable", True),
        ("status", {"status": 200, "body": "[1]"}, "bad_answer", False),
        ("status", {"status": 400, "body": "{}"}, "precheck_refused", False),
        ("drop_before", {}, "precheck_unavailable", True),
    ],
)
def test_a_failed_precheck_sends_nothing(
    bench: Bench, fault: str, params: dict[str, Any], reason: str, tried_again: bool
) -> None:
    bench.fault(fault, endpoint=ORDERS + "/precheck", method="POST", params=params)
    report = bench.cycle()
    assert [e.failure_reason for e in report.executions] == [reason]
    failed = bench.lines("execution_precheck_failed")[0]
    assert failed["failure_reason"] == reason
    assert ("msg" in failed) is fault.startswith("precheck_error")  # in the broker's own words
    assert bench.lines("execution_order_sending") == []
    assert bench.orders_at_broker() == 0
    bench.clear_faults()
    bench.cycle()
    attempts = [line["attempt"] for line in bench.lines("execution_intent_created")]
    assert attempts == (["1", "2"] if tried_again else ["1"])
    assert bench.orders_at_broker() == int(tried_again)


def test_a_refusal_that_passes_by_itself_is_tried_three_times_and_no_more(bench: Bench) -> None:
    bench.fault("refuse", count=None, params={"code": "MarketClosed"})
    for _ in range(5):
        bench.cycle()
    attempts = bench.lines("execution_intent_created")
    assert [line["attempt"] for line in attempts] == ["1", "2", "3"]
    assert len({line["external_reference"] for line in attempts}) == 3
    last = bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]
    assert last["reason"] == "already_decided"


def test_an_unresolved_order_keeps_its_instrument_from_trading(bench: Bench) -> None:
    bench.fault("drop_before", endpoint=ORDERS, method="POST")
    first = bench.cycle()
    assert first.exit_code is ExitCode.UNRESOLVED
    second = bench.cycle()  # within the grace time: still unknown
    assert second.exit_code is ExitCode.UNRESOLVED
    line = bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]
    assert (line["action"], line["reason"]) == ("SKIP", "unresolved_intent")
    results = [line["reconcile_result"] for line in bench.lines("execution_reconcile_result")]
    assert set(results) == {"unknown"}
    assert bench.orders_at_broker() == 0


def test_absence_needs_two_reads_after_the_grace_time(bench: Bench) -> None:
    bench.fault("drop_before", endpoint=ORDERS, method="POST")
    bench.cycle()
    bench.clock.advance(61)
    report = bench.cycle()
    assert report.exit_code is ExitCode.OK
    [result] = bench.lines("execution_reconcile_result", reconcile_result="not_placed")
    assert result["reads"] == "2"
    last = bench.lines("execution_completed")[-1]
    assert (last["execution_outcome"], last["failure_reason"]) == ("FAILED", "not_placed")
    bench.cycle()
    assert len(bench.lines("execution_intent_created")) == 1
    assert bench.orders_at_broker() == 0


def test_failures_in_a_row_pause_trading_until_resumed(bench: Bench) -> None:
    bench.environment["MAX_CONSECUTIVE_FAILURES"] = "2"
    bench.strategy = AlwaysBuy()
    bench.fault("refuse", count=None, params={"code": "BrokerOption"})
    report = bench.cycle()
    assert len(report.executions) == 2
    [paused] = bench.lines("execution_paused")
    assert paused["consecutive_failures"] == "2"
    assert [line["reason"] for line in bench.lines("execution_skipped")] == ["paused"]
    report = bench.cycle()
    assert report.skip_reason == "consecutive_failures"
    assert bench.events()[-2:] == ["cycle_skip_paused", "cycle_end"]
    with bench.journal() as journal:
        assert journal.control.resume()
    bench.clear_faults()
    bench.cycle()
    assert bench.orders_at_broker() == 1


def test_what_passes_by_itself_does_not_pause(bench: Bench) -> None:
    bench.environment["MAX_CONSECUTIVE_FAILURES"] = "1"
    bench.fault("status", count=None, endpoint=ORDERS + "/precheck", params={"status": 503})
    bench.cycle()
    bench.cycle()
    assert bench.lines("execution_paused") == []


def test_a_reference_that_the_broker_knows_is_not_sent_again(bench: Bench) -> None:
    bench.cycle()
    journal = bench.settings().state_path / "live" / "journal.db"
    for path in journal.parent.iterdir():
        path.unlink()  # an older backup was restored, so to speak: it knows of no order
    # The position alone would stop it; a clone that trades another account's view would not see it.
    bench.strategy = AlwaysBuy()
    bench.simulator.broker.state.run("DELETE FROM positions")
    report = bench.cycle(STRATEGY_NAME="sma_cross")
    assert "execution_duplicate_refused" in bench.events()
    assert bench.orders_by_reference() == dict.fromkeys(bench.orders_by_reference(), 1)
    assert str(report.executions[0].outcome) == "SUCCESS"


class AlwaysBuy:
    """Buys whatever it sees; carries the name of the strategy that decided before."""

    name = "sma_cross"
    version = "1.0"
    horizon_minutes = 1440
    bars_needed = 1

    def decide(self, view: Any) -> Any:
        from tradebot.model import Action, Signal

        return Signal(Action.BUY, "always")
