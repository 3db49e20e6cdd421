"""Blocked by default; accepted by policy only where a plain yes is all that is asked for."""

from __future__ import annotations

import json
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


def acceptances(bench: Bench) -> int:
    """How many answers to disclaimers the broker received, whatever it said to them."""
    return sum(
        line["http_method"] == "POST" and line["http_url_path"].endswith("/dm/v2/disclaimers")
        for line in bench.lines("http_request")
    )


def test_where_one_cannot_be_accepted_none_is(bench: Bench) -> None:
    show(bench, SIMPLE, {"input": "I understand the risk"})
    bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert acceptances(bench) == 0


def test_what_nobody_could_read_is_not_accepted(bench: Bench) -> None:
    show(bench, SIMPLE)
    texts = '{"Data": [{"DisclaimerToken": "another", "ResponseOptions": []}]}'
    bench.fault(
        "status",
        endpoint="/dm/v2/disclaimers",
        method="GET",
        params={"status": 200, "body": texts},
    )
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["disclaimer_policy"]
    assert acceptances(bench) == 0


def test_nothing_is_accepted_for_an_order_that_is_refused_all_the_same(bench: Bench) -> None:
    show(bench, SIMPLE)
    bench.fault("precheck_error_info", params={"code": "WouldExceedMargin"})
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["insufficient_cash"]
    assert acceptances(bench) == 0


def test_nothing_is_accepted_for_an_order_above_the_limit(bench: Bench) -> None:
    bench.simulator.broker.currency = "EUR"
    show(bench, SIMPLE)
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple", MAX_POSITION_VALUE="200")
    assert [e.failure_reason for e in report.executions] == ["position_value"]
    assert acceptances(bench) == 0


def test_where_nothing_says_what_to_accept_the_order_is_not_sent(bench: Bench) -> None:
    named = {"DisclaimerContext": "context-1", "DisclaimerTokens": []}
    body = json.dumps({"PreCheckResult": "Ok", "PreTradeDisclaimers": named})
    bench.fault("status", endpoint=PRECHECK, params={"status": 200, "body": body})
    # A broker that shows no texts for no tokens.
    bench.fault("status", endpoint="/dm/*", params={"status": 200, "body": '{"Data": []}'})
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["disclaimer_policy"]
    assert bench.orders_at_broker() == 0


def test_what_is_asked_for_again_is_accepted_once_more_and_not_for_ever(bench: Bench) -> None:
    for number in range(1, 9):
        asked = {"DisclaimerContext": f"context-{number}", "DisclaimerTokens": ["token-1"]}
        error = {"ErrorCode": "SomethingNew", "PreTradeDisclaimers": asked}
        body = json.dumps({"PreCheckResult": "Error", "ErrorInfo": error})
        bench.fault("status", endpoint=PRECHECK, params={"status": 200, "body": body})
    text = {
        "DisclaimerToken": "token-1",
        "IsBlocking": False,
        "ResponseOptions": [{"ResponseType": "Accepted"}],
    }
    texts = {"status": 200, "body": json.dumps({"Data": [text]})}
    bench.fault("status", count=None, endpoint="/dm/*", method="GET", params=texts)
    bench.fault("status", count=None, endpoint="/dm/*", method="POST", params={"status": 204})
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["precheck_refused"]
    assert acceptances(bench) == 2
    assert bench.orders_at_broker() == 0


def test_one_that_does_not_say_whether_it_blocks_is_a_persons_business(bench: Bench) -> None:
    asked = {"DisclaimerContext": "context", "DisclaimerTokens": ["token-1"]}
    body = json.dumps({"PreCheckResult": "Ok", "PreTradeDisclaimers": asked})
    bench.fault("status", endpoint=PRECHECK, params={"status": 200, "body": body})
    text = {"DisclaimerToken": "token-1", "ResponseOptions": [{"ResponseType": "Accepted"}]}
    texts = {"status": 200, "body": json.dumps({"Data": [text]})}
    bench.fault("status", count=None, endpoint="/dm/*", method="GET", params=texts)
    report = bench.cycle(DISCLAIMER_POLICY="accept_simple")
    assert [e.failure_reason for e in report.executions] == ["disclaimer_policy"]
    assert acceptances(bench) == 0
    assert bench.orders_at_broker() == 0
