"""What names an instrument, a request and an order at the broker stands where it is needed."""

from __future__ import annotations

import pytest

from support.bench import Bench
from tradebot.model import InstrumentId

ORDERS = "/trade/v2/orders"


def test_every_line_of_an_order_names_its_instrument_in_full(bench: Bench) -> None:
    reference = bench.cycle().executions[0].intent.external_reference
    story = bench.lines(external_reference=reference)
    decisions = bench.lines("strategy_decision")
    assert len(story) > 6
    for line in (*story, *decisions):
        instrument = InstrumentId.parse(line["instrument_id"])
        assert line["asset_type"] == instrument.asset_type
        assert line["uic"] == str(instrument.uic)
        assert line["symbol"]


def test_the_order_id_is_the_brokers_own(bench: Bench) -> None:
    bench.cycle()
    row = bench.simulator.broker.state.one("SELECT order_id FROM orders")
    for event in ("execution_order_placed", "execution_reconcile_result", "execution_completed"):
        assert [line["order_id"] for line in bench.lines(event)] == [str(row["order_id"])]


@pytest.mark.parametrize("status", [403, 503])
def test_a_refused_order_request_can_be_named_to_the_brokers_support(
    bench: Bench, status: int
) -> None:
    bench.fault("status", endpoint=ORDERS, method="POST", params={"status": status})
    reference = bench.cycle().executions[0].intent.external_reference
    [line] = bench.lines("http_error")
    assert line["level"] == "WARN"
    assert line["external_reference"] == reference
    assert (line["http_method"], line["http_status"]) == ("POST", str(status))
    assert line["http_url_path"].endswith(ORDERS)
    assert line["saxo_request_id"].count("#") == 3


def test_a_failed_precheck_says_so_with_the_answers_status(bench: Bench) -> None:
    bench.fault("precheck_error", params={"code": "TooFarFromMarket"})
    bench.cycle()
    [line] = bench.lines("execution_precheck_failed")
    assert (line["precheck_ok"], line["http_status"]) == ("false", "200")
    assert (line["error_code"], line["failure_reason"]) == ("TooFarFromMarket", "invalid_order")


def test_a_refused_order_says_why(bench: Bench) -> None:
    bench.fault("refuse", params={"code": "InsufficientCash"})
    bench.cycle()
    [line] = bench.lines("execution_order_rejected")
    assert (line["http_status"], line["error_code"]) == ("400", "InsufficientCash")
    assert line["failure_reason"] == "insufficient_cash"


def test_a_dry_run_says_in_the_log_that_the_order_was_skipped(bench: Bench) -> None:
    bench.cycle(dry_run=True)
    [line] = bench.lines("execution_completed")
    assert (line["execution_outcome"], line["failure_reason"]) == ("SKIPPED", "dry_run")
    assert (line["dry_run"], line["symbol"]) == ("true", "MSFT:xnas")


def test_a_passed_precheck_says_what_the_order_would_cost(bench: Bench) -> None:
    bench.cycle()
    [line] = bench.lines("execution_precheck_passed")
    assert (line["precheck_ok"], line["currency"]) == ("true", "USD")
    assert float(line["estimated_cash"]) > 0
