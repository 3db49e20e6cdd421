"""Ten years of four exchanges, minute by minute: open here exactly when their own calendar is.

The oracle is `exchange_calendars`, which has its dates from other sources than `holidays`. No day
is left out of the comparison: where the two libraries differ, this project takes a side, says why
(`tradebot.scheduling.calendars`), and then agrees with the oracle.
"""

from __future__ import annotations

import functools
import warnings
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradebot.scheduling.calendars import holiday_calendar
from tradebot.scheduling.hours import HoursConfig, Run, Skip, SkipReason, decide, open_intervals
from tradebot.scheduling.local_time import clock_changes
from tradebot.scheduling.windows import Interval

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
SINCE = {
    exchange: datetime(year, 1, 1, tzinfo=UTC)
    # The library knows Euronext from 2019 on.
    for exchange, year in {"XNYS": 2017, "XLON": 2017, "XETR": 2017, "XPAR": 2019}.items()
}
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def regular(start: str, end: str, timezone: str, exchange: str) -> HoursConfig:
    return HoursConfig(
        "fixed",
        start=time.fromisoformat(start),
        end=time.fromisoformat(end),
        timezone=timezone,
        holidays=exchange,
    )


CONFIGS = {
    "XNYS": regular("09:30", "16:00", "America/New_York", "XNYS"),
    "XLON": regular("08:00", "16:30", "Europe/London", "XLON"),
    "XETR": regular("09:00", "17:30", "Europe/Berlin", "XETR"),
    "XPAR": regular("09:00", "17:30", "Europe/Paris", "XPAR"),
}
EXCHANGES = pytest.mark.parametrize("exchange", CONFIGS)


@functools.cache
def oracle(exchange: str) -> list[Interval]:
    """Its sessions, early closes included. The import alone takes a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' and numpy's deprecations are not ours
        import exchange_calendars

        calendar = exchange_calendars.get_calendar(exchange, start="2016-12-30", end="2027-01-05")
        sessions = list(calendar.schedule[["open", "close"]].itertuples(index=False))
    found = [(row.open.to_pydatetime(), row.close.to_pydatetime()) for row in sessions]
    return [session for session in found if SINCE[exchange] <= session[0] < UNTIL]


def is_open(now: datetime, exchange: str) -> bool:
    return isinstance(decide(now, CONFIGS[exchange]), Run)


def in_session(now: datetime, exchange: str) -> bool:
    return any(begin <= now < end for begin, end in oracle(exchange))


@EXCHANGES
def test_the_windows_of_ten_years_are_the_sessions_of_the_exchange(exchange: str) -> None:
    assert list(open_intervals(SINCE[exchange], UNTIL, CONFIGS[exchange])) == oracle(exchange)


@EXCHANGES
def test_each_opening_and_each_close_is_at_its_minute(exchange: str) -> None:
    """Early closes, and the days after holidays and clock changes, are among them."""
    for begin, end in oracle(exchange):
        around = [is_open(at, exchange) for at in (begin - TICK, begin, end - TICK, end)]
        assert around == [False, True, True, False], begin


@EXCHANGES
def test_between_two_sessions_every_skip_names_the_next_one(exchange: str) -> None:
    for (_, closed), (opening, _) in pairwise(oracle(exchange)[::3]):
        middle = closed + (opening - closed) / 2
        if in_session(middle, exchange):
            continue
        answer = decide(middle, CONFIGS[exchange])
        assert isinstance(answer, Skip)
        assert answer.next_open == next(begin for begin, _ in oracle(exchange) if begin > middle)


@EXCHANGES
@settings(max_examples=300)
@given(minute=st.integers(1, (UNTIL - max(SINCE.values())) // MINUTE))
@example(minute=1)
def test_any_minute_of_eight_years(exchange: str, minute: int) -> None:
    now = UNTIL - minute * MINUTE
    assert is_open(now, exchange) is in_session(now, exchange)


@EXCHANGES
def test_every_quarter_of_an_hour_of_the_weeks_in_which_clocks_change(exchange: str) -> None:
    zone = ZoneInfo(CONFIGS[exchange].timezone)
    changes = list(clock_changes(zone, datetime(2024, 1, 1, tzinfo=UTC), UNTIL))
    assert len(changes) == 6
    for change in changes:
        near = [s for s in oracle(exchange) if abs(s[0] - change.at) < timedelta(days=8)]
        for step in range(-4 * 96, 4 * 96):
            now = change.at + step * timedelta(minutes=15)
            assert is_open(now, exchange) is any(b <= now < e for b, e in near), now


@EXCHANGES
def test_a_weekday_without_a_session_is_a_holiday_with_a_name(exchange: str) -> None:
    config = CONFIGS[exchange]
    zone = ZoneInfo(config.timezone)
    days = {begin.astimezone(zone).date() for begin, _ in oracle(exchange)}
    day = SINCE[exchange].date()
    missing = 0
    while day < date(2026, 12, 31):
        if day.weekday() < 5 and day not in days:
            missing += 1
            noon = datetime.combine(day, time(12), tzinfo=zone)
            answer = decide(noon, config)
            assert isinstance(answer, Skip)
            assert answer.reason is SkipReason.HOLIDAY
            assert holiday_calendar(exchange, config.timezone).name(day)
        day += timedelta(days=1)
    assert missing > 30


@pytest.mark.parametrize(
    ("exchange", "day", "closing"),
    [
        # One-off closures and early closes, each announced by the exchange itself.
        ("XNYS", "2018-12-05", time(0)),  # national day of mourning for George H. W. Bush
        ("XNYS", "2025-01-09", time(0)),  # national day of mourning for Jimmy Carter
        ("XNYS", "2024-07-03", time(13)),
        ("XNYS", "2026-07-03", time(0)),  # the Fourth of July on a Saturday
        ("XNYS", "2021-12-31", None),  # New Year's Day on a Saturday closes no Friday
        ("XLON", "2022-09-19", time(0)),  # state funeral of Elizabeth II
        ("XLON", "2020-05-08", time(0)),  # the early May holiday moved to VE Day
        ("XLON", "2022-12-23", time(12, 30)),  # Christmas Eve on a Saturday
        ("XETR", "2017-10-31", time(0)),  # 500 years of the Reformation
        ("XETR", "2021-05-24", time(0)),  # Whit Monday, the last one without trading
        ("XETR", "2022-06-06", None),  # Whit Monday, the first one with it
        # Shortened each year: not in the library, but in Eurex circulars 092/20 and 107/21.
        ("XETR", "2020-12-30", time(14)),
        ("XETR", "2021-12-30", time(14)),
        ("XETR", "2022-12-30", time(14)),
        ("XETR", "2023-12-29", time(14)),  # 30 December was a Saturday
        ("XETR", "2023-12-28", None),
        # Half days of the places that share Euronext's calendar.
        ("XPAR", "2026-12-24", time(14, 5)),
        ("XAMS", "2026-12-31", time(14, 5)),
        ("XOSL", "2026-12-31", time(0)),
    ],
)
def test_days_that_no_rule_of_the_week_tells(exchange: str, day: str, closing: time | None) -> None:
    calendar = holiday_calendar(exchange, "UTC")
    assert calendar.closes(date.fromisoformat(day)) == closing
    assert (calendar.name(date.fromisoformat(day)) is None) is (closing is None)


def test_the_last_day_of_the_year_in_frankfurt_is_a_half_day() -> None:
    now = datetime(2026, 12, 30, 13, tzinfo=UTC)
    assert decide(now, CONFIGS["XETR"]) == Skip(
        SkipReason.HALF_DAY, datetime(2027, 1, 4, 8, tzinfo=UTC)
    )
    assert holiday_calendar("XETR", "UTC").name(date(2026, 12, 30)) == (
        "last trading day of the year"
    )
