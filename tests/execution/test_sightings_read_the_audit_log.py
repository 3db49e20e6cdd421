"""Open orders and audit rows as one view: the pair of statuses counts, and an ending wins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tradebot.execution.sightings import OrderStanding, combine
from tradebot.model import ExecutionOutcome, OrderState
from tradebot.saxo.messages import OpenOrder
from tradebot.saxo.reference_messages import OrderActivity

T0 = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def rows(*pairs: str, filled: str | None = None, order_id: str = "9") -> list[OrderActivity]:
    return [
        OrderActivity(
            order_id=order_id,
            log_id=str(100 + number),
            activity_time=T0 + timedelta(milliseconds=number),
            external_reference="ATB-x",
            status=pair.split("/")[0],
            sub_status=pair.split("/")[1],
            filled_amount=Decimal(filled) if filled and "Fill" in pair else None,
            average_price=12.5 if "Fill" in pair else None,
        )
        for number, pair in enumerate(pairs)
    ]


def working(*, status: str = "Working", **more: Any) -> OpenOrder:
    return OpenOrder(
        order_id="9",
        uic=1,
        asset_type="Stock",
        external_reference="ATB-x",
        status=status,
        amount=Decimal("10.0"),
        **more,
    )


PLACED = ("Placed/Requested", "Placed/Confirmed")


@pytest.mark.parametrize(
    ("pairs", "standing"),
    [
        (("Placed/Requested",), OrderStanding.UNKNOWN),
        (PLACED, OrderStanding.WORKING),
        ((*PLACED, "Working/Confirmed"), OrderStanding.WORKING),
        ((*PLACED, "FinalFill/Confirmed"), OrderStanding.FILLED),
        ((*PLACED, "Fill/Confirmed"), OrderStanding.PARTIAL),
        ((*PLACED, "Fill/Confirmed", "Cancelled/Requested"), OrderStanding.PARTIAL),
        ((*PLACED, "Fill/Confirmed", "Cancelled/Confirmed"), OrderStanding.CANCELLED),
        ((*PLACED, "Cancelled/Requested"), OrderStanding.WORKING),
        ((*PLACED, "Cancelled/Rejected"), OrderStanding.WORKING),
        ((*PLACED, "Expired/Confirmed"), OrderStanding.EXPIRED),
        ((*PLACED, "DoneForDay/Confirmed"), OrderStanding.EXPIRED),
        (("Placed/Rejected",), OrderStanding.REJECTED),
    ],
)
def test_a_history_has_one_standing(pairs: tuple[str, ...], standing: OrderStanding) -> None:
    found = combine([], rows(*pairs, filled="4")).find("ATB-x")
    assert found is not None
    assert found.standing is standing
    assert combine([], rows(*pairs, filled="4")[::-1]).find("ATB-x") == found


def test_an_ending_in_the_audit_log_beats_an_open_order_that_is_shown_late() -> None:
    found = combine([working()], rows(*PLACED, "FinalFill/Confirmed", filled="10.0")).find("ATB-x")
    assert found is not None
    verdict = found.verdict()
    assert verdict is not None
    assert (verdict.outcome, verdict.order_state) == (ExecutionOutcome.SUCCESS, OrderState.FILLED)
    assert str(verdict.filled_quantity) == "10"
    assert verdict.average_price == 12.5


def test_an_open_order_is_enough_while_the_audit_log_lags() -> None:
    found = combine([working()], []).find("ATB-x", "9")
    assert found is not None
    assert found.standing is OrderStanding.WORKING
    assert combine([working()], []).find("ATB-another", "9") is None  # somebody else's
    partly = combine([working(filled_amount=Decimal("2.5"))], rows(*PLACED)).find("ATB-x")
    assert partly is not None
    assert (partly.standing, partly.filled_quantity) == (OrderStanding.PARTIAL, Decimal("2.5"))


@pytest.mark.parametrize("status", ["LockedPlacementPending", "Unknown"])
def test_an_open_order_whose_placement_is_not_decided_is_neither_placed_nor_absent(
    status: str,
) -> None:
    found = combine([working(status=status)], []).find("ATB-x", "9")
    assert found is not None
    assert found.standing is OrderStanding.UNKNOWN
    assert found.verdict() is None
    confirmed = combine([working(status=status)], rows(*PLACED)).find("ATB-x", "9")
    assert confirmed is not None
    assert confirmed.standing is OrderStanding.WORKING


def test_an_open_order_that_says_filled_is_filled() -> None:
    order = OpenOrder(order_id="9", uic=1, asset_type="Stock", status="Filled", amount=Decimal(10))
    found = combine([order], []).find("", "9")
    assert found is not None
    assert (found.standing, found.filled_quantity) == (OrderStanding.FILLED, Decimal(10))


def test_a_cancelled_order_fails_and_says_what_was_filled() -> None:
    found = combine([], rows(*PLACED, "Fill/Confirmed", "Cancelled/Confirmed", filled="6"))
    sighting = found.find("ATB-x")
    assert sighting is not None
    verdict = sighting.verdict()
    assert verdict is not None
    assert (verdict.outcome, verdict.failure_reason) == (ExecutionOutcome.FAILED, "cancelled")
    assert verdict.filled_quantity == 6


def test_a_final_fill_without_its_sum_is_the_whole_order() -> None:
    [fill] = rows("FinalFill/Confirmed")
    bare = OrderActivity(
        order_id="9",
        external_reference="ATB-x",
        status="FinalFill",
        sub_status="Confirmed",
        amount=Decimal("10.0"),
        activity_time=fill.activity_time,
    )
    found = combine([], [*rows(*PLACED), bare]).find("ATB-x")
    assert found is not None
    assert (found.standing, found.filled_quantity) == (OrderStanding.FILLED, Decimal(10))


def test_single_fills_are_added_up_where_the_sum_is_missing() -> None:
    parts = [
        OrderActivity(
            order_id="9",
            log_id=str(number),
            external_reference="ATB-x",
            status="Fill",
            sub_status="Confirmed",
            fill_amount=Decimal(amount),
            activity_time=T0 + timedelta(seconds=number),
        )
        for number, amount in enumerate((2, 3))
    ]
    found = combine([], [*rows(*PLACED), *parts]).find("ATB-x")
    assert found is not None
    assert (found.standing, found.filled_quantity) == (OrderStanding.PARTIAL, Decimal(5))
    assert found.first_seen == T0


def test_what_is_not_there_is_not_found() -> None:
    shown = combine([working()], [])
    assert shown.find("ATB-other") is None
    assert shown.find("ATB-other", "8") is None


def test_an_unknown_standing_is_no_verdict() -> None:
    found = combine([], rows("Placed/Requested")).find("ATB-x")
    assert found is not None
    assert found.verdict() is None


def test_a_stop_that_a_person_attached_is_not_our_order_though_it_bears_its_reference() -> None:
    stop = working(order_relation="IfDoneSlave")
    assert combine([stop], []).sightings == ()
    rejected = [
        msgspec.structs.replace(row, order_relation="IfDoneSlaveOco")
        for row in rows(*PLACED, order_id="8")
    ]
    shown = combine([], [*rejected, *rows(*PLACED, "FinalFill/Confirmed", filled="10")])
    assert [sighting.order_id for sighting in shown.sightings] == ["9"]


def test_a_row_that_stands_on_two_pages_counts_once() -> None:
    history = rows(*PLACED, "Fill/Confirmed")
    history[-1] = msgspec.structs.replace(history[-1], fill_amount=Decimal(4))
    found = combine([], [*history, history[-1]]).find("ATB-x")
    assert found is not None
    assert (found.standing, found.filled_quantity) == (OrderStanding.PARTIAL, Decimal(4))


def test_what_was_filled_whole_stays_filled() -> None:
    history = rows(*PLACED, "FinalFill/Confirmed", "DoneForDay/Confirmed", filled="10")
    found = combine([], history).find("ATB-x")
    assert found is not None
    assert found.standing is OrderStanding.FILLED
