"""The preview calls what the bot calls: each slot's start, and the verdict it reaches then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.journal import Pause
from tradebot.model import InstrumentId
from tradebot.scheduling.hours import HoursConfig, Run, Sessions, Skip, SkipReason, decide
from tradebot.scheduling.jitter import jitter_seconds
from tradebot.scheduling.preview import (
    HORIZON,
    Timetable,
    Verdict,
    folded,
    next_runs,
    own_jitter,
    planned_runs,
    scheduler_jitter,
)

NEW_YORK = HoursConfig("fixed", frozenset(range(5)), time(9, 30), time(16), "America/New_York",
                       "XNYS")  # fmt: skip
SPREAD = own_jitter(15, 300, host="host-a", instance="paper")
WEEKDAYS = Timetable(cadence=300, offset=0, hours=NEW_YORK, spread=SPREAD)
ALWAYS = replace(WEEKDAYS, hours=HoursConfig("always"))
STOCK, FX = InstrumentId("Stock", 211), InstrumentId("FxSpot", 21)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    start_time: datetime
    end_time: datetime
    state: str


def period(begin: str, end: str, state: str = "AutomatedTrading") -> Period:
    return Period(utc(f"2026-07-{begin}"), utc(f"2026-07-{end}"), state)


def by_instrument(sessions: Sessions) -> Timetable:
    return replace(WEEKDAYS, hours=HoursConfig("instrument"), sessions=sessions)


def test_every_slot_has_its_verdict_of_decide_at_the_moment_its_jitter_is_over() -> None:
    since, until = utc("2026-11-27 17:30"), utc("2026-11-30 15:00")
    runs = list(planned_runs(WEEKDAYS, since, until))
    assert runs[0].slot == since
    assert runs[-1].slot == until - timedelta(minutes=5)
    for run in runs:
        wait = jitter_seconds(15, 300, host="host-a", instance="paper", slot=run.slot)
        assert run.start == run.latest_start == run.slot + timedelta(seconds=wait)
        assert run.answer == decide(run.start, NEW_YORK)
        assert (run.verdict is Verdict.RUN) is isinstance(run.answer, Run)


def test_jitter_that_crosses_the_opening_counts() -> None:
    """A window from 09:30:00 on, slots five seconds before it: only a late enough start is in."""
    timetable = replace(WEEKDAYS, offset=295)
    since = utc("2026-11-23 14:29:55")
    [run] = planned_runs(
        replace(timetable, spread=lambda _slot: (6, 6)), since, since + timedelta(1) / 288
    )
    assert run.verdict is Verdict.RUN
    [run] = planned_runs(
        replace(timetable, spread=lambda _slot: (4, 4)), since, since + timedelta(1) / 288
    )
    assert run.verdict is Verdict.SKIP


def test_of_a_schedulers_own_jitter_only_the_bounds_are_known() -> None:
    timetable = replace(ALWAYS, spread=scheduler_jitter(15))
    [run] = next_runs(timetable, utc("2026-11-23 14:30"), 1)
    assert (run.start, run.latest_start) == (run.slot, run.slot + timedelta(seconds=15))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 20), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([60, 300, 3600]),
    st.integers(0, 59),
)
def test_the_slots_follow_each_other_without_a_gap(
    now: datetime, cadence: int, offset: int
) -> None:
    timetable = replace(ALWAYS, cadence=cadence, offset=offset)
    runs = list(next_runs(timetable, now, 5))
    assert len(runs) == 5
    assert now <= runs[0].slot < now + timedelta(seconds=cadence)
    for one, other in pairwise(runs):
        assert other.slot - one.slot == timedelta(seconds=cadence)


def test_the_next_runs_are_those_that_trade_with_what_lies_between() -> None:
    runs = list(next_runs(WEEKDAYS, utc("2026-11-25 20:50"), 3))  # Thanksgiving is on the 26th
    trading = [run.slot for run in runs if run.verdict is Verdict.RUN]
    assert trading == [utc("2026-11-25 20:50"), utc("2026-11-25 20:55"), utc("2026-11-27 14:30")]
    assert runs[-1].slot == trading[-1]
    reasons = [s.first.answer.reason for s in folded(runs) if isinstance(s.first.answer, Skip)]
    assert reasons == [SkipReason.AFTER_CLOSE, SkipReason.HOLIDAY, SkipReason.BEFORE_OPEN]


def test_folding_keeps_every_slot_and_joins_only_what_is_alike() -> None:
    runs = list(planned_runs(WEEKDAYS, utc("2026-11-20 00:00"), utc("2026-11-30 00:00")))
    stretches = list(folded(runs))
    assert sum(stretch.count for stretch in stretches) == len(runs)
    for one, other in pairwise(stretches):
        assert one.last.answer != other.first.answer
        assert other.first.slot - one.last.slot == timedelta(minutes=5)
    assert list(folded([])) == []


def test_the_search_for_runs_ends_where_there_are_none() -> None:
    paused = replace(ALWAYS, pause=Pause("by_hand", None))
    runs = list(next_runs(paused, utc("2026-11-23 14:30"), 1))
    assert {run.verdict for run in runs} == {Verdict.PAUSED}
    assert len(runs) == HORIZON / timedelta(minutes=5)


def test_a_pause_with_an_end_holds_until_then() -> None:
    paused = replace(ALWAYS, pause=Pause("by_hand", utc("2026-11-23 14:41")))
    runs = list(next_runs(paused, utc("2026-11-23 14:30"), 1))
    assert [(run.slot.minute, run.verdict) for run in runs] == [
        (30, Verdict.PAUSED),
        (35, Verdict.PAUSED),
        (40, Verdict.PAUSED),
        (45, Verdict.RUN),
    ]


SESSIONS = {
    STOCK: (
        period("20 00:00", "20 13:30", "Closed"),
        period("20 13:30", "20 20:00"),
        period("20 20:00", "21 13:30", "Closed"),
    ),
    FX: (period("20 00:00", "20 22:00"), period("20 22:00", "22 00:00", "Closed")),
}


@pytest.mark.parametrize(
    ("slot", "verdict"),
    [
        ("20 12:00", Verdict.RUN),  # FX alone
        ("20 14:00", Verdict.RUN),
        ("20 23:00", Verdict.SKIP),
        # What is known of the stock ends at 13:30: whether it opens then, nobody has said.
        ("21 13:25", Verdict.SKIP),
        ("21 13:30", Verdict.UNKNOWN),
        ("23 12:00", Verdict.UNKNOWN),
    ],
)
def test_sessions_are_believed_as_far_as_they_reach(slot: str, verdict: Verdict) -> None:
    begin = utc(f"2026-07-{slot}")
    timetable = replace(by_instrument(SESSIONS), spread=lambda _slot: (0, 0))
    [run] = planned_runs(timetable, begin, begin + timedelta(minutes=5))
    assert run.verdict is verdict


def test_without_any_sessions_nothing_is_known() -> None:
    for sessions in ({}, {STOCK: ()}, {**SESSIONS, STOCK: ()}):
        timetable = by_instrument(sessions)
        assert timetable.sessions_until is None
    [run] = planned_runs(
        by_instrument({STOCK: ()}), utc("2026-07-20 14:00"), utc("2026-07-20 14:05")
    )
    assert run.verdict is Verdict.UNKNOWN
