"""What the bot makes of a broker's answer, in one word, for tests of the answers' shapes."""

from __future__ import annotations

from tradebot.execution.answers import Placed, Rejected, classify
from tradebot.saxo.orders import OrderAnswer, PrecheckAnswer


def accepted(answer: OrderAnswer) -> bool:
    return isinstance(classify(answer), Placed)


def refused(answer: OrderAnswer) -> bool:
    return isinstance(classify(answer), Rejected)


def passed(answer: PrecheckAnswer) -> bool:
    """Ok, and neither an error nor a disclaimer beside it."""
    return answer.result == "Ok" and answer.error_code is None and answer.disclaimers is None
