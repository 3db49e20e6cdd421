"""A precheck passes only without any reservation; a cancellation answers order by order."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from support.judgement import passed
from support.saxo_client import NOW, CountedTokens, scripted_client
from support.scripted_http import reply
from tradebot.clock import ManualClock
from tradebot.errors import BadAnswer, LoginError
from tradebot.model import InstrumentId
from tradebot.saxo.api import new_request_id
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import (
    CancelAnswer,
    OrderRequest,
    PrecheckAnswer,
)
from tradebot.saxo.transport import Transport

REFERENCE = "ATB-20260720-1409-ABCDEFGHIJ"
ORDER = OrderRequest("ac|key+1/==", InstrumentId("Stock", 211), "Buy", Decimal(2), REFERENCE)
DISCLAIMED = {"DisclaimerContext": "context-1", "DisclaimerTokens": ["token+1=", "token+2="]}


def precheck(status: int, body: object) -> PrecheckAnswer:
    with scripted_client([reply(status, body)]) as (client, _):
        return client.precheck(ORDER)


def test_a_precheck_that_passes() -> None:
    body = {
        "Cost": {"Commission": 15.0},
        "EstimatedCashRequired": 418.73,
        "EstimatedCashRequiredCurrency": "EUR",
        "EstimatedTotalCost": 478.0,
        "EstimatedTotalCostInAccountCurrency": 418.73,
        "InstrumentToAccountConversionRate": 0.87601,
        "PreCheckResult": "Ok",
    }
    answer = precheck(200, body)
    assert passed(answer)
    assert answer.estimated_cash_required == 418.73
    assert answer.estimated_cash_required_currency == "EUR"
    assert answer.conversion_rate == 0.87601


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"PreCheckResult": "Error", "ErrorInfo": {"ErrorCode": "IllegalInstrumentId"}}),
        (200, {"PreCheckResult": "Ok", "ErrorInfo": {"ErrorCode": "InsufficientCash"}}),
        (200, {"PreCheckResult": "Ok", "ErrorInfo": {}}),
        (200, {"PreCheckResult": "Ok", "PreTradeDisclaimers": DISCLAIMED}),
        (200, {"PreCheckResult": "Ok", "Orders": [{"PreTradeDisclaimers": DISCLAIMED}]}),
        (200, {"PreCheckResult": "Ok", "Orders": [{"ErrorInfo": {"ErrorCode": "X"}}]}),
        (200, {"PreCheckResult": "ok"}),
        (200, {}),
        (400, {"ErrorCode": "InvalidModelState"}),
        (403, None),
        (409, None),
    ],
)
def test_everything_else_does_not_pass(status: int, body: object) -> None:
    answer = precheck(status, body)
    assert not passed(answer)
    assert answer.http_status == status


def test_a_precheck_has_an_id_of_its_own_each_time() -> None:
    with scripted_client([reply(200, {"PreCheckResult": "Ok"})]) as (client, server):
        client.precheck(ORDER)
        client.precheck(ORDER)
    first, second = server.received
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert json.loads(first.body)["FieldGroups"] == ["Costs", "MarginImpactBuySell"]
    assert json.loads(first.body)["ManualOrder"] is False


@pytest.mark.parametrize("body", [b"", b"<html>", {"PreCheckResult": 5}])
def test_a_precheck_that_cannot_be_read_is_a_bad_answer(body: object) -> None:
    with pytest.raises(BadAnswer, match="precheck"):
        precheck(200, body)


def test_a_precheck_twice_refused_is_a_lost_login() -> None:
    with pytest.raises(LoginError):
        precheck(401, None)


def test_request_ids_are_guids() -> None:
    ids = {new_request_id() for _ in range(100)}
    assert len(ids) == 100
    for text in ids:
        assert re.fullmatch(
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text
        )


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"Orders": [{"OrderId": "1"}, {"OrderId": "2"}]},
         (CancelAnswer("1"), CancelAnswer("2"))),
        (400, {"Orders": [{"OrderId": "1", "ErrorInfo": {"ErrorCode": "TooLateToCancelOrder"}}]},
         (CancelAnswer("1", "TooLateToCancelOrder"),)),
        (404, {"ErrorCode": "OrderNotFound", "Message": "gone"},
         (CancelAnswer(None, "OrderNotFound", "gone"),)),
        (403, None, (CancelAnswer(None, "UnnamedError"),)),
        (200, {"Orders": []}, ()),
    ],
)  # fmt: skip
def test_cancelling(status: int, body: object, expected: tuple[CancelAnswer, ...]) -> None:
    with scripted_client([reply(status, body)]) as (client, server):
        assert client.cancel_orders(["1", "2"], "ac|key=") == expected
    assert server.received[0].target == "/sim/openapi/trade/v2/orders/1,2?AccountKey=ac%7Ckey%3D"


def test_a_client_can_be_closed() -> None:
    with Transport("https://gateway.example", ManualClock(NOW), allow_orders=False) as transport:
        client = SaxoClient(transport, CountedTokens(), ManualClock(NOW))
        client.close()
    assert (client.http_calls, client.server_time_offset) == (0, None)
