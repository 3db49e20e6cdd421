"""May a run trade now, by the sessions that the broker tells of each instrument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.model import InstrumentId
from tradebot.scheduling.hours import (
    ClosedReason,
    HoursConfig,
    Run,
    Sessions,
    Skip,
    SkipReason,
    decide,
    open_intervals,
)

MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def skip(now: datetime, config: HoursConfig, sessions: Sessions | None = None) -> Skip:
    decision = decide(now, config, sessions)
    assert isinstance(decision, Skip)
    return decision


@dataclass(frozen=True)
class Period:
    """A session as the broker's client hands it over."""

    start_time: datetime
    end_time: datetime
    state: str


STOCK, FX = InstrumentId("Stock", 211), InstrumentId("FxSpot", 21)
BY_INSTRUMENT = HoursConfig("instrument")


def sessions(*parts: tuple[str, str]) -> tuple[Period, ...]:
    """Abutting sessions from "2026-07-20 HH:MM state" beginnings; the last part only ends."""

    def periods() -> Iterator[Period]:
        for (begin, state), (end, _) in pairwise(parts):
            yield Period(utc(f"2026-07-{begin}"), utc(f"2026-07-{end}"), state)

    return tuple(periods())


STOCK_DAY = sessions(
    ("17 20:00", "Closed"),
    ("20 11:00", "PreTrading"),
    ("20 13:30", "AutomatedTrading"),
    ("20 20:00", "PostTrading"),
    ("20 21:00", "Closed"),
    ("21 13:30", "AutomatedTrading"),
    ("21 20:00", ""),
)
FX_DAY = sessions(
    ("17 21:59", "Closed"),
    ("19 18:04", "AutomatedTrading"),
    ("20 21:59", "Closed"),
    ("20 22:04", ""),
)


@pytest.mark.parametrize(
    ("now", "decision"),
    [
        ("20 14:00", Run()),
        ("20 12:00", Run({STOCK: ClosedReason.MARKET_CLOSED})),
        ("20 20:00", Run({STOCK: ClosedReason.MARKET_CLOSED})),
        ("18 12:00", Skip(SkipReason.ALL_INSTRUMENTS_CLOSED, utc("2026-07-19 18:04"))),
        ("20 22:00", Skip(SkipReason.ALL_INSTRUMENTS_CLOSED, utc("2026-07-21 13:30"))),
        ("20 23:00", Skip(SkipReason.ALL_INSTRUMENTS_CLOSED, utc("2026-07-21 13:30"))),
        ("21 14:00", Run({FX: ClosedReason.SESSIONS_UNKNOWN})),
        ("22 00:00", Skip(SkipReason.SESSIONS_UNKNOWN, None)),
    ],
)
def test_instruments_are_filtered_and_only_all_closed_skips(now: str, decision: Run | Skip) -> None:
    assert decide(utc(f"2026-07-{now}"), BY_INSTRUMENT, {STOCK: STOCK_DAY, FX: FX_DAY}) == decision


def test_an_instrument_without_sessions_is_left_out() -> None:
    now = utc("2026-07-20 14:00")
    assert decide(now, BY_INSTRUMENT, {STOCK: STOCK_DAY, FX: ()}) == Run(
        {FX: ClosedReason.SESSIONS_UNKNOWN}
    )
    assert skip(now, BY_INSTRUMENT, {FX: ()}) == Skip(SkipReason.SESSIONS_UNKNOWN, None)
    assert skip(now, BY_INSTRUMENT).reason is SkipReason.SESSIONS_UNKNOWN


def test_the_open_intervals_of_several_instruments_are_joined() -> None:
    since, until = utc("2026-07-18 00:00"), utc("2026-07-21 15:00")
    plan: Sessions = {STOCK: STOCK_DAY, FX: FX_DAY}
    assert list(open_intervals(since, until, BY_INSTRUMENT, plan)) == [
        (utc("2026-07-19 18:04"), utc("2026-07-20 21:59")),
        (utc("2026-07-21 13:30"), utc("2026-07-21 15:00")),
    ]
    assert list(open_intervals(since, until, BY_INSTRUMENT)) == []


# Sessions as they should not come, too: with gaps between them, overlapping, empty, in any order.
STATES = st.sampled_from(["AutomatedTrading", "AutomatedTrading", "Closed", "Halt", "Break"])
PIECES = st.builds(
    lambda begin, length, state: Period(
        utc("2026-07-20") + begin * MINUTE, utc("2026-07-20") + (begin + length) * MINUTE, state
    ),
    st.integers(0, 300),
    st.integers(0, 120),
    STATES,
)
PLANS = st.fixed_dictionaries(
    {STOCK: st.lists(PIECES, max_size=5), FX: st.lists(PIECES, max_size=5)}
)


def judged_by_hand(now: datetime, plan: list[Period]) -> ClosedReason | None:
    covering = [piece.state for piece in plan if piece.start_time <= now < piece.end_time]
    if not covering:
        return ClosedReason.SESSIONS_UNKNOWN
    return None if "AutomatedTrading" in covering else ClosedReason.MARKET_CLOSED


@given(PLANS, st.integers(-10, 430))
def test_by_instrument_open_is_what_some_session_says_is_open(
    plans: dict[InstrumentId, list[Period]], minute: int
) -> None:
    now = utc("2026-07-20") + minute * MINUTE
    by_hand = {instrument: judged_by_hand(now, plan) for instrument, plan in plans.items()}
    decision = decide(now, BY_INSTRUMENT, plans)
    closed = {instrument: reason for instrument, reason in by_hand.items() if reason}
    if len(closed) < len(plans):
        assert decision == Run(closed)
        return
    assert isinstance(decision, Skip)
    all_unknown = set(closed.values()) == {ClosedReason.SESSIONS_UNKNOWN}
    assert (decision.reason is SkipReason.SESSIONS_UNKNOWN) is all_unknown
    later = [now + step * MINUTE for step in range(1, 431)]
    opens = next((t for t in later if isinstance(decide(t, BY_INSTRUMENT, plans), Run)), None)
    assert decision.next_open == opens


@given(PLANS)
def test_by_instrument_the_open_intervals_are_where_decide_says_run(
    plans: dict[InstrumentId, list[Period]],
) -> None:
    since, until = utc("2026-07-20"), utc("2026-07-20 08:00")
    intervals = list(open_intervals(since, until, BY_INSTRUMENT, plans))
    for step in range(480):
        now = since + step * MINUTE
        inside = any(begin <= now < end for begin, end in intervals)
        assert inside is isinstance(decide(now, BY_INSTRUMENT, plans), Run)
    for (_, end), (begin, _) in pairwise(intervals):
        assert end < begin
