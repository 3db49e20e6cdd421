"""What `schedule explain` says: every point that decides, in the words of the log and settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tradebot.journal import Pause, RunOutcome, RunRow
from tradebot.model import InstrumentId
from tradebot.scheduling.explanation import Circumstances, describe_change, explain
from tradebot.scheduling.hours import HoursConfig
from tradebot.scheduling.local_time import clock_changes
from tradebot.scheduling.preview import Timetable, Verdict, own_jitter, scheduler_jitter

NEW_YORK = HoursConfig("fixed", frozenset(range(5)), time(9, 30), time(16), "America/New_York",
                       "XNYS")  # fmt: skip
TIMETABLE = Timetable(
    cadence=300, offset=0, hours=NEW_YORK, spread=own_jitter(15, 300, host="a", instance="b")
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


KNOWN = Circumstances(
    timetable=TIMETABLE,
    now=utc("2026-10-01 00:00"),
    machine_zone=ZoneInfo("Europe/Berlin"),
    max_lateness=150,
    deadline=None,
)


def about(moment: str, known: Circumstances = KNOWN) -> dict[str, str]:
    """Each point's text; those of one name are joined."""
    found: dict[str, str] = {}
    for name, text in explain(utc(moment), known).points:
        found[name] = f"{found[name]}\n{text}" if name in found else text
    return found


def verdict(moment: str, known: Circumstances = KNOWN) -> Verdict:
    return explain(utc(moment), known).verdict


def test_a_half_day_is_named_with_its_window_in_every_zone() -> None:
    text = about("2026-11-27 18:02")["trading hours"]
    assert "skip with reason=half_day" in text
    assert "Next opening: 2026-11-30T14:30:00Z" in text
    assert "Fri 09:30 to 16:00 America/New_York; Fri 14:30 to 21:00 UTC" in text
    assert "Fri 15:30 to 22:00 Europe/Berlin" in text
    assert "“Day after Thanksgiving Day (markets close at 1:00pm)” in XNYS: closes at 13:00" in text
    assert verdict("2026-11-27 18:02") is Verdict.SKIP


def test_a_holiday_closes_all_day_and_a_sunday_has_no_window() -> None:
    text = about("2026-11-26 15:00")["trading hours"]
    assert "“Thanksgiving Day” in XNYS: closed all day (America/New_York)" in text
    assert "no window opens on Sunday, 2026-11-29" in about("2026-11-29 15:00")["trading hours"]


def test_an_open_market_says_until_when() -> None:
    text = about("2026-11-27 17:31")["trading hours"]
    assert text.startswith("run: open until 2026-11-27T18:00:00Z")
    assert verdict("2026-11-27 17:31") is Verdict.RUN
    assert "2026-11-30 is a full day in XNYS" in about("2026-11-30 15:00")["trading hours"]


def test_a_zone_that_shows_the_same_time_is_not_repeated() -> None:
    known = replace(KNOWN, machine_zone=ZoneInfo("Etc/UTC"))
    assert "Etc/UTC" not in about("2026-11-27 17:31", known)["trading hours"]


def test_the_slot_and_how_late_a_start_would_be() -> None:
    accepted = about("2026-11-27 17:02:30")["slot"]
    assert accepted.startswith("2026-11-27T17:00:00Z to 2026-11-27T17:05:00Z")
    assert "comes 150 s into it: accepted (up to 150 s)" in accepted
    late = about("2026-11-27 17:03")["slot"]
    assert "180 s into it, later than SCHEDULE_MAX_LATENESS (150 s)" in late
    assert "reason=late, and the next slot is at 2026-11-27T17:05:00Z" in late
    assert "A start only" not in about("2026-11-27 17:00")["slot"]
    assert verdict("2026-11-27 17:03") is Verdict.RUN  # of the slot's run, on time


def test_whose_jitter_it_is() -> None:
    assert about("2026-11-27 17:00")["jitter"].startswith("this host waits ")
    drawn = replace(KNOWN, timetable=replace(TIMETABLE, spread=scheduler_jitter(15)))
    assert "delays the start by up to 15 s" in about("2026-11-27 17:00", drawn)["jitter"]
    none = replace(KNOWN, timetable=replace(TIMETABLE, spread=scheduler_jitter(0)))
    assert about("2026-11-27 17:00", none)["jitter"].startswith("none; ")


def test_clocks_that_change_that_night() -> None:
    text = about("2026-11-01 05:00")["clocks"]
    assert "America/New_York 02:00 -> 01:00 at 2026-11-01T06:00:00Z, an hour comes twice" in text
    text = about("2026-10-25 03:00")["clocks"]  # the machine's own
    assert "Europe/Berlin 03:00 -> 02:00 at 2026-10-25T01:00:00Z" in text
    assert "clocks" not in about("2026-11-03 05:00")


@pytest.mark.parametrize(
    ("zone", "since", "told"),
    [
        ("Europe/London", "2027-03-01",
         "01:00 -> 02:00 at 2027-03-28T01:00:00Z, an hour is left out"),
        ("Australia/Lord_Howe", "2027-03-01",
         "02:00 -> 01:30 at 2027-04-03T15:00:00Z, 30 minutes come twice"),
        ("Australia/Lord_Howe", "2026-09-01",
         "02:00 -> 02:30 at 2026-10-03T15:30:00Z, 30 minutes are left out"),
    ],
)  # fmt: skip
def test_a_change_in_words(zone: str, since: str, told: str) -> None:
    change = next(clock_changes(ZoneInfo(zone), utc(since), utc(since) + timedelta(days=90)))
    assert describe_change(zone, change) == f"{zone} {told}"


def test_zones_without_changes_have_none_and_the_ends_of_a_span_count_once() -> None:
    year = (utc("2026-01-01"), utc("2027-01-01"))
    assert list(clock_changes(ZoneInfo("Asia/Kolkata"), *year)) == []
    zone, autumn = ZoneInfo("Europe/London"), utc("2026-10-25 01:00")
    assert [change.at for change in clock_changes(zone, *year)] == [utc("2026-03-29 01:00"), autumn]
    assert [c.at for c in clock_changes(zone, autumn - timedelta(days=1), autumn)] == [autumn]
    assert list(clock_changes(zone, autumn, autumn + timedelta(days=1))) == []
    odd = autumn - timedelta(hours=5, microseconds=7)
    assert [c.at for c in clock_changes(zone, odd, autumn + timedelta(days=1))] == [autumn]


def test_the_deadline_is_the_slots_or_the_settings() -> None:
    assert about("2026-11-27 17:01")["deadline"].startswith("2026-11-27T17:04:00Z, 80% of")
    own = replace(KNOWN, deadline=100.0)
    assert about("2026-11-27 17:01", own)["deadline"].startswith("2026-11-27T17:01:40Z, CYCLE_DE")


def test_what_else_could_stop_it_and_a_pause() -> None:
    text = about("2026-11-27 17:01")["what else"]
    assert "reason=taken" in text
    assert "tradebot schedule lock" in text
    assert "tradebot pause" in text
    paused = replace(KNOWN, timetable=replace(TIMETABLE, pause=Pause("by_hand", None)))
    assert about("2026-11-27 17:01", paused)["paused"].startswith("until `tradebot resume` (by_")
    assert verdict("2026-11-27 17:01", paused) is Verdict.PAUSED


def row(outcome: RunOutcome | None, slot: str | None, reason: str | None = None) -> RunRow:
    start = utc("2026-09-30 15:00:03")
    return RunRow(
        row_id=1,
        run_id="run-1",
        pid=1,
        started_at=start,
        phase="slot",
        slot=None if slot is None else utc(slot),
        cycle_id=None,
        ended_at=None if outcome is None else start + timedelta(seconds=2),
        outcome=outcome,
        reason=reason,
        exit_code=None if outcome is None else 0,
    )


def test_of_the_past_the_journal_says_what_happened() -> None:
    assert about("2026-09-30 15:00")["journal"] == "no run of this slot is recorded"
    assert "what else" not in about("2026-09-30 15:00")
    skipped = replace(KNOWN, rows=[row(RunOutcome.SKIPPED, "2026-09-30 15:00", "late")])
    assert about("2026-09-30 15:00", skipped)["journal"] == (
        "run run-1 started at 2026-09-30T15:00:03Z: skipped at 2026-09-30T15:00:05Z, reached the "
        "step slot, reason=late, exit code 0"
    )
    by_hand = replace(KNOWN, rows=[row(RunOutcome.RAN, None)])
    assert "run run-1 by hand or before" in about("2026-09-30 15:00", by_hand)["journal"]
    killed = replace(KNOWN, rows=[row(None, "2026-09-30 15:00")])
    assert about("2026-09-30 15:00", killed)["journal"].endswith("15:00:03Z: not ended")


def test_a_pause_of_today_says_nothing_of_yesterday() -> None:
    paused = replace(KNOWN, timetable=replace(TIMETABLE, pause=Pause("by_hand", None)))
    assert verdict("2026-09-30 15:00", paused) is Verdict.RUN


def test_the_slot_under_way_is_past_once_its_run_came_to_its_end() -> None:
    known = replace(KNOWN, now=utc("2026-09-30 15:01"))
    assert about("2026-09-30 15:00", known)["journal"] == "no run of this slot is recorded yet"
    assert not explain(utc("2026-09-30 15:00"), known).past
    done = replace(known, rows=[row(RunOutcome.RAN, "2026-09-30 15:00")])
    assert explain(utc("2026-09-30 15:00"), done).past


def test_by_instrument_it_says_how_far_the_sessions_are_known() -> None:
    hours = HoursConfig("instrument")
    stock = InstrumentId("Stock", 211)
    none = replace(KNOWN, timetable=replace(TIMETABLE, hours=hours, sessions={stock: ()}))
    assert "a run asks the broker" in about("2026-11-27 17:01", none)["trading hours"]
    assert verdict("2026-11-27 17:01", none) is Verdict.UNKNOWN
