"""Which runs were expected and missed: against a count slot by slot."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.model import InstrumentId
from tradebot.scheduling.hours import HoursConfig, Run, decide
from tradebot.scheduling.missed import MissedRuns, missed_runs
from tradebot.scheduling.slots import slot_start

ALWAYS = HoursConfig("always")
OFFICE = HoursConfig("fixed", frozenset(range(5)), time(9), time(17), "Europe/Copenhagen")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def missed(
    last: str | None, now: str, config: HoursConfig = ALWAYS, cadence: float = 300
) -> MissedRuns | None:
    return missed_runs(None if last is None else utc(last), utc(now), config, cadence=cadence)


def test_the_first_run_ever_missed_none() -> None:
    assert missed(None, "2026-06-15 12:00") is None


def test_the_next_slot_and_the_same_slot_miss_none() -> None:
    assert missed("2026-06-15 12:00", "2026-06-15 12:07") is None
    assert missed("2026-06-15 12:00", "2026-06-15 12:03") is None


def test_a_clock_that_went_back_misses_none() -> None:
    assert missed("2026-06-15 12:00", "2026-06-15 09:00") is None


def test_the_slots_between_are_counted() -> None:
    assert missed("2026-06-15 12:00", "2026-06-15 12:21") == MissedRuns(
        3, utc("2026-06-15 12:05"), utc("2026-06-15 12:15")
    )


def test_only_trading_hours_count() -> None:
    friday, monday = "2026-06-19 14:55", "2026-06-22 07:10:30"
    assert missed(friday, monday, OFFICE) == MissedRuns(
        2, utc("2026-06-22 07:00"), utc("2026-06-22 07:05")
    )
    assert missed(friday, "2026-06-21 12:00", OFFICE) is None


def test_a_window_between_two_slots_expects_none() -> None:
    config = HoursConfig("fixed", frozenset(range(7)), time(9, 1), time(9, 4))
    assert missed("2026-06-15 08:00", "2026-06-15 12:00", config) is None


def test_a_changed_cadence_does_not_confuse_it() -> None:
    assert missed("2026-06-15 12:07:30", "2026-06-15 12:31", cadence=600) == MissedRuns(
        2, utc("2026-06-15 12:10"), utc("2026-06-15 12:20")
    )


def test_sessions_say_what_was_expected_of_instruments() -> None:
    class Session:
        start_time = utc("2026-07-20 13:30")
        end_time = utc("2026-07-20 20:00")
        state = "AutomatedTrading"

    config = HoursConfig("instrument")
    found = missed_runs(
        utc("2026-07-20 12:00"),
        utc("2026-07-20 13:46"),
        config,
        cadence=300,
        sessions={InstrumentId("Stock", 211): (Session(),)},
    )
    assert found == MissedRuns(3, utc("2026-07-20 13:30"), utc("2026-07-20 13:40"))
    assert (
        missed_runs(utc("2026-07-20 12:00"), utc("2026-07-20 14:00"), config, cadence=300) is None
    )


@settings(deadline=None)
@given(
    st.sampled_from(["2026-03-27 20:00", "2026-10-23 20:00", "2026-06-15 00:00"]),
    st.integers(0, 4 * 1440),
    st.sampled_from([60, 300, 900, 3600]),
    st.integers(0, 59),
    st.times(timezones=st.none()).map(lambda t: t.replace(second=0, microsecond=0)),
    st.times(timezones=st.none()).map(lambda t: t.replace(second=0, microsecond=0)),
)
def test_it_equals_asking_decide_for_every_slot(
    last: str, minutes: int, cadence: int, offset: int, start: time, end: time
) -> None:
    config = HoursConfig("fixed", frozenset({0, 4, 6}), start, end, "Europe/Copenhagen")
    begin = slot_start(utc(last), cadence, offset)
    now = begin + timedelta(minutes=minutes)
    step = timedelta(seconds=cadence)
    expected = []
    slot = begin + step
    while slot < slot_start(now, cadence, offset):
        if isinstance(decide(slot, config), Run):
            expected.append(slot)
        slot += step
    found = missed_runs(begin, now, config, cadence=cadence, offset=offset)
    if not expected:
        assert found is None
    else:
        assert found == MissedRuns(len(expected), expected[0], expected[-1])
