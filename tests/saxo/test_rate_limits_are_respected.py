"""What the broker's rate headers say is waited for before the next request, not after a 429."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_http import ScriptedServer, reply
from tradebot.clock import ManualClock
from tradebot.errors import RateLimited, Terminated
from tradebot.saxo.exchange import Request
from tradebot.saxo.rate_limits import (
    Bucket,
    RateBudget,
    http_date,
    log_fields,
    parse_buckets,
    retry_after,
)
from tradebot.saxo.transport import Transport

NOW = datetime(2026, 7, 20, 14, 9, 5, tzinfo=UTC)
ORDER = Request("POST", "/trade/v2/orders", body=b"{}")


def headers(dimension: str, remaining: int, reset: int) -> dict[str, str]:
    return {
        f"X-RateLimit-{dimension}-Limit": "120",
        f"X-RateLimit-{dimension}-Remaining": str(remaining),
        f"X-RateLimit-{dimension}-Reset": str(reset),
    }


def lower(pairs: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs.items()}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def test_every_dimension_is_read() -> None:
    found = parse_buckets(
        lower(headers("Session", 117, 41) | headers("RefDataInstrumentsMinute", 0, 0))
    )
    assert found == (Bucket("session", 117, 41), Bucket("refdatainstrumentsminute", 0, 1))


def test_the_log_gets_remaining_and_reset_of_each() -> None:
    found = parse_buckets(lower(headers("AppDay", 9_999_871, 35_454) | headers("Session", 3, 9)))
    assert log_fields(found) == {
        "rate_limit_remaining_app_day": 9_999_871,
        "rate_limit_reset_app_day": 35_454,
        "rate_limit_remaining_session": 3,
        "rate_limit_reset_session": 9,
    }


@given(
    st.dictionaries(
        st.from_regex(r"x-ratelimit-[a-z]{0,8}-(limit|remaining|reset)", fullmatch=True),
        st.text(max_size=8) | st.integers().map(str),
    )
)
def test_nonsense_in_rate_headers_never_raises(pairs: dict[str, str]) -> None:
    for bucket in parse_buckets(pairs):
        assert bucket.remaining >= 0
        assert bucket.reset_seconds is None or bucket.reset_seconds >= 1


def test_an_exhausted_group_is_waited_for_and_another_is_not(clock: ManualClock) -> None:
    budget = RateBudget(clock)
    budget.observe("port", lower(headers("Session", 0, 23)))
    budget.wait_before("ref")
    assert clock.monotonic() == 0
    budget.wait_before("port")
    assert clock.monotonic() == 23
    budget.wait_before("port")
    assert clock.monotonic() == 23


def test_a_later_answer_with_something_left_lifts_the_wait(clock: ManualClock) -> None:
    budget = RateBudget(clock)
    budget.observe("port", lower(headers("Session", 0, 23)))
    budget.observe("port", lower(headers("Session", 5, 23)))
    budget.wait_before("port")
    assert clock.monotonic() == 0


def test_a_used_up_day_stops_every_group_without_waiting(clock: ManualClock) -> None:
    budget = RateBudget(clock)
    budget.observe("port", lower(headers("AppDay", 0, 35_454)))
    with pytest.raises(RateLimited, match="app_day") as caught:
        budget.wait_before("trade", endpoint="GET /trade/v1/infoprices/list")
    assert caught.value.retry_after == 35_454
    assert caught.value.endpoint == "GET /trade/v1/infoprices/list"
    assert clock.monotonic() == 0


def test_a_wait_longer_than_the_run_has_left_is_not_begun(clock: ManualClock) -> None:
    budget = RateBudget(clock)
    budget.observe("port", lower(headers("Session", 0, 23)))
    with pytest.raises(RateLimited):
        budget.wait_before("port", time_left=lambda: 22.9)
    budget.wait_before("port", time_left=lambda: 23.0)
    assert clock.monotonic() == 23


def test_exhausted_orders_hold_back_orders_only(clock: ManualClock) -> None:
    budget = RateBudget(clock)
    budget.observe("trade", lower(headers("SessionOrders", 0, 1)))
    budget.wait_before("trade")
    assert clock.monotonic() == 0
    budget.wait_before("trade", is_order=True)
    assert clock.monotonic() == 1


def test_a_stop_ends_the_wait(clock: ManualClock) -> None:
    budget = RateBudget(clock)
    budget.observe("port", lower(headers("Session", 0, 23)))
    clock.request_stop()
    with pytest.raises(Terminated):
        budget.wait_before("port")


def test_two_orders_leave_a_second_apart_even_without_headers(clock: ManualClock) -> None:
    with ScriptedServer([reply(200, {})]) as server:
        with Transport(server.base, clock, allow_orders=True) as transport:
            transport.send(ORDER)
            assert clock.monotonic() == 0
            transport.send(ORDER)
            assert clock.monotonic() == 1
            transport.send(Request("POST", "/trade/v2/orders/precheck", body=b"{}"))
            assert clock.monotonic() == 1


def test_nothing_is_sent_while_the_limit_is_used_up(clock: ManualClock) -> None:
    request = Request("GET", "/port/v1/orders/me")
    with ScriptedServer([reply(200, {}, headers("Session", 0, 99))]) as server:
        with Transport(server.base, clock, allow_orders=True) as transport:
            transport.send(request)
            with pytest.raises(RateLimited):
                transport.send(request)
    assert len(server.received) == 1
    assert transport.http_calls == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("Mon, 20 Jul 2026 14:10:05 GMT", 60.0),
        ("Mon, 20 Jul 2026 14:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW.timestamp()) == seconds


def test_a_date_beyond_the_calendar_is_no_date() -> None:
    assert http_date("Mon, 99 Jul 99999999999 14:10:05 GMT") is None
