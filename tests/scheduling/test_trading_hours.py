"""May a run trade now: windows, summer time and holidays."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.scheduling.hours import (
    HoursConfig,
    Run,
    Skip,
    SkipReason,
    decide,
    open_intervals,
)
from tradebot.settings import load

WEEKDAYS = frozenset(range(5))
MINUTE = timedelta(minutes=1)
ZONES = ["UTC", "Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def fixed(
    start: str,
    end: str,
    timezone: str = "UTC",
    days: frozenset[int] = WEEKDAYS,
    holidays: str | None = None,
) -> HoursConfig:
    return HoursConfig(
        "fixed", days, time.fromisoformat(start), time.fromisoformat(end), timezone, holidays
    )


def runs(now: datetime, config: HoursConfig) -> bool:
    return isinstance(decide(now, config), Run)


def skip(now: datetime, config: HoursConfig) -> Skip:
    decision = decide(now, config)
    assert isinstance(decision, Skip)
    return decision


def test_always_is_always() -> None:
    assert decide(utc("2026-12-25 03:00"), HoursConfig("always")) == Run()


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        decide(datetime(2026, 1, 1), HoursConfig("always"))  # noqa: DTZ001


def test_an_incomplete_window_is_refused() -> None:
    with pytest.raises(ValueError, match="TRADING_START and TRADING_END"):
        decide(utc("2026-01-05 10:00"), HoursConfig("fixed", start=time(9)))


@pytest.mark.parametrize(
    ("now", "open_now"),
    [
        ("2026-06-15 13:29:59", False),
        ("2026-06-15 13:30:00", True),
        ("2026-06-15 19:59:59", True),
        ("2026-06-15 20:00:00", False),
        ("2026-01-15 14:29:59", False),  # in winter an hour later, by UTC
        ("2026-01-15 14:30:00", True),
        ("2026-06-13 15:00:00", False),  # a Saturday
    ],
)
def test_a_window_is_open_from_its_start_until_before_its_end(now: str, open_now: bool) -> None:
    assert runs(utc(now), fixed("09:30", "16:00", "America/New_York")) is open_now


@pytest.mark.parametrize(
    ("now", "reason", "next_open"),
    [
        ("2026-06-15 08:00", SkipReason.BEFORE_OPEN, "2026-06-15 09:00"),
        ("2026-06-15 18:00", SkipReason.AFTER_CLOSE, "2026-06-16 09:00"),
        ("2026-06-19 18:00", SkipReason.AFTER_CLOSE, "2026-06-22 09:00"),
        ("2026-06-20 12:00", SkipReason.NOT_A_TRADING_DAY, "2026-06-22 09:00"),
    ],
)
def test_a_skip_has_a_reason_and_the_next_opening(
    now: str, reason: SkipReason, next_open: str
) -> None:
    assert skip(utc(now), fixed("09:00", "17:00")) == Skip(reason, utc(next_open))


def test_an_overnight_window_belongs_to_the_day_it_opens_on() -> None:
    config = fixed("22:00", "05:00", days=frozenset({4}))  # Friday
    assert not runs(utc("2026-06-19 04:00"), config)
    assert runs(utc("2026-06-19 22:00"), config)
    assert runs(utc("2026-06-20 04:59"), config)
    assert skip(utc("2026-06-20 05:00"), config) == Skip(
        SkipReason.NOT_A_TRADING_DAY, utc("2026-06-26 22:00")
    )


def test_the_same_start_and_end_are_24_hours() -> None:
    """The week of foreign exchange: Sunday 17:00 to Friday 17:00 in New York, without a break."""
    config = fixed("17:00", "17:00", "America/New_York", frozenset({6, 0, 1, 2, 3}))
    since, until = utc("2026-06-13 00:00"), utc("2026-06-20 00:00")
    assert list(open_intervals(since, until, config)) == [
        (utc("2026-06-14 21:00"), utc("2026-06-19 21:00"))
    ]


def test_a_reading_that_is_skipped_in_spring_opens_when_the_clock_jumps() -> None:
    config = fixed("02:30", "10:00", "Europe/Copenhagen", frozenset({6}))
    assert not runs(local("2026-03-29 01:59:59", "Europe/Copenhagen"), config)
    assert runs(local("2026-03-29 03:00", "Europe/Copenhagen"), config)


def test_a_window_that_the_jump_skips_altogether_does_not_open() -> None:
    config = fixed("02:15", "02:45", "Europe/Copenhagen", frozenset({6}))
    assert skip(utc("2026-03-29 00:00"), config).next_open == utc("2026-04-05 00:15")
    assert skip(utc("2026-03-29 01:30"), config).reason is SkipReason.NOT_A_TRADING_DAY


def test_a_reading_that_comes_twice_in_autumn_opens_the_first_time_and_stays_open() -> None:
    config = fixed("02:30", "10:00", "Europe/Copenhagen", frozenset({6}))
    zone = "Europe/Copenhagen"
    assert not runs(local("2026-10-25 02:29", zone), config)
    assert runs(local("2026-10-25 02:30", zone), config)
    assert runs(local("2026-10-25 02:00", zone, fold=1), config)


def test_a_closing_that_comes_twice_closes_the_first_time_and_for_good() -> None:
    config = fixed("22:00", "02:30", "Europe/Copenhagen", frozenset({5}))
    zone = "Europe/Copenhagen"
    assert runs(local("2026-10-25 02:29", zone), config)
    assert not runs(local("2026-10-25 02:30", zone), config)
    assert not runs(local("2026-10-25 02:00", zone, fold=1), config)


def test_a_day_that_a_country_left_out_has_no_window() -> None:
    """Samoa went from Thursday 29 to Saturday 31 December 2011."""
    config = fixed("09:00", "17:00", "Pacific/Apia")
    since, until = utc("2011-12-29 12:00"), utc("2012-01-03 00:00")
    assert list(open_intervals(since, until, config)) == [
        (utc("2011-12-29 19:00"), utc("2011-12-30 03:00")),
        (utc("2012-01-01 19:00"), utc("2012-01-02 03:00")),
        (utc("2012-01-02 19:00"), utc("2012-01-03 00:00")),
    ]


NEW_YORK = fixed("09:30", "16:00", "America/New_York", holidays="XNYS")


@pytest.mark.parametrize(
    ("now", "decision"),
    [
        ("2026-11-25 12:00", Run()),
        ("2026-11-26 12:00", Skip(SkipReason.HOLIDAY, utc("2026-11-27 14:30"))),
        ("2026-11-26 08:00", Skip(SkipReason.HOLIDAY, utc("2026-11-27 14:30"))),
        ("2026-11-26 20:00", Skip(SkipReason.HOLIDAY, utc("2026-11-27 14:30"))),
        ("2026-11-27 09:00", Skip(SkipReason.BEFORE_OPEN, utc("2026-11-27 14:30"))),
        ("2026-11-27 12:59", Run()),
        ("2026-11-27 13:00", Skip(SkipReason.HALF_DAY, utc("2026-11-30 14:30"))),
        ("2026-11-27 16:00", Skip(SkipReason.AFTER_CLOSE, utc("2026-11-30 14:30"))),
        ("2026-12-24 15:00", Skip(SkipReason.HALF_DAY, utc("2026-12-28 14:30"))),
        ("2026-12-25 12:00", Skip(SkipReason.HOLIDAY, utc("2026-12-28 14:30"))),
    ],
)
def test_holidays_and_half_days(now: str, decision: Run | Skip) -> None:
    assert decide(local(now, "America/New_York"), NEW_YORK) == decision


def test_a_window_wholly_after_an_early_close_does_not_open() -> None:
    config = fixed("14:00", "16:00", "America/New_York", holidays="XNYS")
    now = local("2026-11-27 15:00", "America/New_York")
    assert skip(now, config).reason is SkipReason.HALF_DAY


def test_the_markets_day_counts_even_when_the_window_is_in_another_zone() -> None:
    """Thanksgiving in New York, seen from Copenhagen; the half day after it ends at 19:00 there."""
    config = fixed("15:30", "22:00", "Europe/Copenhagen", holidays="XNYS")
    zone = "Europe/Copenhagen"
    assert skip(local("2026-11-26 16:00", zone), config).reason is SkipReason.HOLIDAY
    assert runs(local("2026-11-27 18:59", zone), config)
    assert skip(local("2026-11-27 19:00", zone), config).reason is SkipReason.HALF_DAY


def test_a_holiday_cuts_an_overnight_window_at_the_markets_midnight() -> None:
    config = fixed("20:00", "04:00", "America/New_York", holidays="XNYS")
    since = local("2026-11-25 12:00", "America/New_York")
    until = local("2026-11-27 12:00", "America/New_York")
    assert list(open_intervals(since, until, config)) == [
        (utc("2026-11-26 01:00"), utc("2026-11-26 05:00")),
        (utc("2026-11-27 05:00"), utc("2026-11-27 09:00")),
    ]


def test_a_countrys_holidays_follow_the_windows_zone() -> None:
    config = fixed("09:00", "17:00", "Europe/Copenhagen", holidays="DK")
    assert skip(local("2026-05-25 12:00", "Europe/Copenhagen"), config).reason is SkipReason.HOLIDAY
    assert runs(local("2026-05-26 12:00", "Europe/Copenhagen"), config)


def test_a_week_says_when_its_calendar_closed_a_moment() -> None:
    week = NEW_YORK.week()
    assert week.closed_from(utc("2026-11-27 17:00")) is None
    assert week.closed_from(utc("2026-11-27 18:00")) == time(13)
    assert fixed("09:30", "16:00").week().closed_from(utc("2026-11-27 18:00")) is None


def test_settings_become_a_configuration() -> None:
    environ = {
        "TRADING_HOURS_MODE": "fixed",
        "TRADING_DAYS": "mon",
        "TRADING_START": "09:00",
        "TRADING_END": "17:00",
        "TIMEZONE": "Asia/Tokyo",
        "TRADING_HOLIDAYS": "XJPX",
    }
    config = HoursConfig.of(load(environ, home=Path("/nowhere")))
    assert config == fixed("09:00", "17:00", "Asia/Tokyo", frozenset({0}), "XJPX")


CONFIGS = st.builds(
    HoursConfig,
    mode=st.just("fixed"),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.times(timezones=st.none()).map(lambda t: t.replace(second=0, microsecond=0)),
    end=st.times(timezones=st.none()).map(lambda t: t.replace(second=0, microsecond=0)),
    timezone=st.sampled_from(ZONES),
    holidays=st.just(None),
)
# Around the changes of the clock in every one of the zones, and an ordinary week.
WEEKS = st.sampled_from(["2026-03-27", "2026-03-07", "2026-10-23", "2026-04-03", "2026-06-15"])


@settings(deadline=None)
@given(CONFIGS, WEEKS, st.integers(0, 4 * 1440))
def test_a_skips_next_opening_is_the_first_minute_that_runs(
    config: HoursConfig, week: str, minute: int
) -> None:
    now = utc(week) + minute * MINUTE
    decision = decide(now, config)
    if isinstance(decision, Run):
        return
    assert decision.next_open is not None
    assert runs(decision.next_open, config)
    assert not runs(decision.next_open - timedelta(microseconds=1), config)
    assert next(iter(open_intervals(now, now + timedelta(days=40), config)))[0] == (
        decision.next_open
    )


@settings(deadline=None)
@given(CONFIGS, WEEKS, st.integers(0, 4 * 1440))
def test_the_open_intervals_are_where_decide_says_run(
    config: HoursConfig, week: str, minute: int
) -> None:
    since = utc(week)
    intervals = list(open_intervals(since, since + timedelta(days=4), config))
    now = since + minute * MINUTE
    inside = any(begin <= now < end for begin, end in intervals)
    assert inside is (runs(now, config) and minute < 4 * 1440)
    for (_, end), (begin, _) in pairwise(intervals):
        assert end < begin


@settings(deadline=None)
@given(CONFIGS, WEEKS, st.integers(0, 4 * 1440))
def test_away_from_clock_changes_the_wall_clock_alone_decides(
    config: HoursConfig, week: str, minute: int
) -> None:
    now = utc(week) + minute * MINUTE
    zone = ZoneInfo(config.timezone)
    around = [(now + timedelta(hours=h)).astimezone(zone).utcoffset() for h in range(-26, 27)]
    if len(set(around)) > 1:
        return
    shown = now.astimezone(zone)
    assert config.start is not None
    assert config.end is not None
    since_midnight = shown.time()
    if config.start < config.end:
        expected = shown.weekday() in config.days and (config.start <= since_midnight < config.end)
    else:
        today = shown.weekday() in config.days and since_midnight >= config.start
        yesterday = (shown.weekday() - 1) % 7 in config.days and since_midnight < config.end
        expected = today or yesterday
    assert runs(now, config) is expected
