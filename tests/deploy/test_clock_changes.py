"""The coming clock changes are gone through before they come, whatever wakes the bot up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from oncalendar import OnCalendar

from tradebot.deploy.clock_changes import Wakeups, clock_change_findings
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, is_approved
from tradebot.scheduling.hours import HoursConfig

AUTUMN = datetime(2026, 9, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
ALWAYS = example_schedule(EVERY_FIVE_MINUTES, posix_program(), cadence=900)
WEEKDAYS = example_schedule(WEEKDAY_WINDOW, posix_program(), cadence=900)


def systemd(calendar: str) -> Wakeups:
    def wakeups(since: datetime) -> Iterator[datetime]:
        return OnCalendar(calendar, since)

    return wakeups


def cron(fields: str, zone: str) -> Wakeups:
    def wakeups(since: datetime) -> Iterator[datetime]:
        return CronSim(fields, since.astimezone(ZoneInfo(zone)) - timedelta(seconds=1))

    return wakeups


def found(
    schedule: Schedule, wakeups: Wakeups, zone: str = "UTC", now: datetime = AUTUMN
) -> list[Finding]:
    return clock_change_findings(schedule, wakeups, ZoneInfo(zone), now)


def names(findings: list[Finding]) -> list[str]:
    return [finding.rule.name for finding in findings]


def windowed(start: str, end: str, zone: str, *days: int) -> Schedule:
    hours = HoursConfig(
        "fixed", frozenset(days), time.fromisoformat(start), time.fromisoformat(end), zone
    )
    return replace(ALWAYS, hours=hours)


def test_a_calendar_in_a_zone_with_summer_time_has_a_hole_in_autumn() -> None:
    holes = [
        finding
        for finding in found(ALWAYS, systemd("*:0/15 Europe/London"), "Europe/London")
        if finding.rule.name == "clock-change-hole"
    ]
    assert [finding.what for finding in holes] == [
        "2026-10-25T01:00Z, Europe/London 02:00 -> 01:00: 4 of 288 slots have no wake-up: "
        "2026-10-25T01:00:00Z, 2026-10-25T01:15:00Z, 2026-10-25T01:30:00Z, 2026-10-25T01:45:00Z"
    ]


@pytest.mark.parametrize(
    "zone",
    ["America/New_York", "Europe/London", "Europe/Berlin", "Australia/Lord_Howe",
     "Australia/Sydney"],
)  # fmt: skip
@pytest.mark.parametrize("scheduler", ["systemd", "cron"])
def test_a_cadence_in_utc_or_with_wildcard_hours_has_none(zone: str, scheduler: str) -> None:
    wakeups = systemd("*:0/15 UTC") if scheduler == "systemd" else cron("*/15 * * * *", zone)
    findings = found(ALWAYS, wakeups, zone)
    assert names(findings) == ["clock-change", "clock-change"]
    assert all("288 of the 288 slots" in finding.what for finding in findings)
    assert is_approved(findings)


def test_half_an_hour_counts_as_well() -> None:
    findings = found(ALWAYS, systemd("*:0/15 Australia/Lord_Howe"), "Australia/Lord_Howe")
    [hole] = [finding for finding in findings if finding.rule.name == "clock-change-hole"]
    assert "Australia/Lord_Howe 02:00 -> 01:30: 2 of 288 slots" in hole.what


def test_a_zone_that_never_changes_needs_nothing_said() -> None:
    assert found(ALWAYS, systemd("*:0/15 Asia/Kolkata"), "Asia/Kolkata") == []


def test_written_hours_of_a_cron_line_miss_what_the_clock_leaves_out() -> None:
    findings = found(ALWAYS, cron("*/15 1-3 * * *", "America/New_York"), "America/New_York")
    assert "clock-change-hole" in names(findings)


def test_a_wakeup_too_late_in_its_slot_is_told_from_none() -> None:
    """Hours of a zone half an hour off the others: an hourly cadence slips by half a slot."""
    schedule = replace(ALWAYS, cadence=3600.0, max_lateness=900.0)
    findings = found(schedule, cron("0 * * * *", "Australia/Lord_Howe"), "Australia/Lord_Howe")
    [late, *_] = [finding for finding in findings if finding.rule.name == "clock-change-late"]
    assert "are woken up for too late" in late.what


def test_what_is_never_woken_up_for_is_no_matter_of_clock_changes() -> None:
    every_half_hour = found(ALWAYS, systemd("*:0/30 UTC"), "Europe/London")
    assert names(every_half_hour) == ["clock-change", "clock-change"]
    assert "144 of the 288 slots" in every_half_hour[0].what
    nothing = found(ALWAYS, lambda since: iter(()), "Europe/London")
    assert names(nothing) == ["clock-change", "clock-change"]
    assert "0 of the 288 slots" in nothing[0].what


def test_both_zones_are_looked_at_in_the_order_of_their_changes() -> None:
    findings = found(WEEKDAYS, systemd("Mon..Fri 13..20:0/15 UTC"), "Europe/London")
    assert [finding.what.partition(":  ")[0][:34] for finding in findings] == [
        "2026-10-25T01:00Z, Europe/London 0",
        "2026-11-01T06:00Z, America/New_Yor",
        "2027-03-14T07:00Z, America/New_Yor",
        "2027-03-28T01:00Z, Europe/London 0",
    ]
    assert "the window is 13:30-20:00 UTC before it and 14:30-21:00 UTC after it" in (
        findings[1].what
    )


def test_hours_that_fit_only_one_half_of_the_year_leave_the_other_without_runs() -> None:
    """The weekday after the change: 20:00 to 21:00 UTC is missing."""
    findings = found(WEEKDAYS, systemd("Mon..Fri 13..19:0/15 UTC"), "UTC")
    [hole] = [finding for finding in findings if finding.rule.name == "clock-change-hole"]
    assert "2026-11-02T20:00:00Z" in hole.what


def test_a_window_that_the_clocks_jump_over_does_not_open() -> None:
    schedule = windowed("02:15", "02:45", "America/New_York", 6)
    findings = found(schedule, systemd("*:0/15 UTC"), now=datetime(2027, 1, 1, tzinfo=UTC))
    [gone] = [f for f in findings if f.rule.name == "clock-change-window-vanishes"]
    assert gone.what.endswith("02:15 to 02:45 of 2027-03-14")
    assert not is_approved(findings)


def test_a_window_in_the_hour_that_comes_twice_opens_once() -> None:
    schedule = windowed("01:15", "01:45", "America/New_York", 6)
    findings = found(schedule, systemd("*:0/15 UTC"))
    [twice] = [f for f in findings if f.rule.name == "clock-change-window-twice"]
    assert twice.what.endswith("01:15 to 01:45 of 2026-11-01")
    assert is_approved(findings)


def test_an_overnight_window_that_ends_in_that_hour_is_told_as_well() -> None:
    schedule = windowed("18:00", "01:30", "Australia/Lord_Howe", 5)
    findings = found(schedule, systemd("*:0/15 UTC"))
    [twice] = [f for f in findings if f.rule.name == "clock-change-window-twice"]
    assert twice.what.endswith("18:00 to 01:30 of 2027-04-03")
