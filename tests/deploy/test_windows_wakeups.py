"""When a task starts, from its XML: as documented, also for tasks written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, windows_program
from tradebot.deploy.windows.durations import duration_text, seconds_of
from tradebot.deploy.windows.parsed import parse_task
from tradebot.deploy.windows.scheduler import SCHEDULER
from tradebot.deploy.windows.task import NAMESPACE
from tradebot.deploy.windows.wakeups import wakeups

SINCE = datetime(2026, 3, 1, tzinfo=UTC)  # a Sunday
START = "<StartBoundary>2026-03-01T09:00:00Z</StartBoundary>"
DAILY = "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"


def starts(
    triggers: str, days: float = 14, *, since: datetime = SINCE, certain: bool = False
) -> list[str]:
    task = parse_task(
        f'<Task version="1.2" xmlns="{NAMESPACE}"><Triggers>{triggers}</Triggers></Task>'
    )
    found = wakeups(task, since, certain=certain)
    end = since + timedelta(days=days)
    return [f"{moment:%d %H:%M}" for moment in takewhile(lambda moment: moment < end, found)]


def repeated(interval: str, duration: str | None = None) -> str:
    length = f"<Duration>{duration}</Duration>" if duration else ""
    return f"<Repetition><Interval>{interval}</Interval>{length}</Repetition>"


def time_trigger(inside: str) -> str:
    return f"<TimeTrigger>{START}{inside}</TimeTrigger>"


def calendar(inside: str, start: str = START) -> str:
    return f"<CalendarTrigger>{start}{inside}</CalendarTrigger>"


def week(*days: str, every: int = 1) -> str:
    names = "".join(f"<{day}/>" for day in days)
    return (
        f"<ScheduleByWeek><WeeksInterval>{every}</WeeksInterval>"
        f"<DaysOfWeek>{names}</DaysOfWeek></ScheduleByWeek>"
    )


def test_a_minute_for_four_minutes_makes_five_starts_of_which_four_are_certain() -> None:
    trigger = time_trigger(repeated("PT1M", "PT4M"))
    five = ["01 09:00", "01 09:01", "01 09:02", "01 09:03", "01 09:04"]
    assert starts(trigger) == five
    assert starts(trigger, certain=True) == five[:4]


def test_without_a_duration_it_goes_on_for_ever() -> None:
    trigger = time_trigger(repeated("PT8H"))
    assert starts(trigger, 2) == ["01 09:00", "01 17:00", "02 01:00", "02 09:00", "02 17:00"]
    later = datetime(2036, 3, 1, tzinfo=UTC)
    assert starts(trigger, 1, since=later) == ["01 01:00", "01 09:00", "01 17:00"]


def test_without_a_repetition_it_starts_once() -> None:
    assert starts(time_trigger("")) == ["01 09:00"]
    assert starts(time_trigger(""), since=SINCE + timedelta(days=1)) == []


def test_an_end_ends_it() -> None:
    end = "<EndBoundary>2026-03-01T17:00:00Z</EndBoundary>"
    assert starts(time_trigger(end + repeated("PT4H"))) == ["01 09:00", "01 13:00"]


def test_days_and_weeks() -> None:
    other = "<ScheduleByDay><DaysInterval>5</DaysInterval></ScheduleByDay>"
    assert starts(calendar(DAILY), 3) == ["01 09:00", "02 09:00", "03 09:00"]
    assert starts(calendar(other), 14) == ["01 09:00", "06 09:00", "11 09:00"]
    assert starts(calendar(other), 14, since=SINCE + timedelta(days=9)) == [
        *("11 09:00", "16 09:00", "21 09:00"),
    ]
    assert starts(calendar(week("Monday", "Friday"))) == [
        *("02 09:00", "06 09:00", "09 09:00", "13 09:00"),
    ]
    assert starts(calendar(week("Monday", every=2)), 35) == ["09 09:00", "23 09:00"]


def test_a_days_repetition_reaches_into_the_next_day_and_no_further() -> None:
    late = START.replace("09:00", "22:00")
    trigger = calendar(repeated("PT2H", "PT4H") + week("Monday"), late)
    assert starts(trigger, 7) == ["02 22:00", "03 00:00", "03 02:00"]
    since = datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert starts(trigger, 1, since=since) == ["03 02:00"]
    endless = calendar(repeated("PT8H") + DAILY)
    assert starts(endless, 1.5) == ["01 09:00", "01 17:00", "02 01:00", "02 09:00"]


def test_what_is_off_starts_nothing() -> None:
    assert starts(f"<TimeTrigger><Enabled>false</Enabled>{START}</TimeTrigger>") == []
    off = parse_task(
        f'<Task xmlns="{NAMESPACE}"><Triggers>{time_trigger("")}</Triggers>'
        "<Settings><Enabled>false</Enabled></Settings></Task>"
    )
    assert list(wakeups(off, SINCE)) == []


@pytest.mark.parametrize(
    "trigger",
    [
        "<BootTrigger/>",
        "<LogonTrigger/>",
        "<TimeTrigger/>",
        calendar(week()),
        calendar("<ScheduleByMonth/>"),
    ],
)
def test_what_does_not_start_by_the_clock_is_no_wakeup(trigger: str) -> None:
    assert starts(trigger) == []


def test_two_triggers_at_the_same_moment_are_one_start() -> None:
    assert starts(time_trigger("") + calendar(DAILY), 2) == ["01 09:00", "02 09:00"]


def test_a_zone_in_the_start_is_honoured() -> None:
    trigger = calendar(DAILY, "<StartBoundary>2026-03-01T11:00:00+02:00</StartBoundary>")
    assert starts(trigger, 1) == ["01 09:00"]


def test_the_schedule_says_when_it_would_wake_the_bot_up() -> None:
    plan = example_schedule(EVERY_FIVE_MINUTES, windows_program())
    found = SCHEDULER.wakeups(plan, SINCE, rendered=True)
    assert [f"{moment:%H:%M:%S}" for moment in islice(found, 3)] == [
        *("00:00:00", "00:05:00", "00:10:00"),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "PT1M"), (285, "PT4M45S"), (86400, "P1D"), (90000.2, "P1DT1H1S"), (0, "PT0S")],
)
def test_durations_are_written(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT5M", 300), ("P3D", 259200), ("PT72H", 259200), ("P1M", 2592000), ("PT1.5S", 1.5)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "5m", "PT5", "P1DT", "PT-5M", "00:05:00"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert seconds_of(text) is None
