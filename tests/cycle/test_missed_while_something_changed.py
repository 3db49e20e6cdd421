"""What a run says of the slots before it when the one before was killed, or had other settings."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta

import pytest

from support.bench import START, Bench
from support.orders_desk import Person
from tradebot.scheduling.run_lock import RunLock
from tradebot.scheduling.slots import slot_start
from tradebot.wiring import lock_path


def scheduled(
    bench: Bench, cadence: int = 300, *, offset: int = 0, hours: dict[str, str] | None = None
) -> None:
    """A run that a scheduler starts now, and the settings stay."""
    bench.environment |= {
        **(hours or {}),
        "SCHEDULE_CADENCE": f"{cadence}s",
        "SCHEDULE_OFFSET_SECONDS": str(offset),
    }
    bench.cycle(slot=slot_start(bench.clock.now(), cadence, offset))


def told(bench: Bench) -> list[tuple[str, ...]]:
    """From, to, count and reason of each line."""
    return [
        (line["missed_from"][11:16], line["missed_to"][11:16], line["missed_count"], line["reason"])
        for line in bench.lines("schedule_runs_missed")
    ]


def go_to(bench: Bench, minutes: float) -> datetime:
    moment = START + timedelta(minutes=minutes)
    bench.clock.advance((moment - bench.clock.now()).total_seconds())
    return moment


def killed_in_its_jitter(bench: Bench, minutes: float) -> str:
    """A run that got no further than its row."""
    now = go_to(bench, minutes)
    run_id = str(uuid.uuid4())
    with bench.journal() as journal:
        journal.runs.begin(run_id, pid=1, at=now, slot=slot_start(now, 60))
    return run_id


def test_a_run_that_was_killed_in_its_jitter_is_told_once_it_can_no_longer_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled(bench, 60)
    dead = killed_in_its_jitter(bench, 1)
    for minutes in (2, 3, 4, 5):
        go_to(bench, minutes)
        scheduled(bench, 60)
    assert not bench.lines("run_killed_found")  # by hand it could have gone on for 270 s
    for minutes in (6, 7):
        go_to(bench, minutes)
        scheduled(bench, 60)
    [line] = bench.lines("run_killed_found")
    assert (line["killed_run_id"], line["phase"]) == (dead, "startup")
    assert told(bench) == []
    result = Person(bench, monkeypatch).types(
        "schedule", "missed", "--since", "2026-03-03T00:00Z", "--output", "json"
    )
    words = [(one["what"], one["slots"]) for one in json.loads(result.stdout)["stretches"]]
    assert words == [("ran", 1), ("killed", 1), ("ran", 5)]


@pytest.mark.parametrize("reached_the_lock", [False, True])
def test_a_machine_that_went_down_with_a_run_was_off_and_not_busy(
    bench: Bench, reached_the_lock: bool
) -> None:
    scheduled(bench, 60)
    killed_in_its_jitter(bench, 1)
    if reached_the_lock:
        with bench.journal() as journal:
            [row] = journal.runs.latest(1)
            journal.runs.locked(row.row_id, at=bench.clock.now(), cycle_id=2)
    go_to(bench, 30)
    scheduled(bench, 60)
    assert told(bench) == [("15:02", "15:29", "28", "no_wakeup")]
    assert len(bench.lines("run_killed_found")) == 1


def test_a_killed_run_whose_successor_came_in_time_had_kept_the_slot_between(bench: Bench) -> None:
    """At 15:03 a run could start again: the scheduler was there all the time."""
    scheduled(bench, 60)
    killed_in_its_jitter(bench, 1)
    with bench.journal() as journal:
        [row] = journal.runs.latest(1)
        journal.runs.locked(row.row_id, at=bench.clock.now(), cycle_id=2)
    go_to(bench, 3)
    scheduled(bench, 60)
    assert told(bench) == [("15:02", "15:02", "1", "busy")]


def test_a_slower_cadence_makes_nothing_missed(bench: Bench) -> None:
    for minutes in (0, 5):
        go_to(bench, minutes)
        scheduled(bench, 300)
    for minutes in (60, 120):
        go_to(bench, minutes)
        scheduled(bench, 3600)
    assert told(bench) == []
    go_to(bench, 240)
    scheduled(bench, 3600)
    assert told(bench) == [("18:00", "18:00", "1", "no_wakeup")]


def test_another_offset_makes_nothing_missed(bench: Bench) -> None:
    scheduled(bench)
    go_to(bench, 7)
    scheduled(bench, offset=120)
    assert told(bench) == []


@pytest.mark.parametrize(
    ("change", "later"),
    [
        ({"TRADING_END": "22:00"}, 5),
        ({"TRADING_START": "06:00", "TRADING_DAYS": "TUE,WED"}, 17),
        ({"TRADING_DAYS": "TUE,WED"}, 18.5),
        ({"TRADING_HOURS_MODE": "always"}, 5),
    ],
)
def test_wider_hours_make_nothing_missed(
    bench: Bench, change: dict[str, str], later: float
) -> None:
    """With a narrow schedule nobody was to wake the bot up outside of the old ones."""
    window = {
        "TRADING_HOURS_MODE": "fixed",
        "TRADING_START": "09:00",
        "TRADING_END": "15:10",
        "TRADING_DAYS": "TUE",
        "TIMEZONE": "UTC",
    }
    for minutes in (0, 5):
        go_to(bench, minutes)
        scheduled(bench, hours=window)
    go_to(bench, 60 * later)
    scheduled(bench, hours=window | change)
    assert told(bench) == []


def test_an_outage_is_told_although_the_settings_changed_meanwhile(bench: Bench) -> None:
    scheduled(bench)
    go_to(bench, 122)
    scheduled(bench, offset=120)
    assert told(bench) == [("15:05", "16:55", "23", "no_wakeup")]
    go_to(bench, 242)
    scheduled(bench, 3600, offset=120)
    assert told(bench)[1:] == [("18:02", "18:02", "1", "no_wakeup")]


def test_a_busy_run_leaves_the_change_to_the_next(bench: Bench) -> None:
    """Its row says nothing of which settings were in force; the stretches around it do."""
    scheduled(bench)
    go_to(bench, 5)
    with RunLock(lock_path(bench.settings())) as lock:
        lock.acquire(run_id="other")
        scheduled(bench)
        go_to(bench, 60)
        scheduled(bench, 3600)
    go_to(bench, 120)
    scheduled(bench, 3600)
    assert told(bench) == []
