"""What can stand after `reason=` or `failure_reason=` is in the vocabulary, with a meaning."""

from __future__ import annotations

import re

from tradebot.execution.sightings import OrderStanding
from tradebot.journal import Refused, SlotClaim
from tradebot.observability.schema import WORD
from tradebot.scheduling.hours import ClosedReason
from tradebot.scheduling.hours import SkipReason as HoursSkipReason
from tradebot.vocabulary.reasons import (
    DecisionReason,
    FailureReason,
    MissedReason,
    SkipReason,
)

DECISIONS = {word.value for word in DecisionReason}
SKIPS = {word.value for word in SkipReason}
FAILURES = {word.value for word in FailureReason}


def test_scheduling_and_journal_use_documented_words() -> None:
    assert {reason.value for reason in HoursSkipReason} <= SKIPS
    assert {claim.value for claim in SlotClaim if claim is not SlotClaim.WON} <= SKIPS
    assert {reason.value for reason in ClosedReason} <= DECISIONS
    assert {refused.value for refused in Refused} <= DECISIONS


def test_words_are_code_words_that_the_log_takes_as_they_are() -> None:
    assert WORD.matcher is not None
    for word in DECISIONS | SKIPS | FAILURES | {standing.value for standing in OrderStanding}:
        assert WORD.matcher.fullmatch(word), word


def test_every_word_has_a_sentence() -> None:
    for words in (DecisionReason, SkipReason, FailureReason, MissedReason):
        for word in words:
            assert re.fullmatch(r"[A-Z0-9].*\.", word.meaning), word
