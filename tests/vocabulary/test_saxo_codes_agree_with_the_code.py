"""What is said of the broker's codes is what the program does with them."""

from __future__ import annotations

import re

import pytest

from tradebot.execution import answers
from tradebot.execution.answers import Placed, Rejected, Unknown, classify
from tradebot.execution.placement import _doubt
from tradebot.execution.precheck import _refusal
from tradebot.saxo.auth import _APP_REFUSED
from tradebot.saxo.orders import UNKNOWN_OUTCOME_CODES, UNNAMED_ERROR, OrderAnswer
from tradebot.saxo.retry import _RETRIED_STATUSES
from tradebot.saxo.token_endpoint import _REFUSALS as DEAD_GRANT_STATUSES
from tradebot.vocabulary.http_statuses import HTTP_STATUSES, HttpStatus
from tradebot.vocabulary.reasons import FailureReason
from tradebot.vocabulary.saxo_codes import PLACES, TRIED_AGAIN, SaxoCode, saxo_codes
from tradebot.vocabulary.saxo_other_codes import OTHER_CODES
from tradebot.vocabulary.saxo_refusals import REFUSALS

CODES = saxo_codes()
OF_ORDERS = [code for code in CODES.values() if code.reason is not None]
OF_OTHERS = [code for code in CODES.values() if code.reason is None]


def judged(code: str | None, status: int = 400, *, by_the_broker: bool = True) -> object:
    return classify(OrderAnswer(status, error_code=code, by_the_broker=by_the_broker))


def test_every_code_that_the_program_knows_is_explained() -> None:
    known = {
        *answers.REFUSAL_CODES,
        *answers.UNKNOWN_CODES,
        *answers.DUPLICATE_CODES,
        *UNKNOWN_OUTCOME_CODES,
        *_APP_REFUSED,
        UNNAMED_ERROR,
    }
    assert known - set(CODES) == set(), "say in vocabulary/saxo_… what they mean"
    assert len(known) > 80


@pytest.mark.parametrize("code", OF_ORDERS, ids=lambda code: code.code)
def test_an_order_answered_with_it_is_called_what_is_said(code: SaxoCode) -> None:
    verdict = judged(code.code)
    if code.final:
        assert verdict == Rejected(code.reason or FailureReason.REFUSED)
        assert isinstance(verdict, Rejected)
        assert verdict.may_try_again == ("tried again" in code.treatment)
    else:
        assert verdict == Unknown(code.reason or FailureReason.REFUSED)
        assert "never sent again" in code.treatment
    assert f"{code.reason}" in code.treatment
    assert code.at_precheck == _refusal(code.code)


@pytest.mark.parametrize("code", OF_OTHERS, ids=lambda code: code.code)
def test_a_code_of_another_request_says_nothing_of_an_order(code: SaxoCode) -> None:
    assert judged(code.code) == Unknown(FailureReason.UNCLEAR_ANSWER)
    assert code.at_precheck == ""


def test_what_passes_by_itself_is_the_same_in_both() -> None:
    assert TRIED_AGAIN == answers.PASSES_BY_ITSELF


def test_no_code_is_explained_twice() -> None:
    names = [code.code for code in (*REFUSALS, *OTHER_CODES)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_a_code_has_sentences_and_a_public_source(code: SaxoCode) -> None:
    assert re.fullmatch(r"[A-Z].*\.", code.meaning)
    assert re.fullmatch(r"[A-Z`].*[.?]", code.next_step)
    assert re.match(r"Saxo: (?:learn|referencedocs)/|OAuth: RFC |the bot's own$", code.source)
    assert set(code.occurs) <= set(PLACES)


@pytest.mark.parametrize("one", HTTP_STATUSES, ids=lambda one: str(one.status))
def test_a_status_is_treated_as_is_said(one: HttpStatus) -> None:
    if one.status >= 500:
        assert (one.order_reason, one.final) == (_doubt(one.status), False)
    elif one.order_reason is None:
        placed = classify(OrderAnswer(one.status, order_id="1"))
        assert placed == Placed("1")
        assert isinstance(judged(None, one.status), Unknown)
    else:
        kind = Rejected if one.final else Unknown
        assert judged(None, one.status) == kind(one.order_reason)
    assert one.read_again == (one.status in _RETRIED_STATUSES)
    assert one.login_lost == (one.status in DEAD_GRANT_STATUSES)


@pytest.mark.parametrize(
    "one", [s for s in HTTP_STATUSES if s.final], ids=lambda one: str(one.status)
)
def test_without_the_brokers_own_headers_only_a_401_is_believed(one: HttpStatus) -> None:
    verdict = judged(None, one.status, by_the_broker=False)
    assert isinstance(verdict, Unknown) == ("without Saxo's own headers" in one.for_an_order)
    assert isinstance(verdict, Rejected) == (one.status == 401)


def test_every_status_from_400_on_that_is_treated_in_a_way_of_its_own_is_there() -> None:
    assert {400, 401, 403, 404, 409, 429, *_RETRIED_STATUSES} <= {s.status for s in HTTP_STATUSES}
