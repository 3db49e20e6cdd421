"""What the log says of a request: enough to act on, and never a key, a token or a body."""

from __future__ import annotations

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.saxo_client import NOW, CountedTokens, scripted_client
from support.scripted_http import CLOSE, HANG, Step, free_port, reply
from tradebot.clock import ManualClock
from tradebot.errors import BrokerError
from tradebot.observability import setup_logging
from tradebot.observability.line import parse
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.exchange import Request, path_of, shown_path
from tradebot.saxo.transport import Transport
from tradebot.vocabulary import CATALOGUE

CORRELATION = "0f5b7f6d1c2e4b0fa1d2c3b4a5968778#123#7a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d#42"
CLIENT_KEY = "Q2xp|ZW50+S2V5/TUR4MQ=="


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    with setup_logging(tmp_path, level="DEBUG", catalogue=CATALOGUE, strict=True, console=False):
        yield tmp_path / "bot.log"


def lines(log: Path, event: str) -> list[dict[str, str]]:
    parsed = [parse(line) for line in log.read_text("utf-8").splitlines()]
    return [dict(line.fields) for line in parsed if line is not None and line.event == event]


def fail(step: Step, *, read_timeout: float = 5.0) -> None:
    with scripted_client([step], read_timeout=read_timeout) as (client, _):
        with pytest.raises(BrokerError):
            client.user()


def test_a_request_is_logged_at_debug(log: Path) -> None:
    headers = {
        "X-Correlation": CORRELATION,
        "X-RateLimit-Session-Limit": "120",
        "X-RateLimit-Session-Remaining": "117",
        "X-RateLimit-Session-Reset": "41",
    }
    with scripted_client([reply(200, {"ClientKey": CLIENT_KEY}, headers)]) as (client, _):
        client.user()
    (line,) = lines(log, "http_request")
    expected = {
        "http_method": "GET",
        "http_url_path": "/sim/openapi/port/v1/users/me",
        "http_status": "200",
        "latency_ms": "0",
        "saxo_request_id": CORRELATION,
        "rate_limit_remaining_session": "117",
        "rate_limit_reset_session": "41",
        "attempt": "1",
    }
    assert expected.items() <= line.items()
    assert lines(log, "http_error") == []


def test_a_debug_line_is_not_in_the_log_by_default(tmp_path: Path) -> None:
    with setup_logging(tmp_path, catalogue=CATALOGUE, strict=True, console=False):
        with scripted_client([reply(200, {"ClientKey": CLIENT_KEY})]) as (client, _):
            client.user()
    assert "http_request" not in (tmp_path / "bot.log").read_text("utf-8")


def test_an_error_is_logged_with_code_and_snippet(log: Path) -> None:
    fail(reply(400, {"ErrorCode": "InvalidUserId", "Message": "no such user"}))
    (line,) = lines(log, "http_error")
    assert line["http_status"] == "400"
    assert line["error_code"] == "InvalidUserId"
    assert line["error_kind"] == "http_status"
    assert "no such user" in line["response_snippet"]


def test_a_snippet_is_short(log: Path) -> None:
    fail(reply(404, b"<html>" + b"word " * 1000))
    (line,) = lines(log, "http_error")
    assert 200 < len(line["response_snippet"]) <= 256


def test_each_try_is_logged_with_its_number(log: Path) -> None:
    fail(reply(503, b"<html>maintenance</html>"))
    assert [line["attempt"] for line in lines(log, "http_error")] == ["1", "2", "3"]


@pytest.mark.parametrize(("step", "kind"), [(CLOSE, "connection_lost"), (HANG, "read_timeout")])
def test_a_lost_answer_is_logged_with_its_kind(log: Path, step: Step, kind: str) -> None:
    fail(step, read_timeout=0.1)
    found = lines(log, "http_error")
    assert {line["error_kind"] for line in found} == {kind}
    assert "http_status" not in found[0]


def test_a_refused_connection_is_logged(log: Path) -> None:
    clock = ManualClock(NOW)
    with Transport(f"http://127.0.0.1:{free_port()}", clock, allow_orders=False) as transport:
        with pytest.raises(BrokerError):
            SaxoClient(transport, CountedTokens(), clock).user()
    assert {line["error_kind"] for line in lines(log, "http_error")} == {"connection_refused"}


def test_a_wrong_shape_is_logged_without_its_content(log: Path) -> None:
    fail(reply(200, {"ClientKey": 5, "Name": "Jane Q. Trader"}))
    (line,) = lines(log, "http_error")
    (asked,) = lines(log, "http_request")
    assert line["error_kind"] == "bad_answer"
    assert line["http_url_path"] == asked["http_url_path"] == "/sim/openapi/port/v1/users/me"
    assert "$.ClientKey" in line["msg"]
    assert "Jane" not in log.read_text("utf-8")


def test_a_wait_for_a_limit_is_logged(log: Path) -> None:
    spent = {"X-RateLimit-Session-Remaining": "0", "X-RateLimit-Session-Reset": "23"}
    with scripted_client([reply(200, {"ClientKey": CLIENT_KEY}, spent)]) as (client, _):
        client.user()
        client.user()
    (line,) = lines(log, "rate_limit_wait")
    assert (line["dimension"], float(line["wait_seconds"])) == ("session", 23.0)


def test_a_key_is_known_before_the_answer_that_brings_it_is_logged(log: Path) -> None:
    """Even of an error whose text repeats it, even where the snippet's cut falls into it."""
    padding = "x " * 114
    body = f'{{"ErrorCode": "X", "Message": "{padding}{CLIENT_KEY}", "ClientKey": "{CLIENT_KEY}"}}'
    fail(reply(400, body.encode()))
    text = log.read_text("utf-8")
    assert "http_error" in text
    assert CLIENT_KEY not in text
    assert CLIENT_KEY[:8] not in text


@pytest.mark.parametrize(
    "body",
    [
        '{"AccountKey": "%s"}',
        '{"Data": [{"Deep": {"DefaultAccountKey" : "%s"}}]}',
        '{"access_token": "%s"',
        '{"refresh_token":"%s"}',
        '{"PreTradeDisclaimers": {"DisclaimerTokens": ["abcdefgh", "%s"]}}',
        '{"DisclaimerToken": "%s"}',
    ],
)
def test_keys_and_tokens_are_known_from_wherever_they_came(log: Path, body: str) -> None:
    secret = "Zk9|+/" + base64.b64encode(body.encode()).decode()[:14] + "=="
    fail(reply(400, (body % secret).encode()))
    clock = ManualClock(NOW)
    with Transport(f"http://127.0.0.1:{free_port()}", clock, allow_orders=False) as transport:
        with pytest.raises(BrokerError, match="refused"):
            transport.send(Request("GET", path_of("port", "v1", "orders", secret)))
    text = log.read_text("utf-8")
    assert secret not in text
    assert secret[:10] not in text


def test_an_escaped_key_is_known_unescaped(log: Path) -> None:
    fail(reply(400, rb'{"ClientKey": "AbCd\/EfGh\u002bIj12", "Message": "AbCd/EfGh+Ij12 is bad"}'))
    assert "EfGh" not in log.read_text("utf-8")


def test_a_key_in_broken_json_is_known_as_it_stands(log: Path) -> None:
    fail(reply(400, rb'{"ClientKey": "AbCd\qEfGhIj12", "Message": "AbCd\qEfGhIj12"}'))
    assert "EfGh" not in log.read_text("utf-8")


def test_an_error_code_is_looked_for_but_not_endlessly(log: Path) -> None:
    fail(reply(400, b'{"a": [' * 4 + b'{"ErrorCode": "Deep"}' + b"]}" * 4))
    fail(reply(400, b'{"a": [' * 400 + b'{"ErrorCode": "Deeper"}' + b"]}" * 400))
    fail(reply(400, {"ErrorCode": "not a code word"}))
    assert [line.get("error_code") for line in lines(log, "http_error")] == ["Deep", None, None]


def test_the_token_and_the_query_are_not_logged(log: Path) -> None:
    with scripted_client([reply(400)]) as (client, _):
        with pytest.raises(BrokerError):
            client.balance(CLIENT_KEY, "account-key-1234")
    text = log.read_text("utf-8")
    assert "token-0" not in text
    assert "ClientKey" not in text
    assert "account-key" not in text


@pytest.mark.parametrize("text", ["X<script>", "a b", "", "ü" * 5, "x" * 200])
def test_an_odd_correlation_id_is_left_out(log: Path, text: str) -> None:
    header = {"X-Correlation": text.encode().decode("latin-1")}
    with scripted_client([reply(200, {"ClientKey": CLIENT_KEY}, header)]) as (client, _):
        client.user()
    (line,) = lines(log, "http_request")
    assert "saxo_request_id" not in line


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/port/v1/users/me", "/port/v1/users/me"),
        ("/trade/v2/orders/503,504", "/trade/v2/orders/503,504"),
        (
            "/ref/v1/instruments/details/211/FxSpot",
            "/ref/v1/instruments/details/211/FxSpot",
        ),
        ("/port/v1/orders/Q2xpZW50LUtleQ%3D%3D/503", "/port/v1/orders/***/503"),
        ("/port/v1/accounts/ABCDEFGHIJ/reset", "/port/v1/accounts/***/reset"),
        ("/port/v1/accounts/aB3-x/reset", "/port/v1/accounts/***/reset"),
    ],
)
def test_keys_in_a_path_are_masked(path: str, shown: str) -> None:
    assert shown_path(path) == shown


def test_representations_hold_no_secret() -> None:
    request = Request("GET", "/a/secret", (("ClientKey", "secret"),), authorization="Bearer secret")
    assert "secret" not in repr(request)
