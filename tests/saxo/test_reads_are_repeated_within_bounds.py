"""A read is repeated a few times, in bounded time; nothing else is ever repeated."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from support.saxo_client import NOW, CountedTokens, scripted_client
from support.scripted_http import CLOSE, RESET, Step, free_port, reply
from tradebot.clock import ManualClock
from tradebot.errors import (
    BadAnswer,
    BrokerError,
    BrokerUnavailable,
    LoginError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    Terminated,
)
from tradebot.model import InstrumentId
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import OrderRequest
from tradebot.saxo.transport import AnswerLost, Transport

USER = reply(200, {"ClientKey": "client-key-1"})
HTML_503 = reply(503, b"<html><body>Service Unavailable</body></html>", {"Retry-After": "20"})
ORDER = OrderRequest("key-1", InstrumentId("Stock", 211), "Buy", Decimal(2), "ATB-1")


@pytest.mark.parametrize("failure", [reply(500), reply(502), reply(504), RESET, CLOSE, reply(429)])
def test_a_read_survives_two_failures(failure: Step) -> None:
    clock = ManualClock(NOW)
    with scripted_client([failure, failure, USER], clock=clock) as (client, server):
        assert client.user().client_key == "client-key-1"
    assert len(server.received) == 3
    assert 0 < clock.monotonic() < 10


@pytest.mark.parametrize(
    ("failure", "error"), [(reply(500), BrokerUnavailable), (RESET, AnswerLost)]
)
def test_a_read_gives_up_after_three_tries(failure: Step, error: type[BrokerError]) -> None:
    with scripted_client([failure]) as (client, server), pytest.raises(error) as caught:
        client.user()
    assert len(server.received) == 3
    assert caught.value.endpoint == "GET /port/v1/users/me"


def test_a_connection_nobody_accepts_is_tried_again() -> None:
    clock = ManualClock(NOW)
    address = f"http://127.0.0.1:{free_port()}"
    with Transport(address, clock, allow_orders=False) as transport, pytest.raises(NotSent):
        SaxoClient(transport, CountedTokens(), clock).user()
    assert transport.http_calls == 3


def test_retry_after_is_respected() -> None:
    clock = ManualClock(NOW)
    with scripted_client([HTML_503, USER], clock=clock) as (client, _):
        client.user()
    assert clock.monotonic() >= 20


def test_a_retry_after_beyond_all_bounds_is_not_waited_for() -> None:
    clock = ManualClock(NOW)
    with scripted_client([reply(503, None, {"Retry-After": "7200"})], clock=clock) as (client, _):
        with pytest.raises(BrokerUnavailable) as caught:
            client.user()
    assert caught.value.status == 503
    assert clock.monotonic() == 0


def test_a_429s_own_reset_is_respected() -> None:
    clock = ManualClock(NOW)
    limited = reply(
        429, None, {"X-RateLimit-Session-Remaining": "0", "X-RateLimit-Session-Reset": "23"}
    )
    with scripted_client([limited, USER], clock=clock) as (client, _):
        client.user()
    assert clock.monotonic() >= 23


def test_a_429_that_stays_is_said_to_be_one() -> None:
    with scripted_client([reply(429, None, {"Retry-After": "2"})]) as (client, server):
        with pytest.raises(RateLimited) as caught:
            client.user()
    assert caught.value.retry_after == 2
    assert len(server.received) == 3


def test_the_runs_deadline_bounds_the_repetitions() -> None:
    with scripted_client([reply(500)]) as (client, server):
        client.time_left = lambda: 0.1
        with pytest.raises(BrokerUnavailable):
            client.user()
    assert client.time_left is not None
    assert len(server.received) == 1


def test_the_runs_deadline_bounds_repetitions_after_a_lost_answer_too() -> None:
    with scripted_client([RESET]) as (client, server):
        client.time_left = lambda: 0.1
        with pytest.raises(AnswerLost):
            client.user()
    assert len(server.received) == 1


def test_a_limit_beyond_all_bounds_is_said_at_once() -> None:
    clock = ManualClock(NOW)
    spent = {"X-RateLimit-AppDay-Remaining": "0", "X-RateLimit-AppDay-Reset": "3600"}
    user = reply(200, {"ClientKey": "client-key-1"}, spent)
    with scripted_client([user], clock=clock) as (client, server):
        client.user()
        with pytest.raises(RateLimited, match="app_day"):
            client.user()
    assert clock.monotonic() == 0
    assert len(server.received) == 1


def test_a_stop_ends_the_repetitions() -> None:
    clock = ManualClock(NOW)
    clock.request_stop()
    with scripted_client([reply(500)], clock=clock) as (client, server):
        with pytest.raises(Terminated):
            client.user()
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"ErrorCode": "InvalidClientId", "Message": "…"}, RequestRefused),
        (403, None, RequestRefused),
        (404, None, RequestRefused),
        (302, None, BadAnswer),
    ],
)
def test_a_definitive_answer_is_not_asked_for_again(
    status: int, body: object, error: type[BrokerError]
) -> None:
    with scripted_client([reply(status, body)]) as (client, server):
        with pytest.raises(error) as caught:
            client.user()
    assert caught.value.status == status
    assert caught.value.error_code == ("InvalidClientId" if body else None)
    assert len(server.received) == 1


def test_a_401_is_replayed_once_with_a_new_token() -> None:
    with scripted_client([reply(401), USER]) as (client, server):
        client.user()
    assert [r.headers["authorization"] for r in server.received] == [
        "Bearer token-0",
        "Bearer token-1",
    ]


def test_a_second_401_is_the_end() -> None:
    with scripted_client([reply(401)]) as (client, server):
        with pytest.raises(LoginError, match="SAXO_CLIENT_KEY"):
            client.user()
    assert len(server.received) == 2


CHANGES: list[Callable[[SaxoClient], object]] = [
    lambda client: client.place_order(ORDER, request_id="r-1"),
    lambda client: client.cancel_orders(["1"], "key-1"),
    lambda client: client.answer_disclaimer("c", "t", "Accepted"),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "failure",
    [
        reply(500),
        HTML_503,
        RESET,
        CLOSE,
        Step(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", close=True),
    ],
)
def test_a_change_is_sent_once_and_its_outcome_unknown(
    change: Callable[[SaxoClient], object], failure: Step
) -> None:
    with scripted_client([failure]) as (client, server):
        with pytest.raises(OutcomeUnknown) as caught:
            change(client)
    assert len(server.received) == 1
    assert caught.value.endpoint is not None


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_found_no_connection_was_not_sent(
    change: Callable[[SaxoClient], object],
) -> None:
    clock = ManualClock(NOW)
    address = f"http://127.0.0.1:{free_port()}"
    with Transport(address, clock, allow_orders=True) as transport, pytest.raises(NotSent):
        change(SaxoClient(transport, CountedTokens(), clock))
    assert transport.http_calls == 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [(reply(500), BrokerUnavailable), (RESET, BrokerUnavailable), (reply(429), RateLimited)],
)
def test_a_precheck_is_sent_once(failure: Step, error: type[BrokerError]) -> None:
    with scripted_client([failure]) as (client, server), pytest.raises(error):
        client.precheck(ORDER)
    assert len(server.received) == 1
