"""Missed slots, by the log alone: told, untold, over a changed cadence, and days without a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from support.story_lines import Asked, entries_of, told
from tradebot.logtools.stories.run_story import RunStories
from tradebot.logtools.stories.slots_seen import TOLD, gaps, told_of

DAY = datetime(2025, 12, 17, tzinfo=UTC)


def at(clock: str, day: int = 17) -> datetime:
    hours, minutes = clock.split(":")
    return DAY + timedelta(days=day - 17, hours=int(hours), minutes=int(minutes))


def run_lines(
    slot: datetime, *, cadence: int = 300, more: Sequence[str] = (), host: str = "h"
) -> list[str]:
    """A run that ran through, two seconds late; `more` events before its end."""
    name = f"{slot:%d%H%M%S}-{host}"
    moment = slot + timedelta(seconds=2)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    shown = f"slot={slot:%Y-%m-%dT%H:%M:%SZ}"
    return [
        told("startup_begin", "argv=--scheduled", at=stamp, run=name, cycle="-"),
        told(
            "startup_config_loaded",
            f"host={host} instance=i cadence={cadence}.0",
            at=stamp,
            run=name,
            cycle="-",
        ),
        told("cycle_begin", f"{shown} lateness_seconds=2.0", at=stamp, run=name),
        *(told(TOLD, words, at=stamp, run=name) for words in more),
        told("cycle_end", "exit_code=0 duration_ms=1", at=stamp, run=name),
    ]


def startup_failed(moment: datetime) -> list[str]:
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    name = f"failed-{moment:%H%M}"
    return [
        told("startup_begin", 'argv="--single-cycle --scheduled"', at=stamp, run=name, cycle="-"),
        told("startup_failed", "exit_code=74", at=stamp, run=name, cycle="-", level="ERROR"),
    ]


def missed(first: datetime, last: datetime, count: int, reason: str = "no_wakeup") -> str:
    return (
        f"missed_count={count} missed_from={first:%Y-%m-%dT%H:%M:%SZ}"
        f" missed_to={last:%Y-%m-%dT%H:%M:%SZ} reason={reason}"
    )


def found(
    lines: Sequence[str], missing_days: Sequence[date] = ()
) -> list[tuple[str, str, str, int, str]]:
    stories, lines_told = RunStories(), []
    for entry in entries_of(lines):
        stories.add(entry)
        if entry.event == TOLD:
            lines_told.append(told_of(entry))
    return [
        (gap.fate.value, gap.first[8:16], gap.last[8:16], gap.count, gap.reason)
        for gap in gaps(stories.stories, filter(None, lines_told), missing_days)
    ]


def test_what_the_next_run_tells() -> None:
    line = missed(at("07:10"), at("07:20"), 3)
    lines = [*run_lines(at("07:05")), *run_lines(at("07:25"), more=[line])]
    assert found(lines) == [("missed", "17T07:10", "17T07:20", 3, "no_wakeup")]


def test_what_was_told_twice_counts_once() -> None:
    line = missed(at("07:10"), at("07:20"), 3)
    lines = [
        *run_lines(at("07:05")),
        *run_lines(at("07:25"), more=[line]),
        *run_lines(at("07:30"), more=[f"{line} replayed=true"]),
    ]
    assert len(found(lines)) == 1


def test_what_nobody_called_missed() -> None:
    lines = [*run_lines(at("07:05")), *run_lines(at("07:25")), *run_lines(at("07:30"))]
    assert found(lines) == [("no_run", "17T07:10", "17T07:20", 3, "")]


def test_what_nobody_could_tell_yet() -> None:
    lines = [*run_lines(at("07:05")), *startup_failed(at("07:26")), *startup_failed(at("07:41"))]
    assert found(lines) == [
        ("missed", "17T07:10", "17T07:20", 3, "not_told"),
        ("missed", "17T07:30", "17T07:35", 2, "not_told"),
    ]
    told_later = [*lines, *run_lines(at("07:45"), more=[missed(at("07:10"), at("07:35"), 5)])]
    assert found(told_later) == [("missed", "17T07:10", "17T07:35", 5, "no_wakeup")]


def test_a_gap_that_is_told_in_part() -> None:
    lines = [
        *run_lines(at("07:00")),
        *run_lines(at("08:00"), more=[missed(at("07:20"), at("07:30"), 3, "busy")]),
    ]
    assert found(lines) == [
        ("no_run", "17T07:05", "17T07:15", 3, ""),
        ("missed", "17T07:20", "17T07:30", 3, "busy"),
        ("no_run", "17T07:35", "17T07:55", 5, ""),
    ]


def test_a_failed_start_was_a_run_of_its_slot() -> None:
    lines = [*run_lines(at("07:05")), *startup_failed(at("07:13")), *run_lines(at("07:15"))]
    assert found(lines) == []


def test_a_changed_cadence_makes_no_gaps() -> None:
    lines = [
        *run_lines(at("07:00"), cadence=1800),
        *run_lines(at("07:30"), cadence=1800),
        *run_lines(at("07:40")),
        *run_lines(at("07:45")),
        *run_lines(at("07:55")),
        *run_lines(at("08:30"), cadence=1800),
        *run_lines(at("10:00"), cadence=1800),
        *run_lines(at("11:35")),
    ]
    assert found(lines) == [
        ("no_run", "17T07:50", "17T07:50", 1, ""),
        ("no_run", "17T08:00", "17T08:00", 1, ""),
        ("no_run", "17T09:00", "17T09:30", 2, ""),
        ("no_run", "17T10:30", "17T11:30", 3, ""),
    ]


def test_a_changed_offset_makes_no_gaps() -> None:
    shifted = [at("07:16"), at("07:21"), at("07:31")]
    lines = [*run_lines(at("07:05")), *run_lines(at("07:10"))]
    for slot in shifted:
        lines += run_lines(slot)
    assert found(lines) == [("no_run", "17T07:26", "17T07:26", 1, "")]


def test_of_a_day_without_a_file_nothing_is_known() -> None:
    lines = [*run_lines(at("23:45")), *run_lines(at("00:10", day=20))]
    days = [date(2025, 12, 18), date(2025, 12, 19)]
    assert found(lines, days) == [
        ("no_run", "17T23:50", "17T23:55", 2, ""),
        ("unknown", "18T00:00", "19T23:59", 0, "no_file"),
        ("no_run", "20T00:00", "20T00:05", 2, ""),
    ]


def test_bots_of_several_machines_do_not_stand_in_for_each_other() -> None:
    lines = [*run_lines(at("07:05")), *run_lines(at("07:15"))]
    for clock in ("07:05", "07:10", "07:15"):
        lines += run_lines(at(clock), host="g")
    assert found(lines) == [("no_run", "17T07:10", "17T07:10", 1, "")]


def test_runs_without_slots_miss_none() -> None:
    lines = [line for slot in ("07:05", "09:05") for line in run_lines(at(slot))]
    without = [line.replace(" slot=", " x=").replace("--scheduled", "-") for line in lines]
    assert found(without) == []


@pytest.mark.parametrize(
    "words",
    [
        "missed_count=3",
        "missed_count=x missed_from=2025-12-17T07:10:00Z missed_to=2025-12-17T07:20:00Z",
        "missed_count=3 missed_from=2025-12-17T07:30:00Z missed_to=2025-12-17T07:20:00Z",
        "missed_count=3 missed_from=yesterday missed_to=2025-12-17T07:20:00Z",
    ],
)
def test_a_line_that_makes_no_sense_tells_nothing(words: str) -> None:
    lines = [*run_lines(at("07:05")), *run_lines(at("07:10"), more=[words])]
    assert found(lines) == []


def test_a_clock_that_was_years_off_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = datetime(1970, 1, 2, tzinfo=UTC)
    lines = [*run_lines(past, cadence=1), *run_lines(at("07:05"), cadence=1)]
    (tmp_path / "bot.log").write_text("".join(lines), "utf-8")
    asked = Asked(capsys, ["runs", "--logs", tmp_path])
    assert asked.code == 0
    assert "1765868699 slots" in asked.out
