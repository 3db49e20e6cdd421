"""Saxo's error codes in plain words: what each means, what the bot makes of it, what a person does.

The codes and where they occur are those of Saxo's reference of trade/v2/orders and of the articles
named with them. The reference gives most of them as a name alone: then the meaning is what the
name says, and no more is claimed. What the bot makes of a code is decided in
`execution.answers`; it is repeated here because a copied log is read without that.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from tradebot.vocabulary.failure_reasons import FailureReason

REFERENCE = "Saxo: referencedocs/trade/v2/orders"

PLACES = {"P": "placing", "C": "prechecking", "U": "changing", "D": "cancelling"}


@dataclass(frozen=True, slots=True)
class SaxoCode:
    """One value of `error_code=`."""

    code: str
    meaning: str
    next_step: str
    reason: FailureReason | None
    """What the bot calls an order that is answered with it; None for a code that comes from
    another endpoint and says nothing about an order."""
    final: bool = True
    """Is it proof that there is no order? Otherwise the order is looked for."""
    occurs: str = ""
    """Letters of PLACES, as far as Saxo says where; empty where it does not."""
    source: str = REFERENCE

    @property
    def treatment(self) -> str:
        """What the bot does when an order is answered with it, in one sentence."""
        if self.reason is None:
            return "not about an order: the request fails, and nothing is sent twice"
        if not self.final:
            return f"unknown ({self.reason.value}): the order is looked for, never sent again"
        if self.reason in TRIED_AGAIN:
            return f"FAILED {self.reason.value}: no order exists; tried again, three times at most"
        return f"FAILED {self.reason.value}: no order exists; the decision is closed"

    @property
    def at_precheck(self) -> str:
        """The same for the precheck, where nothing was sent whatever it says."""
        if self.reason is None:
            return ""
        known = self.final and self.reason is not FailureReason.REFUSED
        return self.reason.value if known else FailureReason.PRECHECK_REFUSED.value


TRIED_AGAIN = frozenset({FailureReason.MARKET_CLOSED, FailureReason.RATE_LIMITED})
"""Refusals that pass by themselves."""


@functools.cache
def saxo_codes() -> dict[str, SaxoCode]:
    """All known codes by their name, in the order of the page. Built at first use."""
    from tradebot.vocabulary.saxo_other_codes import OTHER_CODES
    from tradebot.vocabulary.saxo_refusals import REFUSALS

    return {code.code: code for code in (*REFUSALS, *OTHER_CODES)}
