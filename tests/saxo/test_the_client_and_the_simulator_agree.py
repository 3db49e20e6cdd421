"""Every endpoint method against a broker that speaks HTTP by itself: the simulator."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from support.judgement import accepted, passed, refused
from tradebot.clock import SystemClock
from tradebot.errors import OutcomeUnknown, RequestRefused
from tradebot.model import InstrumentId
from tradebot.saxo.api import new_request_id
from tradebot.saxo.auth import ManualTokenSource
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import OrderRequest
from tradebot.saxo.transport import Transport
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

MSFT = InstrumentId("Stock", 10001)
EURUSD = InstrumentId("FxSpot", 21)
REFERENCE = "ATB-20120720-0000-ABCDEFGHIJ"


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulator]:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    with Simulator(tmp_path / "simulator.db", options=options) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[SaxoClient]:
    clock = SystemClock()
    with Transport(sim.rest_base, clock, allow_orders=True, read_timeout=3) as transport:
        yield SaxoClient(transport, ManualTokenSource(sim.access_token()), clock)


def order(sim: Simulator, side: str = "Buy", amount: int = 10) -> OrderRequest:
    return OrderRequest(
        sim.account_key,
        MSFT,
        "Buy" if side == "Buy" else "Sell",
        Decimal(amount),
        REFERENCE,
    )


def fault(sim: Simulator, **what: object) -> None:
    request = urllib.request.Request(
        f"{sim.auth_base}/simulator/faults", json.dumps(what).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status < 300


def test_who_we_are(sim: Simulator, client: SaxoClient) -> None:
    assert client.user().client_key == sim.client_key
    assert client.client().default_account_key == sim.account_key
    (account,) = client.accounts()
    assert (account.account_key, account.currency) == (sim.account_key, "USD")
    assert client.balance(sim.client_key, sim.account_key).cash_balance == 100_000


def test_a_new_account_is_empty(client: SaxoClient) -> None:
    assert client.positions() == ()
    assert client.net_positions() == ()
    assert client.open_orders() == ()
    assert client.closed_positions() == ()


def test_prices(client: SaxoClient) -> None:
    found = client.info_prices("Stock", [10001, 307, 999999])
    assert found.missing == (999999,)
    quote = found.prices[10001].quote
    assert quote is not None
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.bid < quote.ask
    no_access = found.prices[307].quote
    assert no_access is not None
    assert no_access.bid is None


@pytest.mark.parametrize("instrument", [MSFT, EURUSD])
def test_charts(client: SaxoClient, instrument: InstrumentId) -> None:
    bars = [bar.to_bar() for bar in client.chart(instrument, 1440, 30).data]
    assert len(bars) == 30
    times = [bar.time for bar in bars if bar is not None]
    assert times == sorted(times)
    assert len(times) == 30


def test_reference_data(client: SaxoClient) -> None:
    details = client.instrument_details([MSFT, EURUSD, InstrumentId("Stock", 999999)])
    assert set(details) == {MSFT, EURUSD}
    assert details[MSFT].tick_at(26.1) == 0.01
    (hit,) = client.search_instruments("MSFT", ["Stock"])
    assert (hit.identifier, hit.symbol) == (10001, "MSFT:xnas")
    assert client.trading_schedule(MSFT)
    with pytest.raises(RequestRefused):
        client.trading_schedule(InstrumentId("FxSpot", 10001))


def test_a_round_trip_of_orders(sim: Simulator, client: SaxoClient) -> None:
    since = SystemClock().now() - timedelta(minutes=10)
    check = client.precheck(order(sim))
    assert passed(check)
    assert check.estimated_cash_required is not None
    bought = client.place_order(order(sim), request_id=new_request_id())
    assert accepted(bought)
    assert bought.external_reference == REFERENCE
    (position,) = client.positions()
    assert position.position_base.external_reference == REFERENCE
    assert position.position_base.amount == 10
    (net,) = client.net_positions()
    assert net.net_position_base.instrument == MSFT
    rows = client.order_activities(sim.client_key, since=since, order_id=bought.order_id)
    assert (rows[-1].status, rows[-1].sub_status) == ("FinalFill", "Confirmed")
    assert rows[-1].filled_amount == 10
    sold = client.place_order(order(sim, "Sell"), request_id=new_request_id())
    assert accepted(sold)
    assert len(client.closed_positions()) == 1


def test_the_same_order_again_is_a_conflict(sim: Simulator, client: SaxoClient) -> None:
    request_id = new_request_id()
    assert accepted(client.place_order(order(sim), request_id=request_id))
    again = client.place_order(order(sim), request_id=request_id)
    assert again.http_status == 409
    assert not accepted(again)
    assert not refused(again)


def test_a_refusal(sim: Simulator, client: SaxoClient) -> None:
    answer = client.place_order(order(sim, amount=10**7), request_id=new_request_id())
    assert refused(answer)
    assert answer.error_code is not None
    assert not passed(client.precheck(order(sim, amount=10**7)))


def test_a_limit_order_works_until_it_is_cancelled(sim: Simulator, client: SaxoClient) -> None:
    far = OrderRequest(
        sim.account_key, MSFT, "Buy", Decimal(1), REFERENCE, order_type="Limit", price=20.0
    )
    placed = client.place_order(far, request_id=new_request_id())
    assert placed.order_id is not None
    (working,) = client.open_orders()
    assert (working.order_id, working.external_reference) == (placed.order_id, REFERENCE)
    (cancelled,) = client.cancel_orders([placed.order_id], sim.account_key)
    assert (cancelled.order_id, cancelled.error_code) == (placed.order_id, None)
    assert client.open_orders() == ()


@pytest.mark.parametrize("kind", ["drop_after", "status_after", "truncate", "delay_after"])
def test_an_order_whose_answer_is_lost_is_found_by_its_reference(
    sim: Simulator, client: SaxoClient, kind: str
) -> None:
    since = SystemClock().now() - timedelta(minutes=10)
    fault(sim, kind=kind, endpoint="/trade/v2/orders", method="POST", params={"seconds": 4})
    with pytest.raises(OutcomeUnknown):
        client.place_order(order(sim), request_id=new_request_id())
    rows = client.order_activities(sim.client_key, since=since)
    assert {row.external_reference for row in rows} == {REFERENCE}
    assert len({row.order_id for row in rows}) == 1


def test_an_accepted_order_that_is_not_completed(sim: Simulator, client: SaxoClient) -> None:
    fault(sim, kind="trade_not_completed")
    answer = client.place_order(order(sim), request_id=new_request_id())
    assert (answer.http_status, answer.error_code) == (202, "TradeNotCompleted")
    assert answer.order_id is not None
    assert not accepted(answer)
    assert not refused(answer)


def test_a_refusal_with_an_order_id_is_no_refusal(sim: Simulator, client: SaxoClient) -> None:
    fault(sim, kind="error_with_order_id")
    answer = client.place_order(order(sim), request_id=new_request_id())
    assert answer.http_status == 400
    assert answer.order_id is not None
    assert not refused(answer)


def test_a_precheck_that_says_ok_and_names_an_error(sim: Simulator, client: SaxoClient) -> None:
    fault(sim, kind="precheck_error_info")
    answer = client.precheck(order(sim))
    assert (answer.result, answer.error_code) == ("Ok", "InsufficientCash")
    assert not passed(answer)


def test_disclaimers_are_read_and_answered(sim: Simulator, client: SaxoClient) -> None:
    fault(sim, kind="disclaimers", params={"disclaimers": [{"title": "Rules"}]})
    check = client.precheck(order(sim))
    assert not passed(check)
    assert check.disclaimers is not None
    assert check.disclaimers.context is not None
    (text,) = client.disclaimers(check.disclaimers.tokens)
    assert (text.title, bool(text.is_blocking)) == ("Rules", False)
    client.answer_disclaimer(check.disclaimers.context, text.disclaimer_token, "Accepted")
    assert passed(client.precheck(order(sim)))


def test_a_passing_outage_is_survived_by_reads(sim: Simulator, client: SaxoClient) -> None:
    fault(sim, kind="html", endpoint="/port/v1/users/me")
    fault(sim, kind="drop_before", endpoint="/port/v1/users/me")
    assert client.user().client_key == sim.client_key


def test_all_pages_of_the_audit_log_are_read(tmp_path: Path) -> None:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False), audit_page_rows=2)
    clock = SystemClock()
    since = clock.now() - timedelta(minutes=10)
    with Simulator(tmp_path / "simulator.db", options=options) as sim:
        with Transport(sim.rest_base, clock, allow_orders=True) as transport:
            client = SaxoClient(transport, ManualTokenSource(sim.access_token()), clock)
            client.place_order(order(sim), request_id=new_request_id())
            client.place_order(order(sim, "Sell"), request_id=new_request_id())
            calls = client.http_calls
            rows = client.order_activities(sim.client_key, since=since)
    assert len(rows) == 6
    assert client.http_calls == calls + 3
