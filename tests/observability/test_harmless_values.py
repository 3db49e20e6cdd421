"""What people read the log for stays readable: redaction that hides everything helps nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.model import Action
from tradebot.observability import mask_sensitive, register_secret, setup_logging
from tradebot.vocabulary import CATALOGUE

CET = dt.timezone(dt.timedelta(hours=1))
REFERENCE = "ATB-20170306-0000-ABCDEFGHIJ"


@pytest.fixture(autouse=True)
def _vocabulary() -> Iterator[None]:
    with setup_logging(None, catalogue=CATALOGUE, console=False):
        yield


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run_id", "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a"),
        ("strategy", "sma_cross/1.0"),
        ("strategy", "my_rules.crossing:SlowCross/2.1.3"),
        ("slot", "2025-12-17T07:10:00Z"),
        ("instrument_id", "CfdOnIndex:4912"),
        ("asset_type", "ContractFutures"),
        ("symbol", "MSFT:xnas"),
        ("symbol", "BRKb:xnys"),
        ("symbol", "EURUSD"),
        ("http_url_path", "/sim/openapi/trade/v2/orders/precheck"),
        ("http_url_path", "/ref/v1/instruments/details/211/CfdOnStock"),
        ("saxo_request_id", "0f5b7f6d1c2e4b0fa1d2c3b4a5968778#123#7a1b2c3d-4e5f-4a6b#42"),
        ("external_reference", REFERENCE),
        ("order_id", "5014229221"),
        ("failure_reason", "http_503"),
        ("error_code", "TooFarFromEntryOrder"),
        ("error_code", "OrderValueToSmall"),
        ("error_code", "90001"),
        ("exc_type", "JSONDecodeError"),
        ("exc_type", "HTTPError"),
        ("version", "1.0.0.dev3"),
        ("python", "3.11.7"),
        ("host", "bot-7.example.com"),
        ("commit", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
        ("settings_fingerprint", "9f86d081884c"),
        ("log_dir", "/home/trader/AI-Tradebot/logs"),
        ("log_dir", r"C:\Users\trader\AI-Tradebot\logs"),
        ("argv", "main.py --single-cycle --dry-run"),
        ("holder", "pid=4711 start=2025-12-17T07:10:00Z slot=- phase=market_data"),
        ("missing_ids", "Stock:211,FxSpot:21,CfdOnIndex:4912"),
        ("request_id", f"{REFERENCE}-order"),
        ("msg", f"{REFERENCE} placed 10 MSFT:xnas at 101.25 USD as 5014229221"),
        ("msg", "HTTP 503 from POST /trade/v2/orders: read timed out (timeout=10.0)"),
        ("msg", "next try in 2.5s; Stock:211 missing; 3/10 quotes; reason=no_quote"),
        ("response_snippet", '{"ErrorCode":"InvalidUic","Message":"Uic 99 is not valid"}'),
        ("stack", 'File "/usr/lib/python3.11/site-packages/urllib3/connectionpool.py", line 7'),
        ("note", REFERENCE),
        ("note", "2025-12-17T07:12:03.214Z"),
        ("note", "2025-12-17 07:12:03+00:00"),
        ("note", "RECONCILIATION_NEEDED"),
        ("note", "sma_cross crossed above at 101.25"),
        ("note", "/var/lib/ai-tradebot/state/default/SIM/journal.db"),
        ("note", "MSFT:xnas,Stock:10001"),
        ("note", "NotTradableAtPresent"),
        ("note", "0 buy, 1 sell, 2 hold (dry run)"),
        ("note", "http://127.0.0.1:8080/sim/openapi/trade/v1/infoprices/list?Uics=21,31&Count=3"),
        ("note", "5014229221"),
        ("note", "-12.5%"),
    ],
)  # fmt: skip
def test_a_harmless_text_is_written_as_it_is(key: str, value: str) -> None:
    assert mask_sensitive(value, key) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (211, "211"),
        (101.25, "101.25"),
        (1e-7, "1e-07"),
        (Decimal("10000.00"), "10000.00"),
        (True, "true"),
        (Action.BUY, "BUY"),
        (dt.datetime(2017, 3, 6, tzinfo=dt.UTC), "2017-03-06T00:00:00Z"),
        (dt.datetime(2017, 3, 6, 1, 2, 3, 4000, CET), "2017-03-06T00:02:03.004Z"),
        (dt.datetime(2017, 3, 6), "2017-03-06T00:00:00"),  # noqa: DTZ001 - a naive one on purpose
        (dt.date(2017, 3, 6), "2017-03-06"),
        (dt.timedelta(minutes=5), "300.0"),
        (PurePosixPath("/var/log"), "/var/log"),
        (b"filled", "filled"),
        (ValueError("bad size"), "ValueError: bad size"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["note", "quantity", "msg"])
def test_values_of_common_types(key: str, value: object, expected: str) -> None:
    assert mask_sensitive(value, key) == expected


@given(st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_never_masked(number: int, price: float) -> None:
    assert mask_sensitive(number, "anything") == str(number)
    assert mask_sensitive(price, "average_price") == str(price)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/port/v1/accounts/Qm9zcy1BY2NvdW50LUtleQ==/reset", "/port/v1/accounts/Qm9***eQ/reset"),
        ("/port/v1/orders/Cf4xZWiYL6W1nMKpygBLLA%3D%3D/5014229221", None),
        ("/port/v1/orders?ClientKey=Cf4xZWiYL6W1nMKpygBLLA==", "/port/v1/orders"),
        ("https://gateway.example/sim/port/v1/users/me?x=y", "/sim/port/v1/users/me"),
        ("/a/5c1d0f2e-7a64-4b8e-9f5d-2f1f0e6d3b9a", "/a/5c1***9a"),
    ],
)  # fmt: skip
def test_keys_in_a_path_are_masked_and_queries_dropped(path: str, expected: str | None) -> None:
    masked = mask_sensitive(path, "http_url_path")
    assert "1nMKpyg" not in masked
    if expected is not None:
        assert masked == expected


def test_a_long_answer_is_cut_after_masking() -> None:
    masked = mask_sensitive("word " * 100 + "token=abc", "response_snippet")
    assert len(masked) == 256


@pytest.mark.parametrize(
    "text",
    ["OrderNotPlaced: the instrument is closed", "NotPermitted: ask your bank", "NotPossible: no"],
)
def test_the_brokers_words_are_no_one_time_passwords(text: str) -> None:
    assert mask_sensitive(text, "msg") == text


@pytest.mark.parametrize("text", ["otp: 123456", "user_otp=123456", "pin-otp: 123456"])
def test_one_time_passwords_still_are(text: str) -> None:
    assert "123456" not in mask_sensitive(text, "msg")


def test_what_is_left_of_a_segment_is_not_shown() -> None:
    register_secret("correct horse")
    path = "/v1/correct%20horse%0AQ7zk9QwXy81kQp0vLm2Rt7Zx81/orders"
    assert mask_sensitive(path, "http_url_path") == "/v1/***/orders"
