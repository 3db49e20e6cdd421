"""Half days: the hour in a name, and that nobody pays for the library who does not ask for it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, time

import pytest

from tradebot.scheduling.calendars import early_close, holiday_calendar


@pytest.mark.parametrize(
    ("name", "closing"),
    [
        ("Christmas Eve (markets close at 1:00pm)", time(13)),
        ("Christmas Eve (markets close at 14:05 CET)", time(14, 5)),
        ("Chinese New Year's Eve (markets close at 12:00 p.m. SGT) (estimated)", time(12)),
        ("Republic Day (from 1pm)", time(13)),
        ("Something (markets close at 12:30 AM)", time(0, 30)),
        ("Half-Day Trading Day", time(12)),
        ("Last Business Day before Christmas Day (markets close early)", time(12)),
        ("28 October (markets close at 15:00)", time(15)),
    ],
)
def test_the_hour_is_taken_from_the_name(name: str, closing: time) -> None:
    assert early_close(name) == closing


def test_markets_have_their_own_zone_and_countries_that_of_the_window() -> None:
    assert holiday_calendar("XNYS", "Asia/Tokyo").zone.key == "America/New_York"
    assert holiday_calendar("NYSE", "Asia/Tokyo").zone.key == "America/New_York"
    assert holiday_calendar("XPAR", "Asia/Tokyo").zone.key == "Europe/Paris"
    assert holiday_calendar("DK", "Asia/Tokyo").zone.key == "Asia/Tokyo"


def test_full_days_half_days_and_holidays() -> None:
    calendar = holiday_calendar("XLON", "UTC")
    assert calendar.closes(date(2026, 12, 23)) is None
    assert calendar.closes(date(2026, 12, 24)) == time(12, 30)
    assert calendar.closes(date(2026, 12, 25)) == time(0)


def test_a_calendar_without_half_days() -> None:
    calendar = holiday_calendar("XSWX", "UTC")
    assert calendar.closes(date(2026, 12, 23)) is None
    assert calendar.closes(date(2026, 12, 25)) == time(0)


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(NotImplementedError):
        holiday_calendar("QQQ", "UTC")


def test_the_library_is_only_imported_for_holidays() -> None:
    code = (
        "import sys; from datetime import *; from tradebot.scheduling.hours import *;"
        "c = HoursConfig('fixed', frozenset({0}), time(9), time(17), 'America/New_York');"
        "decide(datetime.now(timezone.utc), c); print('holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
