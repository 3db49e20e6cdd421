"""The judgement of one answer: placed, rejected or unknown; a table of shapes and statuses."""

from __future__ import annotations

import pytest

from tradebot.execution.answers import Placed, Rejected, Unknown, classify, reason_of_code
from tradebot.saxo.orders import UNNAMED_ERROR, Disclaimers, OrderAnswer
from tradebot.vocabulary.reasons import FailureReason as Why

ASKED = Disclaimers("context", ("token",))
NOTHING_NAMED = Disclaimers("context", ())


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        (OrderAnswer(200, "1"), Placed("1")),
        (OrderAnswer(201, "1"), Placed("1")),
        (OrderAnswer(202, "1"), Unknown(Why.TRADE_NOT_COMPLETED, "1")),
        (OrderAnswer(202, "1", "TradeNotCompleted"), Unknown(Why.TRADE_NOT_COMPLETED, "1")),
        (OrderAnswer(202), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(200, "1", "Anything"), Unknown(Why.PARTLY_ACCEPTED, "1")),
        (OrderAnswer(200, "1", disclaimers=ASKED), Unknown(Why.PARTLY_ACCEPTED, "1")),
        (OrderAnswer(400, "1", "TooFarFromEntryOrder"), Unknown(Why.PARTLY_ACCEPTED, "1")),
        (OrderAnswer(400, "1"), Unknown(Why.PARTLY_ACCEPTED, "1")),
        (OrderAnswer(200), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(200, error_code="InsufficientCash"), Unknown(Why.PARTLY_ACCEPTED)),
        (OrderAnswer(201, error_code="MarketClosed"), Unknown(Why.PARTLY_ACCEPTED)),
        (OrderAnswer(307, error_code="MarketClosed"), Unknown(Why.PARTLY_ACCEPTED)),
        (OrderAnswer(400, error_code="InvalidModelState"), Rejected(Why.INVALID_ORDER)),
        (OrderAnswer(400, error_code="NotOwned"), Rejected(Why.NOT_OWNED)),
        (OrderAnswer(400, error_code="BrokerOption"), Rejected(Why.REFUSED)),
        (OrderAnswer(422, error_code="NotOwned"), Rejected(Why.NOT_OWNED)),
        (OrderAnswer(400, error_code="BrandNewCode"), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(400, error_code=UNNAMED_ERROR), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(400, error_code="RepeatTradeOnAutoQuote"), Unknown(Why.DUPLICATE_REQUEST)),
        (OrderAnswer(403, error_code="OrderCommandPending"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(429, error_code="OtherError"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400, error_code="OrderCommandTimeout"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400, error_code="OrderCommandPending"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400, error_code="OtherError"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400), Unknown(Why.UNCLEAR_ANSWER)),
        (
            OrderAnswer(400, error_code="Whatever", disclaimers=ASKED),
            Rejected(Why.DISCLAIMER_POLICY, ASKED),
        ),
        (OrderAnswer(403, disclaimers=ASKED), Rejected(Why.DISCLAIMER_POLICY, ASKED)),
        (
            OrderAnswer(400, error_code="OtherError", disclaimers=ASKED),
            Rejected(Why.DISCLAIMER_POLICY, ASKED),
        ),
        (
            OrderAnswer(400, error_code="TradeNotCompleted", disclaimers=ASKED),
            Unknown(Why.TRADE_NOT_COMPLETED),
        ),
        (OrderAnswer(202, disclaimers=ASKED), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(409, disclaimers=ASKED), Unknown(Why.DUPLICATE_REQUEST)),
        (OrderAnswer(200, disclaimers=NOTHING_NAMED), Unknown(Why.UNCLEAR_ANSWER)),
        (
            OrderAnswer(200, disclaimers=Disclaimers("c", (), (ASKED,))),
            Rejected(Why.DISCLAIMER_POLICY, Disclaimers("c", (), (ASKED,))),
        ),
        (OrderAnswer(401), Rejected(Why.LOGIN_REFUSED)),
        (OrderAnswer(403), Rejected(Why.FORBIDDEN)),
        (OrderAnswer(403, by_the_broker=False), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(403, error_code="Forbidden", by_the_broker=False), Rejected(Why.FORBIDDEN)),
        (OrderAnswer(403, error_code="Forbidden"), Rejected(Why.FORBIDDEN)),
        (OrderAnswer(404), Rejected(Why.REFUSED)),
        (OrderAnswer(404, by_the_broker=False), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(404, error_code="NotFound"), Rejected(Why.REFUSED)),
        (OrderAnswer(405, error_code="MethodNotAllowed"), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(409), Unknown(Why.DUPLICATE_REQUEST)),
        (OrderAnswer(409, error_code="Conflict"), Unknown(Why.DUPLICATE_REQUEST)),
        (OrderAnswer(429), Rejected(Why.RATE_LIMITED)),
        (OrderAnswer(429, by_the_broker=False), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(408), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(302), Unknown(Why.UNCLEAR_ANSWER)),
    ],
)
def test_judgement(answer: OrderAnswer, judgement: object) -> None:
    assert classify(answer) == judgement


@pytest.mark.parametrize("code", [None, "MarketClosed", "OrderCommandTimeout", "BrandNewCode"])
def test_an_answer_with_an_order_id_is_never_a_refusal(code: str | None) -> None:
    for status in range(200, 500):
        judged = classify(OrderAnswer(status, "1", code))
        assert not isinstance(judged, Rejected)
        assert judged.order_id == "1"


@pytest.mark.parametrize("code", [None, "MarketClosed", "InsufficientCash", "BrandNewCode"])
def test_a_status_below_400_is_never_a_refusal(code: str | None) -> None:
    for status in range(200, 400):
        assert isinstance(classify(OrderAnswer(status, error_code=code)), Unknown)


def test_only_what_passes_by_itself_may_be_tried_again() -> None:
    again = {reason for reason in Why if Rejected(reason).may_try_again}
    assert again == {Why.RATE_LIMITED, Why.MARKET_CLOSED}
    # And no answer but these two kinds leads there.
    assert _tried_again(None) == {429}
    assert _tried_again("MarketClosed") == set(range(400, 500)) - {401, 403, 409}
    assert _tried_again("BrandNewCode") == {429}


def _tried_again(code: str | None) -> set[int]:
    judged = {status: classify(OrderAnswer(status, None, code)) for status in range(200, 500)}
    return {s for s, one in judged.items() if isinstance(one, Rejected) and one.may_try_again}


def test_an_unlisted_code_is_a_plain_refusal() -> None:
    assert reason_of_code("MarketClosed") is Why.MARKET_CLOSED
    assert reason_of_code("NeverSeenBefore") is Why.REFUSED
    assert reason_of_code(None) is Why.REFUSED
