"""What became of each slot: against a judgement slot by slot, and case by case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.slot_rows import (
    ALWAYS,
    BUSY,
    FAILED,
    KILLED,
    LIMIT,
    RAN,
    SKIPPED,
    history,
    run,
    utc,
    words,
)
from tradebot.journal import Grid, RunRow
from tradebot.model import InstrumentId
from tradebot.scheduling.expected_slots import expected_slots
from tradebot.scheduling.hours import HoursConfig, Run, decide
from tradebot.scheduling.missed import MissedRuns, gaps
from tradebot.scheduling.slot_history import (
    Recorded,
    Times,
    merged,
    slot_history,
)
from tradebot.scheduling.slots import slot_start
from tradebot.vocabulary.reasons import MissedReason

OFFICE = HoursConfig("fixed", frozenset(range(5)), time(9), time(17), "Europe/Copenhagen")


def test_slots_of_the_same_fate_are_one_stretch() -> None:
    found = history(
        "2026-06-15 12:00",
        "2026-06-15 13:00",
        [run("2026-06-15 12:00"), run("2026-06-15 12:05"), run("2026-06-15 12:30")],
    )
    assert words(found) == [("ran", 2), ("no-wakeup", 4), ("ran", 1), ("no-wakeup", 5)]
    assert (found[1].first, found[1].last) == (utc("2026-06-15 12:10"), utc("2026-06-15 12:25"))


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (run("2026-06-15 12:00"), "ran"),
        (run("2026-06-15 12:00", SKIPPED, reason="holiday"), "skipped:holiday"),
        (run("2026-06-15 12:00", SKIPPED, reason="late", delay=200), "late"),
        (run("2026-06-15 12:00", FAILED, code=69), "failed:69"),
        (run("2026-06-15 12:00", KILLED, code=None, lasts=86400), "killed"),
        (run("2026-06-15 12:00", BUSY, code=75, cycle=None), "busy:holder_unknown"),
        (run("2026-06-15 12:00", None, code=None), "killed"),
        (run("2026-06-15 12:00", None, code=None, run_id="alive", phase="execute"), "running"),
    ],
)
def test_each_end_of_a_run_is_a_fate(row: RunRow, word: str) -> None:
    [found, *_] = history("2026-06-15 12:00", "2026-06-15 12:01", [row], running=["alive"])
    assert found.word.removesuffix(":execute") == word
    assert (found.run_id, found.kind) == (row.run_id, "live")


def test_of_several_runs_of_a_slot_the_best_counts_and_the_others_are_told() -> None:
    slot = "2026-06-15 12:00"
    rows = [
        run(slot, FAILED, code=69),
        run(slot, FAILED, code=69, delay=31),
        run(slot, RAN, delay=62, run_id="best"),
        run(slot, SKIPPED, reason="taken", delay=93),
    ]
    [found] = history(slot, "2026-06-15 12:05", rows)
    assert (found.word, found.run_id) == ("ran", "best")
    assert found.others == (("failed:69", 2), ("skipped:taken", 1))
    [found] = history(slot, "2026-06-15 12:05", [*rows[:2], rows[3]])
    assert found.word == "failed:69"  # that a third was turned away says less
    late = run(slot, SKIPPED, reason="late", delay=290)
    [found] = history(slot, "2026-06-15 12:05", [rows[0], late])
    assert found.word == "failed:69"


def test_a_slot_in_which_an_earlier_run_was_still_going_is_busy() -> None:
    long = run("2026-06-15 12:00", lasts=700, run_id="long")  # until 12:11:41
    found = history("2026-06-15 12:00", "2026-06-15 12:30", [long, run("2026-06-15 12:25")])
    assert words(found) == [("ran", 1), ("busy:long", 2), ("no-wakeup", 2), ("ran", 1)]
    assert not found[1].is_recorded


def test_busy_is_what_begins_while_the_run_is_going() -> None:
    """The clock was set, or the run waited long: it started in another slot than its own."""
    for delay, fates in (
        (420, ("no-wakeup", "busy", "busy")),
        (300, ("no-wakeup", "busy", "busy")),
    ):
        late = run("2026-06-15 12:00", delay=delay, lasts=899 - delay + 300, run_id="it")
        found = history("2026-06-15 12:05", "2026-06-15 12:20", [late])
        told = [stretch.fate for stretch in found for _ in range(stretch.count)]
        assert tuple(told) == fates, delay


def test_a_run_that_is_still_going_keeps_the_slots_up_to_now_busy() -> None:
    rows = [run("2026-06-15 12:00", None, run_id="long")]
    assert words(history("2026-06-15 12:00", "2026-06-15 12:20", rows, running=["long"])) == [
        ("running:end", 1),
        ("busy:long", 3),
    ]
    # Nobody knows when a killed one ended: at its time-out, at the latest.
    assert words(history("2026-06-15 12:00", "2026-06-15 12:20", rows)) == [
        ("killed", 1),
        ("no-wakeup", 3),
    ]


def test_a_killed_run_was_not_going_until_somebody_found_out() -> None:
    dead = run("2026-06-15 12:00", KILLED, lasts=3600)
    rows = [dead, run("2026-06-15 12:05", BUSY, code=75, cycle=None)]
    assert words(history("2026-06-15 12:00", "2026-06-15 12:15", rows)) == [
        ("killed", 1),
        ("busy:holder_unknown", 1),
        ("no-wakeup", 1),
    ]


def test_a_busy_run_is_named_with_who_held_the_lock() -> None:
    rows = [
        run(None, lasts=700, at="2026-06-15 12:00", run_id="by hand"),
        run("2026-06-15 12:05", BUSY, code=75, cycle=None, run_id="loser"),
        run("2026-06-15 12:15", BUSY, code=75, cycle=None),
    ]
    assert words(history("2026-06-15 12:05", "2026-06-15 12:20", rows)) == [
        ("busy:by hand", 1),
        ("no-wakeup", 1),  # a run by hand keeps no scheduler from starting one
        ("busy:holder_unknown", 1),
    ]


def test_a_run_whose_settings_hid_its_slot_counts_where_it_started() -> None:
    lost = run(None, FAILED, at="2026-06-15 12:07", code=78, phase="startup", cycle=None, lasts=0)
    assert words(history("2026-06-15 12:00", "2026-06-15 12:15", [lost])) == [
        ("no-wakeup", 1),
        ("failed:78", 1),
        ("no-wakeup", 1),
    ]


def test_what_one_run_left_in_both_journals_counts_once() -> None:
    row = run("2026-06-15 12:00", FAILED, code=78, phase="startup", cycle=None)
    [record] = merged({"live": [row], "dry": [row]})
    assert record.kind == "both"
    other = run("2026-06-15 12:05", run_id=row.run_id)  # a loop: one process, many slots
    assert [r.kind for r in merged({"live": [row, other], "dry": [row]})] == ["both", "live"]


def test_a_slot_is_not_missed_before_it_is_due() -> None:
    found = history("2026-06-15 12:00", "2026-06-15 12:20", due="2026-06-15 12:10")
    assert words(found) == [("no-wakeup", 2)]
    rows = [run("2026-06-15 12:15")]
    found = history("2026-06-15 12:00", "2026-06-15 12:20", rows, due="2026-06-15 12:10")
    assert words(found) == [("no-wakeup", 2), ("ran", 1)]


def test_only_trading_hours_count() -> None:
    since, until = "2026-06-19 14:50", "2026-06-22 07:10"
    found = history(since, until, config=OFFICE)
    assert words(found) == [("no-wakeup", 4)]  # one gap, over the weekend
    weekend = [run("2026-06-20 12:00", SKIPPED, reason="not_a_trading_day")]
    found = history(since, until, weekend, config=OFFICE)
    assert words(found) == [("no-wakeup", 2), ("no-wakeup", 2)]  # in between it was alive


def test_another_cadence_is_judged_by_itself() -> None:
    grids = [Grid(utc("2026-06-15"), 600, 0), Grid(utc("2026-06-15 12:20"), 300, 60)]
    rows = [run("2026-06-15 12:00"), run("2026-06-15 12:10"), run("2026-06-15 12:21")]
    found = history("2026-06-15 12:00", "2026-06-15 12:31", rows, grids=grids)
    assert words(found) == [("ran", 3), ("no-wakeup", 1)]
    assert found[1].first == utc("2026-06-15 12:26")


def test_rows_off_the_grid_are_shown_all_the_same() -> None:
    found = history("2026-06-15 12:00", "2026-06-15 12:10", [run("2026-06-15 12:02")])
    assert words(found) == [("no-wakeup", 1), ("ran", 1), ("no-wakeup", 1)]


def one(slot: str, reason: MissedReason, holder: str | None = None) -> MissedRuns:
    return MissedRuns(1, utc(slot), utc(slot), reason, holder)


def test_gaps_are_what_has_no_row() -> None:
    rows = [
        run("2026-06-15 12:00", lasts=400, run_id="long"),
        run("2026-06-15 12:15", BUSY, code=75, cycle=None),
        run("2026-06-15 12:20", FAILED, code=69),
    ]
    assert gaps(history("2026-06-15 12:00", "2026-06-15 12:30", rows)) == [
        one("2026-06-15 12:05", MissedReason.BUSY, "long"),
        one("2026-06-15 12:10", MissedReason.NO_WAKEUP),
        one("2026-06-15 12:25", MissedReason.NO_WAKEUP),
    ]


def test_sessions_say_what_was_expected_of_instruments() -> None:
    class Session:
        start_time = utc("2026-07-20 13:30")
        end_time = utc("2026-07-20 20:00")
        state = "AutomatedTrading"

    def expected(sessions: dict[InstrumentId, tuple[Session, ...]]) -> list[int]:
        since, until = utc("2026-07-20 12:00"), utc("2026-07-20 13:45")
        grids = [Grid(since, 300, 0)]
        config = HoursConfig("instrument")
        return [r.count for r in expected_slots(since, until, grids, config, sessions)]

    assert expected({InstrumentId("Stock", 211): (Session(),)}) == [3]
    assert expected({}) == []


# Slot by slot.

RANKS = ("ran", "skipped", "running", "failed", "killed", "late", "busy")
DAY = timedelta(days=1)


def naive(
    since: datetime,
    until: datetime,
    records: Sequence[Recorded],
    grids: Sequence[Grid],
    config: HoursConfig,
    times: Times,
) -> list[tuple[datetime, str]]:
    """Each slot and its class, by looking at every minute and every row."""
    rows = [record.row for record in records]
    found = []
    moment = since
    while moment < until:
        grid = [g for g in grids if g.since <= moment or g is grids[0]][-1]
        mine = [row for row in rows if row.slot == moment]
        on_grid = slot_start(moment, grid.cadence, grid.offset) == moment
        if isinstance(decide(moment, config), Run) and (mine or on_grid):
            words = [naive_word(row, times) for row in mine]
            word = min(words, key=naive_rank) if mine else bare(moment, rows, grids, times)
            if word:
                found.append((moment, word))
        moment += timedelta(minutes=1)
    return found


def naive_word(row: RunRow, times: Times) -> str:
    if row.outcome is None:
        waits = row.cycle_id is None and row.started_at + times.limit > times.now
        return f"running:{row.phase}" if waits else "killed"
    if row.reason == "late":
        return "late"
    return f"skipped:{row.reason}" if row.outcome is SKIPPED else str(row.outcome)


def naive_rank(word: str) -> int:
    return 99 if word in ("skipped:taken", "skipped:exhausted") else RANKS.index(word.split(":")[0])


def bare(moment: datetime, rows: Sequence[RunRow], grids: Sequence[Grid], times: Times) -> str:
    if moment >= times.due:
        return ""
    for row in rows:
        end = row.ended_at
        if row.outcome in (None, KILLED):
            end = naive_end(row, [r for r in rows if r.started_at > row.started_at], grids, times)
        if row.outcome is not BUSY and end is not None and row.started_at < moment < end:
            return f"busy:{row.run_id}"
    return "no-wakeup"


def naive_end(
    row: RunRow, later: Sequence[RunRow], grids: Sequence[Grid], times: Times
) -> datetime | None:
    """Of a run whose end nobody saw; `later` began after it, and all are scheduled."""
    ends = [row.started_at + times.limit, *([row.ended_at] if row.ended_at else [])]
    ends += [r.started_at for r in later if r.cycle_id is not None]
    [grid] = [g for g in grids if g.since <= min(ends) or g is grids[0]][-1:]
    free = slot_start(min(ends), grid.cadence, grid.offset)
    while free < min(ends):
        free += timedelta(seconds=grid.cadence)
    came = later and later[0].slot is not None and later[0].slot <= free
    return min(ends) if came and row.cycle_id is not None else None


@st.composite
def stories(draw: st.DrawFn) -> tuple[datetime, int, list[Grid], list[RunRow]]:
    """Some hours around a night, with runs of two cadences: some missing, some far too long."""
    night = utc(draw(st.sampled_from(["2026-03-28", "2026-10-24", "2026-06-14"])))
    since = night + timedelta(minutes=draw(st.integers(15 * 60, 30 * 60)))
    minutes = draw(st.integers(1, 300))
    change = since + timedelta(minutes=draw(st.integers(-60, 300)))
    cadences = draw(st.permutations([60, 300, 600, 900]))
    grids = [Grid(night, cadences[0], 0), Grid(change, cadences[1], 60 * draw(st.integers(0, 1)))]
    rows: list[RunRow] = []
    for minute in draw(st.sets(st.integers(-60, minutes), max_size=25)):
        moment = since + timedelta(minutes=minute)
        grid = grids[moment >= change]
        outcome, reason = draw(
            st.sampled_from([
                (RAN, None), (RAN, None), (SKIPPED, "holiday"), (SKIPPED, "late"),
                (SKIPPED, "taken"), (FAILED, None), (KILLED, None), (BUSY, None), (None, None),
            ])
        )  # fmt: skip
        rows.append(
            run(
                slot_start(moment, grid.cadence, grid.offset),
                outcome,
                delay=draw(st.sampled_from([0, 0.5, 20])) + len(rows) / 1000,
                lasts=draw(st.sampled_from([1, 30, 59.5, 300, 900, 7000])),
                reason=reason,
                code=None,
                cycle=draw(st.sampled_from([1, 1, None])),
            )
        )
    return since, minutes, grids, rows


@settings(deadline=None, max_examples=150)
@given(
    stories(),
    st.none() | st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(1, 900)),
    st.integers(0, 300),
)
def test_it_equals_a_look_at_every_slot(
    story: tuple[datetime, int, list[Grid], list[RunRow]],
    window: tuple[int, int, int] | None,
    due_in: int,
) -> None:
    since, minutes, grids, rows = story
    until = since + timedelta(minutes=minutes)
    config = ALWAYS
    if window is not None:
        hour, minute, length = window
        begin = utc("2026-01-01") + timedelta(hours=hour, minutes=minute)
        end = begin + timedelta(minutes=length)
        days = frozenset({4, 5, 6})
        config = HoursConfig("fixed", days, begin.time(), end.time(), "Europe/Copenhagen")
    times = Times(until, since + timedelta(minutes=due_in), LIMIT)
    records = merged({"live": rows})
    expected = naive(since, until, records, grids, config, times)
    found = slot_history(expected_slots(since, until, grids, config), records, grids, times)
    assert sum(stretch.count for stretch in found) == len(expected)
    place = 0
    for stretch in found:
        mine = expected[place : place + stretch.count]
        place += stretch.count
        assert (stretch.first, stretch.last) == (mine[0][0], mine[-1][0])
        word = stretch.word
        if stretch.is_recorded:
            word = word.partition(":")[0] if stretch.fate in ("busy", "failed") else word
        assert {told for _, told in mine} == {word}
