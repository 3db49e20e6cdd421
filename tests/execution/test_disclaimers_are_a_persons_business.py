"""Blocked by default; accepted by policy only where a plain yes is all that is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from support.bench import Bench

PRECHECK = "/trade/v2/orders/precheck"
PLACEMENT = "/trade/v2/orders"
SIMPLE: dict[str, Any] = {"title": "Exchange rules"}


def show(bench: Bench, *texts: dict[str, Any], endpoint: str = PRECHECK) -> None:
    bench.fault(
        "disclaimers",
        count=None,
        endpoint=endpoint,
        params={"disclaimers": list(texts)} if texts else {},
    )


def test_by_default_the_order_is_not_sent(bench: Bench) -> None:
    show(bench, SIMPLE)
    report = bench.cycle()
    assert [e.failure_reason for e in report.executions] == ["disclaimer_policy"]
    [required] = bench.lines("execution_disclaimer_required")
    assert (required["disclaimer_required"], required["disclaimer_tokens_count"]) == ("true", "1")
    [blocked] = bench.lines("execution_disclaimer_blocked")
    assert blocked["disclaimer_title"] == "Exchange rules"
    assert bench.orders_at_broker() == 0


def test_a_simple_one_is_accepted_when_the_policy_says_so(bench: Bench) -> None:
    show(bench, SIMPLE)
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.outcome for e in report.executions] == ["SUCCESS"]
    assert bench.lines("execution_disclaimer_resolved")[0]["disclaimer_tokens_count"] == "1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ({"blocking": True}, "disclaimer_blocking"),
        ({"checkbox": "I have read it"}, "disclaimer_policy"),
        ({"input": "I understand the risk"}, "disclaimer_policy"),
    ],
)
def test_nothing_else_is_ever_accepted(bench: Bench, text: dict[str, Any], reason: str) -> None:
    show(bench, SIMPLE, text)
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == [reason]
    assert bench.orders_at_broker() == 0


def test_a_dry_run_accepts_nothing(bench: Bench) -> None:
    show(bench, SIMPLE)
    report = bench.cycle(dry_run=True, DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["disclaimer_policy"]


def test_one_that_shows_up_at_placement_is_answered_and_the_next_cycle_trades(
    bench: Bench,
) -> None:
    show(bench, SIMPLE, endpoint=PLACEMENT)
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.outcome for e in report.executions] == ["FAILED"]
    assert "execution_disclaimer_resolved" in bench.events()
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.outcome for e in report.executions] == ["SUCCESS"]
    assert bench.lines("execution_intent_created")[-1]["attempt"] == "2"


def test_when_the_texts_cannot_be_read_the_order_waits(bench: Bench) -> None:
    show(bench, SIMPLE)
    bench.fault("status", count=None, endpoint="/dm/v2/disclaimers", params={"status": 503})
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["disclaimer_unavailable"]
    bench.clear_faults()
    assert bench.cycle().executions[0].outcome == "SUCCESS"
