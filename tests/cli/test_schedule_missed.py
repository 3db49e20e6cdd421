"""`tradebot schedule missed`: what became of each slot, from the journals that real runs wrote."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import NoReturn

import pytest

from support.bench import START, Bench
from support.orders_desk import Person
from support.slot_questions import STEP, asks, document, go_to, scheduled, stretches
from tradebot.cli import _missed_record
from tradebot.deploy.model import Schedule
from tradebot.deploy.scheduler import Remark, Status
from tradebot.errors import BrokerUnavailable, SettingsError, StorageError
from tradebot.journal import Journal, RunOutcome
from tradebot.scheduling.run_lock import RunLock
from tradebot.scheduling.slots import slot_start
from tradebot.strategies.base import MarketView
from tradebot.wiring import journal_path, leave_row, lock_path


def test_when_all_is_well_it_says_what_that_rests_on(bench: Bench, person: Person) -> None:
    for _ in range(3):
        scheduled(bench)
    result = asks(person)
    assert result.exit_code == 0
    first, *_ = result.stdout.splitlines()
    assert first == "3 slots from 2026-03-03T15:00:00Z to 2026-03-03T15:15:00Z"
    assert "ran" in result.stdout
    assert f"read {journal_path(bench.settings())}: 3 runs" in result.stderr
    assert "no dry run was ever recorded" in result.stderr
    assert "nothing is expected before 2026-03-03T15:00:00Z" in result.stderr


def test_without_a_scheduled_run_nothing_is_judged(bench: Bench, person: Person) -> None:
    result = asks(person)
    assert result.exit_code == 2
    assert not list((bench.folder / "state").rglob("journal.db"))  # looking makes none
    assert "nothing was judged" in result.stderr
    assert "no scheduled run is on record" in result.stderr
    bench.cycle()  # by hand
    assert asks(person).exit_code == 2


def test_a_span_before_the_first_run_is_not_judged(bench: Bench, person: Person) -> None:
    scheduled(bench)
    result = asks(person, "--until", "2026-03-03T12:00Z")
    assert result.exit_code == 2
    assert "nothing was judged" in result.stderr


def test_every_class_of_slot(bench: Bench, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        name, version, horizon_minutes, bars_needed = "slow", "1", 1440, 1

        def decide(self, view: MarketView) -> NoReturn:
            go_to(bench, START + 11 * STEP + timedelta(minutes=1))
            raise ValueError("after a long time")

    def die(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    scheduled(bench)  # 15:00
    with bench.journal() as journal:
        journal.control.pause("by_hand")
    scheduled(bench)  # 15:05
    with bench.journal() as journal:
        journal.control.resume()
    with RunLock(lock_path(bench.settings())) as lock:
        lock.acquire(run_id="a command")
        scheduled(bench)  # 15:10
    bench.clock.advance(200)
    bench.cycle(slot=START + 3 * STEP)  # 15:15, too late
    go_to(bench, START + 4 * STEP)
    bench.fault("no_access", count=None)
    scheduled(bench)  # 15:20
    bench.clear_faults()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("tradebot.orchestrator.Cycle._decide", die)
        scheduled(bench)  # 15:25
    go_to(bench, START + 9 * STEP)  # nothing at 15:30, 15:35 and 15:40
    bench.strategy = Slow()
    bench.cycle(slot=bench.clock.now())  # 15:45, until after 15:55
    bench.strategy = None
    go_to(bench, START + 12 * STEP)
    scheduled(bench)  # 16:00
    found = stretches(person)
    slow = next(what for _, what, _ in found if what.startswith("busy:") and "-" in what)
    assert found == [
        ("15:00", "ran", 1),
        ("15:05", "skipped:by_hand", 1),
        ("15:10", "busy:holder_unknown", 1),
        ("15:15", "late", 1),
        ("15:20", "failed:69", 1),
        ("15:25", "killed", 1),
        ("15:30", "no-wakeup", 3),
        ("15:45", "ran", 1),
        ("15:50", slow, 2),
        ("16:00", "ran", 1),
    ]
    answer = document(person)
    assert answer["stretches"][7]["last_run_id"] == slow.removeprefix("busy:")
    assert (answer["slots"], answer["missed"]) == (13, 9)
    assert answer["counts"] == {
        "ran": 3, "skipped:by_hand": 1, "failed:69": 1, "killed": 1, "late": 1, "busy": 3,
        "no-wakeup": 3,
    }  # fmt: skip
    result = asks(person)
    assert result.exit_code == 1
    assert "Somebody paused trading" in result.stdout
    lines = asks(person, "--output", "jsonl").stdout.splitlines()
    assert [json.loads(line)["what"] for line in lines] == [what for _, what, _ in found]


def test_dry_and_real_runs_are_one_story(bench: Bench, person: Person) -> None:
    for dry_run in (True, True, False):
        scheduled(bench, dry_run=dry_run)
    answer = document(person)
    assert [(one["journal"], one["slots"]) for one in answer["stretches"]] == [
        ("dry", 2),
        ("live", 1),
    ]
    assert len(answer["read"]) == 2
    assert asks(person).exit_code == 0


def test_a_restart_that_worked_makes_the_slot_good(bench: Bench, person: Person) -> None:
    bench.fault("no_access", count=None)
    bench.cycle(slot=START)
    bench.clear_faults()
    bench.clock.advance(30)
    bench.cycle(slot=START)
    assert asks(person).exit_code == 0
    [one] = document(person)["stretches"]
    assert (one["what"], one["also"]) == ("ran", {"failed:69": 1})


def test_a_run_is_still_going(bench: Bench, person: Person) -> None:
    scheduled(bench)
    run_id = "5f0c3ce1-66b4-4d0b-a0a0-7f9d5d8f6a11"
    with bench.journal() as journal, RunLock(lock_path(bench.settings())) as lock:
        now = bench.clock.now()
        row = journal.runs.begin(run_id, pid=1, at=now, slot=now)
        journal.runs.locked(row, at=now, cycle_id=9)
        lock.acquire(run_id=run_id)
        go_to(bench, now + 2 * STEP + timedelta(seconds=50))
        assert stretches(person) == [
            ("15:00", "ran", 1),
            ("15:05", "running:locked", 1),
            ("15:10", f"busy:{run_id}", 2),
        ]
    assert stretches(person)[1:] == [("15:05", "killed", 1), ("15:10", "no-wakeup", 2)]


def test_a_slot_is_not_missed_before_its_run_is_due(bench: Bench, person: Person) -> None:
    scheduled(bench)
    bench.clock.advance(44)
    assert asks(person).exit_code == 0
    assert "on are only judged by a row" in asks(person).stdout
    bench.clock.advance(2)
    assert stretches(person) == [("15:00", "ran", 1), ("15:05", "no-wakeup", 1)]
    assert stretches(person, "--until", "2026-03-03T15:05Z") == [("15:00", "ran", 1)]


def test_only_trading_hours_count_unless_asked(bench: Bench, person: Person) -> None:
    hours = {
        "TRADING_HOURS_MODE": "fixed",
        "TRADING_START": "09:00",
        "TRADING_END": "16:10",  # 15:10 UTC
        "TIMEZONE": "Europe/Copenhagen",
    }
    bench.environment.update(hours)
    for _ in range(3):
        scheduled(bench)
    go_to(bench, START + 5 * STEP)
    assert stretches(person) == [("15:00", "ran", 2)]
    assert "1 runs outside trading hours are not shown" in asks(person).stderr
    assert stretches(person, "--all-hours") == [
        ("15:00", "ran", 2),
        ("15:10", "skipped:after_close", 1),
        ("15:15", "no-wakeup", 2),
    ]


@pytest.mark.parametrize(
    ("night", "slots"), [("2026-03-29", 12), ("2026-10-25", 36), ("2026-06-14", 24)]
)
def test_the_nights_on_which_the_clocks_change(
    bench: Bench, person: Person, night: str, slots: int
) -> None:
    """From half past one to half past three: one hour, three, or two."""
    bench.environment.update(
        TRADING_HOURS_MODE="fixed",
        TRADING_START="01:30",
        TRADING_END="03:30",
        TRADING_DAYS="SUN",
        TIMEZONE="Europe/Copenhagen",
    )
    go_to(bench, datetime.fromisoformat(f"{night}T00:00:00Z") - timedelta(days=1))
    with bench.journal() as journal:
        now = bench.clock.now()
        row = journal.runs.begin("before", pid=1, at=now, slot=now)
        journal.runs.end(row, RunOutcome.RAN, at=now, phase="end", reason=None, exit_code=0)
    go_to(bench, now + timedelta(days=2))
    assert [(what, count) for _, what, count in stretches(person)] == [("no-wakeup", slots)]


def test_in_mode_instrument_every_slot_counts(bench: Bench, person: Person) -> None:
    scheduled(bench)
    go_to(bench, START + 3 * STEP)
    result = asks(person, TRADING_HOURS_MODE="instrument")
    assert result.exit_code == 1
    assert "past sessions are not kept" in result.stderr


def test_a_changed_cadence_is_told(bench: Bench, person: Person) -> None:
    for _ in range(2):
        bench.cycle(slot=slot_start(bench.clock.now(), 900), SCHEDULE_CADENCE="15m")
        bench.clock.advance(900)
    scheduled(bench)
    result = asks(person)
    assert result.exit_code == 0
    assert "from 2026-03-03T15:30:00Z on slots were 300 s apart" in result.stderr
    told = asks(person, SCHEDULE_CADENCE="1m").stderr
    assert "no run has used today's settings yet, by which slots were 60 s apart" in told


def test_runs_that_failed_for_their_settings_stand_in_their_slots(
    bench: Bench, person: Person
) -> None:
    scheduled(bench)
    error = SettingsError(["STRATEGY_NAME: wrong"])
    for known in (True, False):
        bench.clock.advance(3)
        now = bench.clock.now()
        slot = slot_start(now, 300) if known else None
        leave_row(bench.settings(), f"wrong-{known}", now, error, slot=slot)
        go_to(bench, slot_start(now, 300) + STEP)
    assert stretches(person) == [("15:00", "ran", 1), ("15:05", "failed:78", 2)]
    result = asks(person, STRATEGY_NAME="nonsense", SAXO_AUTH_MODE="nonsense")
    assert "1 runs failed before they knew their slot" in result.stderr
    assert "other problems, with which every run fails" in result.stderr


def test_a_clock_that_was_ahead_is_told(bench: Bench, person: Person) -> None:
    bench.clock.advance(86400)
    scheduled(bench)
    go_to(bench, START)
    scheduled(bench)
    result = asks(person)
    assert "the clock was ahead" in result.stderr
    assert result.exit_code == 0


def test_what_cannot_be_used(bench: Bench, person: Person) -> None:
    result = asks(person, "--until", "2026-03-02")
    assert (result.exit_code, "is not before" in result.stderr) == (2, True)
    result = asks(person, SCHEDULE_CADENCE="7m")
    assert (result.exit_code, "SCHEDULE_CADENCE" in result.stderr) == (2, True)
    path = journal_path(bench.settings())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"rubbish" * 500)
    result = asks(person)
    assert (result.exit_code, str(path) in result.stderr) == (2, True)


class Asked:
    """A scheduler that has something to say; the rest of it is not asked."""

    name = "systemd"

    def __init__(self, *remarks: Remark, fails: bool = False, installed: bool = True) -> None:
        self.remarks, self.fails, self.installed = remarks, fails, installed

    def status(self, schedule: Schedule) -> Status:
        if self.fails:
            raise StorageError("systemctl: nobody there")
        there = self.installed and not schedule.system
        return Status(there, current=there, active=there)

    def record(self, schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
        if self.fails:
            raise StorageError("journalctl: permission denied")
        return [remark for remark in self.remarks if remark.end >= since and remark.begin <= until]


def test_what_the_scheduler_says_of_the_gaps(
    bench: Bench, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled(bench)
    go_to(bench, START + 4 * STEP)
    for _ in range(3):
        scheduled(bench)
    stopped = Remark(START + STEP, START + 3 * STEP, "the timer was stopped")
    later = Remark(START + 6 * STEP, START + 6 * STEP, "something in a good slot")
    monkeypatch.setattr(_missed_record, "scheduler", lambda name: Asked(stopped, later))
    told = document(person)["scheduler_record"]
    assert told[0] == (
        "systemd: 2026-03-03T15:05:00Z – 2026-03-03T15:15:00Z: the timer was stopped"
    )
    assert "something in a good slot" not in str(told)
    assert "the timer was stopped" in asks(person).stdout
    monkeypatch.setattr(_missed_record, "scheduler", lambda name: Asked(installed=False))
    assert "its record says nothing of these times" in str(document(person))
    monkeypatch.setattr(_missed_record, "scheduler", lambda name: Asked(fails=True))
    told = document(person)["scheduler_record"]
    assert "permission denied" in told[0]
    assert "journalctl -u 'ai-tradebot@default.*'" in told[0]


def test_nobody_is_asked_when_there_is_no_gap(
    bench: Bench, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> NoReturn:
        raise AssertionError(name)

    monkeypatch.setattr(_missed_record, "scheduler", refuse)
    bench.fault("no_access", count=None)
    scheduled(bench)
    assert stretches(person) == [("15:00", "failed:69", 1)]


def test_a_start_of_the_machine_within_a_gap_is_told(
    bench: Bench, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled(bench)
    go_to(bench, START + 4 * STEP)
    booted = START + 3 * STEP
    monkeypatch.setattr(_missed_record, "boot_time", booted.timestamp)
    monkeypatch.setattr("sys.platform", "linux")
    assert "the machine was started at 2026-03-03T15:15:00Z" in str(document(person))
    monkeypatch.setattr(_missed_record, "boot_time", lambda: None)
    assert "the machine was" not in str(document(person)["scheduler_record"])


def test_a_month_of_minutes_is_folded(bench: Bench, person: Person) -> None:
    """Counted, not walked through: a journal that holds nothing of it costs nothing."""
    with Journal(journal_path(bench.settings())) as journal:
        row = journal.runs.begin("once", pid=1, at=START, slot=START)
        error = BrokerUnavailable("x")
        journal.runs.end(
            row, RunOutcome.FAILED, at=START, phase="end", reason=str(error), exit_code=69
        )
    bench.clock.advance(86400 * 3650)
    found = stretches(person, SCHEDULE_CADENCE="1s")
    assert found[0] == ("15:00", "failed:69", 1)
    assert found[1][2] == 86400 * 3650 - 1 - 30
