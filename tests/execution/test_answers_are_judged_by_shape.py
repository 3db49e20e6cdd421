"""The judgement of one answer: placed, rejected or unknown; a table of shapes and statuses."""

from __future__ import annotations

import pytest

from tradebot.execution.answers import Placed, Rejected, Unknown, classify, reason_of_code
from tradebot.saxo.orders import Disclaimers, OrderAnswer
from tradebot.vocabulary.reasons import FailureReason as Why

ASKED = Disclaimers("context", ("token",))


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
        (OrderAnswer(200, error_code="InsufficientCash"), Rejected(Why.INSUFFICIENT_CASH)),
        (OrderAnswer(400, error_code="InvalidModelState"), Rejected(Why.INVALID_ORDER)),
        (OrderAnswer(400, error_code="NotOwned"), Rejected(Why.NOT_OWNED)),
        (OrderAnswer(400, error_code="BrandNewCode"), Rejected(Why.REFUSED)),
        (OrderAnswer(400, error_code="OrderCommandTimeout"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400, error_code="OrderCommandPending"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400, error_code="OtherError"), Unknown(Why.TRADE_NOT_COMPLETED)),
        (OrderAnswer(400), Unknown(Why.UNCLEAR_ANSWER)),
        (
            OrderAnswer(400, error_code="Whatever", disclaimers=ASKED),
            Rejected(Why.DISCLAIMER_POLICY, ASKED),
        ),
        (OrderAnswer(401), Rejected(Why.LOGIN_REFUSED)),
        (OrderAnswer(403), Rejected(Why.FORBIDDEN)),
        (OrderAnswer(404), Rejected(Why.REFUSED)),
        (OrderAnswer(409), Unknown(Why.DUPLICATE_REQUEST)),
        (OrderAnswer(409, error_code="Conflict"), Unknown(Why.DUPLICATE_REQUEST)),
        (OrderAnswer(429), Rejected(Why.RATE_LIMITED)),
        (OrderAnswer(408), Unknown(Why.UNCLEAR_ANSWER)),
        (OrderAnswer(302), Unknown(Why.UNCLEAR_ANSWER)),
    ],
)
def test_judgement(answer: OrderAnswer, judgement: object) -> None:
    assert classify(answer) == judgement


def test_only_what_passes_by_itself_may_be_tried_again() -> None:
    again = {reason for reason in Why if Rejected(reason).may_try_again}
    assert again == {Why.RATE_LIMITED, Why.MARKET_CLOSED}


def test_an_unlisted_code_is_a_plain_refusal() -> None:
    assert reason_of_code("MarketClosed") is Why.MARKET_CLOSED
    assert reason_of_code("NeverSeenBefore") is Why.REFUSED
    assert reason_of_code(None) is Why.REFUSED
