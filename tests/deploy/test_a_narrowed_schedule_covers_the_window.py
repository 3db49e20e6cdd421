"""The hours of a narrowed schedule hold every moment of the window, on every day of a year."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.deploy.coverage import covering_hours, whole_week
from tradebot.scheduling.hours import HoursConfig, Run, decide

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZONES = (
    "UTC",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Auckland",
)


def week(days: set[int], start: time, end: time, zone: str) -> HoursConfig:
    return HoursConfig("fixed", frozenset(days), start, end, zone, "XNYS")


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
    st.times(),
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 365 * 1440), min_size=60, max_size=60),
)
def test_whenever_it_may_run_a_wakeup_hour_covers_it(
    days: set[int], start: time, end: time, zone: str, machine: str, minutes: list[int]
) -> None:
    config = week(days, start, end, zone)
    hours = covering_hours(config, NOW, ZoneInfo(machine))
    assert hours is not None
    for minute in minutes:
        moment = NOW + timedelta(minutes=minute)
        if isinstance(decide(moment, config), Run):
            local = moment.astimezone(ZoneInfo(machine))
            assert local.hour in hours.get(local.weekday(), frozenset())


def test_both_places_of_a_window_with_summer_time_and_no_more() -> None:
    config = week({0, 1, 2, 3, 4}, time(9, 30), time(16), "America/New_York")
    hours = covering_hours(config, NOW)
    assert hours == {day: frozenset(range(13, 21)) for day in range(5)}


def test_a_window_that_is_another_day_here() -> None:
    config = week({0}, time(10), time(16), "Australia/Sydney")
    hours = covering_hours(config, NOW)
    assert hours == {0: frozenset(range(6)), 6: frozenset({23})}


@pytest.mark.parametrize("mode", ["always", "instrument"])
def test_without_a_window_nothing_is_left_out(mode: str) -> None:
    assert covering_hours(HoursConfig(mode), NOW) is None


def test_the_whole_week_is_every_hour() -> None:
    assert sum(map(len, whole_week().values())) == 168
