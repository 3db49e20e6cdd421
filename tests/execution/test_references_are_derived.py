"""The same decision has the same reference everywhere, and no other decision has it."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tradebot.execution.references import account_hash, derive_reference, request_id
from tradebot.model import InstrumentId

BASE: dict[str, Any] = {
    "account": "0123456789abcdef",
    "strategy": "sma_cross",
    "instrument": InstrumentId("Stock", 211),
    "bar_time": datetime(2025, 12, 17, 7, 12, tzinfo=UTC),
    "attempt": 1,
    "dry_run": False,
}


def test_the_form_is_fixed_and_short_enough_for_the_broker() -> None:
    reference = derive_reference(**BASE)
    assert re.fullmatch(r"ATB-20251217-0712-[A-Z2-7]{10}", reference)
    assert len(reference) <= 50


def test_it_is_the_same_in_every_process_and_zone() -> None:
    # A fixed value: changing the derivation would let a running bot send a second order.
    assert derive_reference(**BASE) == "ATB-20251217-0712-SNFAXWADJ6"
    elsewhere = BASE["bar_time"].astimezone(timezone(timedelta(hours=-5)))
    assert derive_reference(**BASE | {"bar_time": elsewhere}) == derive_reference(**BASE)


@pytest.mark.parametrize(
    "other",
    [
        {"account": "fedcba9876543210"},
        {"strategy": "other"},
        {"instrument": InstrumentId("CfdOnStock", 211)},
        {"bar_time": datetime(2025, 12, 17, 7, 12, 30, tzinfo=UTC)},
        {"attempt": 2},
        {"dry_run": True},
    ],
)
def test_everything_that_makes_a_decision_another_one_changes_it(other: dict[str, Any]) -> None:
    assert derive_reference(**BASE | other) != derive_reference(**BASE)


def test_the_request_id_follows_from_the_reference() -> None:
    identity = request_id("ATB-1")
    assert identity == request_id("ATB-1")
    assert identity != request_id("ATB-2")
    assert str(uuid.UUID(identity)) == identity


def test_an_account_hash_does_not_show_the_key() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", account_hash("Qm9zcy1BY2NvdW50LUtleQ=="))
    assert account_hash("a") != account_hash("b")
