"""Success, refusal and doubt in all the shapes in which the broker expresses them."""

from __future__ import annotations

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.judgement import accepted, refused
from support.saxo_client import NOW, CountedTokens, scripted_client
from support.scripted_http import RESET, reply
from tradebot.clock import ManualClock
from tradebot.errors import BrokerUnavailable, LoginError, NotSent, OutcomeUnknown
from tradebot.model import InstrumentId
from tradebot.saxo.exchange import Response
from tradebot.saxo.orders import (
    Disclaimers,
    OrderAnswer,
    OrderRequest,
    read_order_answer,
)
from tradebot.saxo.transport import AnswerLost

REFERENCE = "ATB-20260720-1409-ABCDEFGHIJ"
ORDER = OrderRequest("ac|key+1/==", InstrumentId("Stock", 211), "Buy", Decimal(2), REFERENCE)
DISCLAIMED = {"DisclaimerContext": "context-1", "DisclaimerTokens": ["token+1=", "token+2="]}


BROKERS = {"X-Correlation": "f37b4e6e#193#8c59181d#81"}


def place(status: int, body: object, headers: dict[str, str] = BROKERS) -> OrderAnswer:
    with scripted_client([reply(status, body, headers)]) as (client, server):
        answer = client.place_order(ORDER, request_id="r-1")
    assert len(server.received) == 1
    return answer


def test_an_order_is_sent_as_the_reference_wants_it() -> None:
    limit = OrderRequest(
        "ac|key+1/==",
        InstrumentId("FxSpot", 21),
        "Sell",
        Decimal("1000.50"),
        REFERENCE,
        order_type="Limit",
        price=1.1415,
    )
    with scripted_client([reply(200, {"OrderId": "1"})]) as (client, server):
        client.place_order(ORDER, request_id="r-1")
        client.place_order(limit, request_id="r-2")
    market, second = server.received
    assert (market.method, market.target) == ("POST", "/sim/openapi/trade/v2/orders")
    assert market.headers["x-request-id"] == "r-1"
    assert market.headers["authorization"] == "Bearer token-0"
    assert json.loads(market.body) == {
        "AccountKey": "ac|key+1/==",
        "Uic": 211,
        "AssetType": "Stock",
        "BuySell": "Buy",
        "Amount": 2,
        "OrderType": "Market",
        "OrderDuration": {"DurationType": "DayOrder"},
        "ManualOrder": False,
        "ExternalReference": REFERENCE,
    }
    assert b'"Amount":1000.5,' in second.body
    assert json.loads(second.body)["OrderPrice"] == 1.1415


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Decimal(0)},
        {"amount": Decimal(-1)},
        {"amount": Decimal("NaN")},
        {"amount": Decimal("Infinity")},
        {"external_reference": ""},
        {"external_reference": "x" * 51},
        {"price": 1.0},
        {"order_type": "Limit"},
        {"order_type": "Limit", "price": 0.0},
        {"order_type": "Limit", "price": float("nan")},
    ],
)
def test_an_order_no_broker_could_accept_cannot_be_built(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "account_key": "a",
        "instrument": InstrumentId("Stock", 211),
        "buy_sell": "Buy",
        "amount": Decimal(1),
        "external_reference": "x" * 50,
    }
    OrderRequest(**right)
    with pytest.raises(ValueError, match=r"order|reference"):
        OrderRequest(**(right | wrong))


def test_placed() -> None:
    answer = place(200, {"ExternalReference": REFERENCE, "OrderId": "5039287596"})
    assert answer == OrderAnswer(200, "5039287596", external_reference=REFERENCE)
    assert accepted(answer)
    assert not refused(answer)


def test_placed_with_201_and_children() -> None:
    answer = place(201, {"OrderId": "1", "Orders": [{"OrderId": "2"}, {"OrderId": "3"}]})
    assert (answer.order_id, accepted(answer)) == ("1", True)


def test_a_syntax_error() -> None:
    answer = place(
        400,
        {
            "ErrorCode": "InvalidModelState",
            "Message": "One or more properties\r\nof the request are invalid!",
            "ModelState": {"OrderPrice": ["must be a number"]},
        },
    )
    assert answer.error_code == "InvalidModelState"
    assert answer.error_message == (
        "One or more properties of the request are invalid! OrderPrice: ['must be a number']"
    )
    assert refused(answer)


def test_a_business_rejection() -> None:
    answer = place(400, {"ErrorInfo": {"ErrorCode": "OnWrongSideOfMarket"}})
    assert (answer.error_code, answer.error_message) == ("OnWrongSideOfMarket", None)
    assert refused(answer)


def test_a_leg_that_lives_is_something_that_lives() -> None:
    answer = place(
        400,
        {
            "Orders": [
                {"OrderId": "5039287610", "ExternalReference": "one"},
                {"ErrorInfo": {"ErrorCode": "OrderNotPlaced"}},
                {"ErrorInfo": {"ErrorCode": "OnWrongSideOfMarket"}},
            ]
        },
    )
    assert answer.order_id == "5039287610"
    assert answer.error_code == "OnWrongSideOfMarket"
    assert not accepted(answer)
    assert not refused(answer)


def test_an_entry_that_lives_although_the_status_is_400() -> None:
    child = {"ErrorInfo": {"ErrorCode": "TooFarFromEntryOrder", "Message": "too far"}}
    answer = place(400, {"OrderId": "5039287596", "Orders": [child]})
    assert (answer.order_id, answer.error_code) == ("5039287596", "TooFarFromEntryOrder")
    assert not accepted(answer)
    assert not refused(answer)


def test_200_with_an_error_is_no_success() -> None:
    answer = place(200, {"OrderId": "1", "ErrorInfo": {"ErrorCode": "OtherError"}})
    assert not accepted(answer)
    assert not refused(answer)


def test_an_error_without_a_code_is_an_error() -> None:
    answer = place(200, {"OrderId": "1", "ErrorInfo": {"Message": "hm"}})
    assert (answer.error_code, answer.error_message) == ("UnnamedError", "hm")
    assert not accepted(answer)


def test_202_is_neither_success_nor_failure() -> None:
    answer = place(202, {"ErrorInfo": {"ErrorCode": "TradeNotCompleted"}, "OrderId": "5039287596"})
    assert (answer.http_status, answer.order_id) == (202, "5039287596")
    assert not accepted(answer)
    assert not refused(answer)


def test_202_without_an_error_is_no_success_either() -> None:
    assert not accepted(place(202, {"OrderId": "5039287596"}))


@pytest.mark.parametrize(
    "code", ["TradeNotCompleted", "OrderCommandTimeout", "OrderCommandPending"]
)
def test_codes_that_leave_it_open_are_no_refusal(code: str) -> None:
    assert not refused(place(400, {"ErrorInfo": {"ErrorCode": code}}))


@pytest.mark.parametrize("body", [None, b"<html>Access Denied</html>", b'"text"', b"[]", b"7"])
def test_too_many_requests_needs_no_readable_body(body: object) -> None:
    answer = place(429, body)
    assert answer == OrderAnswer(429)
    assert refused(answer)


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("body", [None, b"<html>Access Denied</html>", b'"text"', b"[]", b"7"])
def test_a_refusal_by_nobody_in_particular_proves_nothing(status: int, body: object) -> None:
    answer = place(status, body, {})
    assert answer == OrderAnswer(status, by_the_broker=False)
    assert not refused(answer)
    assert refused(place(status, body))
    assert refused(place(status, {"ErrorCode": "Forbidden", "Message": "no"}, {}))


@pytest.mark.parametrize("headers", [BROKERS, {"x-ratelimit-session-remaining": "0"}])
def test_the_broker_is_known_by_its_headers(headers: dict[str, str]) -> None:
    assert place(429, None, headers).by_the_broker
    assert not refused(place(429, None, {"Retry-After": "1"}))


@pytest.mark.parametrize(
    "body",
    [
        {"ErrorInfo": {"ErrorCode": "InsufficientCash"},
         "Orders": [{"ErrorInfo": {"ErrorCode": "OrderCommandPending"}}]},
        {"Orders": [{"ErrorInfo": {"ErrorCode": "NotOwned"}},
                    {"ErrorInfo": {"ErrorCode": "OrderCommandPending"}}]},
        {"ErrorCode": "NotOwned", "Details": [{"ErrorCode": "OrderCommandPending"}]},
    ],
)  # fmt: skip
def test_one_part_that_is_pending_leaves_the_whole_open(body: object) -> None:
    answer = place(400, body)
    assert answer.error_code == "OrderCommandPending"
    assert not refused(answer)


def test_disclaimers_of_several_contexts_are_all_kept() -> None:
    other = {"DisclaimerContext": "context-2", "DisclaimerTokens": ["token+1=", "token+3="]}
    answer = place(
        400,
        {
            "PreTradeDisclaimers": DISCLAIMED,
            "Orders": [{"PreTradeDisclaimers": other}, {"PreTradeDisclaimers": DISCLAIMED}],
        },
    )
    second = Disclaimers("context-2", ("token+1=", "token+3="))
    assert answer.disclaimers == Disclaimers("context-1", ("token+1=", "token+2="), (second,))


@pytest.mark.parametrize("status", [400, 408, 409, 302, 307])
def test_some_answers_leave_it_open(status: int) -> None:
    answer = place(status, None)
    assert (accepted(answer), refused(answer)) == (False, False)


@pytest.mark.parametrize("body", [None, b"<html></html>", b"[]", b'{"OrderId": "50', b"7"])
def test_a_success_that_cannot_be_read_is_unknown(body: object) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        place(200, body)
    assert caught.value.status == 200


def test_broken_json_in_a_refusal_may_hold_an_id() -> None:
    with pytest.raises(OutcomeUnknown):
        place(400, b'{"OrderId": "5039')


@pytest.mark.parametrize("order_id", [5039287596, "5039287596"])
def test_an_order_id_may_be_a_number(order_id: object) -> None:
    assert place(200, {"OrderId": order_id}).order_id == "5039287596"


@pytest.mark.parametrize("order_id", [None, "", True, [], {}])
def test_what_is_no_order_id_is_none(order_id: object) -> None:
    answer = place(200, {"OrderId": order_id})
    assert answer.order_id is None
    assert not accepted(answer)


@pytest.mark.parametrize(
    "body",
    [
        {"PreTradeDisclaimers": DISCLAIMED},
        {"ErrorInfo": {"ErrorCode": "DisclaimersRequired", "PreTradeDisclaimers": DISCLAIMED}},
        {"Orders": [{"ErrorInfo": {"PreTradeDisclaimers": DISCLAIMED}}]},
        {"Orders": [{"PreTradeDisclaimers": DISCLAIMED}], "PreTradeDisclaimers": DISCLAIMED},
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_disclaimers_are_found_wherever_they_are(status: int, body: object) -> None:
    answer = place(status, body)
    assert answer.disclaimers == Disclaimers("context-1", ("token+1=", "token+2="))
    assert not accepted(answer)


def test_disclaimers_without_tokens_still_block() -> None:
    answer = place(200, {"OrderId": "1", "PreTradeDisclaimers": {"DisclaimerContext": "c"}})
    assert answer.disclaimers == Disclaimers("c", ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["OrderId", "ErrorInfo", "ErrorCode", "Message", "Orders", "ModelState",
             "PreTradeDisclaimers", "DisclaimerContext", "DisclaimerTokens", "ExternalReference"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(status=st.integers(200, 499), body=st.binary(max_size=40) | JSON.map(json.dumps))
def test_whatever_comes_back_is_read_or_unknown(status: int, body: bytes | str) -> None:
    content = body.encode() if isinstance(body, str) else body
    try:
        answer = read_order_answer(Response(status, {}, content, "POST /trade/v2/orders"))
    except OutcomeUnknown:
        return
    assert not (accepted(answer) and refused(answer))
    assert answer.http_status == status
    # Where a first-level OrderId stands, nothing may be called refused.
    parsed = json.loads(content) if isinstance(body, str) else None
    if isinstance(parsed, dict) and isinstance(parsed.get("OrderId"), str) and parsed["OrderId"]:
        assert not refused(answer)


def test_a_401_is_replayed_once_with_the_same_request_id() -> None:
    script = [reply(401), reply(200, {"OrderId": "1"})]
    with scripted_client(script) as (client, server):
        assert client.place_order(ORDER, request_id="r-7").order_id == "1"
    first, second = server.received
    assert first.headers["x-request-id"] == second.headers["x-request-id"] == "r-7"
    assert first.body == second.body
    assert second.headers["authorization"] == "Bearer token-1"


def test_a_second_401_is_an_answer() -> None:
    with scripted_client([reply(401)]) as (client, server):
        answer = client.place_order(ORDER, request_id="r-7")
    assert (answer.http_status, refused(answer)) == (401, True)
    assert len(server.received) == 2


def test_a_401_without_a_new_token_is_an_answer() -> None:
    with scripted_client([reply(401)], tokens=CountedTokens(last=0)) as (client, server):
        assert client.place_order(ORDER, request_id="r-7").http_status == 401
    assert len(server.received) == 1


def test_a_replay_that_is_cut_off_is_unknown() -> None:
    with scripted_client([reply(401), RESET]) as (client, server):
        with pytest.raises(OutcomeUnknown):
            client.place_order(ORDER, request_id="r-7")
    assert len(server.received) == 2


class NoTokens(CountedTokens):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def access_token(self) -> str:
        raise self.error


@pytest.mark.parametrize(
    "error", [BrokerUnavailable("down"), AnswerLost("lost", kind="x", endpoint="POST /token")]
)
def test_an_order_without_a_token_was_not_sent(error: Exception) -> None:
    with scripted_client([RESET], tokens=NoTokens(error)) as (client, server):
        with pytest.raises(NotSent):
            client.place_order(ORDER, request_id="r-7")
    assert server.received == []


def test_a_lost_login_is_said_before_anything_is_sent() -> None:
    with scripted_client([RESET], tokens=NoTokens(LoginError("lost"))) as (client, server):
        with pytest.raises(LoginError):
            client.place_order(ORDER, request_id="r-7")
    assert server.received == []


def test_an_order_beyond_the_rate_limit_was_not_sent() -> None:
    spent = {"X-RateLimit-Session-Remaining": "0", "X-RateLimit-Session-Reset": "99"}
    with scripted_client([reply(200, {"OrderId": "1"}, spent)]) as (client, server):
        client.place_order(ORDER, request_id="r-7")
        with pytest.raises(NotSent, match="limit"):
            client.place_order(ORDER, request_id="r-8")
    assert len(server.received) == 1


def test_what_an_order_would_wait_for_can_be_waited_for_before() -> None:
    clock = ManualClock(NOW)
    with scripted_client([reply(200, {"OrderId": "1"})], clock=clock) as (client, _):
        client.place_order(ORDER, request_id="r-7")
        client.prepare_order()
        assert clock.monotonic() == 1
        client.place_order(ORDER, request_id="r-8")
        assert clock.monotonic() == 1


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_answer_nested_beyond_reason_leaves_it_open(status: int) -> None:
    with scripted_client([reply(status, b"[" * 20_000)]) as (client, _):
        with pytest.raises(OutcomeUnknown):
            client.place_order(ORDER, request_id="r-1")
