"""Each gap between runs gets one line, whatever becomes of the run that finds it."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from support.bench import START, Bench
from support.program import log_text, start_bot
from tradebot.errors import BrokerUnavailable, ExitCode
from tradebot.journal import Journal, RunOutcome
from tradebot.journal.slot_watch import SlotWatch
from tradebot.scheduling.missed import MAX_LINES
from tradebot.scheduling.run_lock import RunLock
from tradebot.scheduling.slots import slot_start
from tradebot.strategies.base import MarketView
from tradebot.wiring import journal_path, leave_row, lock_path

Line = tuple[str, ...]


def scheduled(
    bench: Bench, *, cadence: int = 300, dry_run: bool = False, mode: str = "always"
) -> ExitCode:
    """A run that a scheduler starts now."""
    settings = {"SCHEDULE_CADENCE": f"{cadence}s", "TRADING_HOURS_MODE": mode}
    slot = slot_start(bench.clock.now(), cadence)
    return bench.cycle(slot=slot, dry_run=dry_run, **settings).exit_code


def told(bench: Bench) -> list[Line]:
    """From, to, count and reason of each line."""
    return [
        (line["missed_from"][11:16], line["missed_to"][11:16], line["missed_count"], line["reason"])
        for line in bench.lines("schedule_runs_missed")
    ]


GAP = ("15:05", "15:15", "3", "no_wakeup")


@pytest.fixture
def gap(bench: Bench) -> Bench:
    """A run at 15:00, and nobody has started one since; it is 15:20."""
    scheduled(bench)
    bench.clock.advance(1200)
    return bench


def the_next_runs_tell_it(bench: Bench) -> None:
    """And only it, and only once."""
    for _ in range(2):
        bench.clock.advance(300)
        scheduled(bench)
    assert told(bench) == [GAP]


def test_a_run_that_trades_tells_it(gap: Bench) -> None:
    scheduled(gap)
    assert told(gap) == [GAP]
    the_next_runs_tell_it(gap)


def test_a_run_that_skips_tells_it(gap: Bench) -> None:
    with gap.journal() as journal:
        journal.control.pause("by_hand")
    scheduled(gap)
    assert told(gap) == [GAP]
    with gap.journal() as journal:
        journal.control.resume()
    the_next_runs_tell_it(gap)


def test_a_busy_run_leaves_it_to_the_next(gap: Bench) -> None:
    with RunLock(lock_path(gap.settings())) as lock:
        lock.acquire(run_id="other")
        assert scheduled(gap) is ExitCode.BUSY
    assert told(gap) == []
    the_next_runs_tell_it(gap)


def test_a_run_that_fails_before_its_cycle_leaves_it_to_the_next(gap: Bench) -> None:
    error = BrokerUnavailable("for example")
    slot = slot_start(gap.clock.now(), 300)
    leave_row(gap.settings(), "failed", gap.clock.now(), error, slot=slot)
    assert told(gap) == []
    the_next_runs_tell_it(gap)


def test_a_run_that_is_killed_before_the_line_leaves_it_to_the_next(
    gap: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SlotWatch, "begin_report", killed)
        scheduled(gap)
    assert told(gap) == []
    the_next_runs_tell_it(gap)


def killed(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def test_one_that_is_killed_after_the_line_makes_the_next_say_it_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled(bench)
    bench.clock.advance(1200)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SlotWatch, "end_report", killed)
        scheduled(bench)
    bench.clock.advance(600)
    scheduled(bench)
    assert told(bench) == [GAP, GAP, ("15:25", "15:25", "1", "no_wakeup")]
    replayed = [line.get("replayed") for line in bench.lines("schedule_runs_missed")]
    assert replayed == [None, "true", None]
    bench.clock.advance(300)
    scheduled(bench)
    assert len(told(bench)) == 3


def test_a_line_that_did_not_reach_the_file_is_written_by_the_next_run(
    gap: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tradebot.scheduling.missed.log_event", lambda *_, **__: False)
        scheduled(gap)
    assert told(gap) == []
    the_next_runs_tell_it(gap)


def test_a_run_by_hand_leaves_it_to_the_schedule(bench: Bench) -> None:
    scheduled(bench)
    bench.clock.advance(1200)
    bench.cycle()
    assert told(bench) == []
    bench.clock.advance(1)
    scheduled(bench)
    assert told(bench) == [GAP]


def test_two_runs_that_start_at_once_tell_it_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "default" / "LOCAL" / "live" / "journal.db"
    path.parent.mkdir(parents=True)
    before = datetime.now(UTC) - timedelta(hours=2)
    with Journal(path) as journal:
        row = journal.runs.begin(str(uuid.uuid4()), pid=1, at=before, slot=slot_start(before, 300))
        journal.runs.end(row, RunOutcome.RAN, at=before, phase="end", reason=None, exit_code=0)
    bots = [start_bot(tmp_path, "--single-cycle", "--scheduled") for _ in range(2)]
    for bot in bots:
        bot.communicate(timeout=60)
    codes = {bot.returncode for bot in bots}
    assert codes <= {0, 75}
    assert 0 in codes
    lines = [line for line in log_text(tmp_path).splitlines() if "schedule_runs_missed" in line]
    assert len(lines) == 1
    assert "reason=no_wakeup" in lines[0]


def test_a_later_run_may_be_the_first_to_get_the_lock(bench: Bench) -> None:
    """One waited for its jitter while the next slot's run was quicker."""
    scheduled(bench)
    bench.clock.advance(1499)
    slow = slot_start(bench.clock.now(), 300)
    bench.clock.advance(300)
    with bench.journal() as journal:
        journal.runs.begin(str(uuid.uuid4()), pid=1, at=bench.clock.now(), slot=slow)
    scheduled(bench)
    bench.cycle(slot=slow)
    bench.clock.advance(300)
    scheduled(bench)
    assert told(bench) == [GAP]


def test_each_gap_has_a_line_of_its_own(bench: Bench) -> None:
    scheduled(bench)
    with RunLock(lock_path(bench.settings())) as lock:
        lock.acquire(run_id="other")
        for wait in (600, 300, 900):
            bench.clock.advance(wait)
            scheduled(bench)
    bench.clock.advance(300)
    scheduled(bench)
    assert told(bench) == [
        ("15:05", "15:05", "1", "no_wakeup"),
        ("15:20", "15:25", "2", "no_wakeup"),
    ]


def test_many_gaps_do_not_fill_the_log(bench: Bench) -> None:
    scheduled(bench)
    begin = bench.clock.now()
    with bench.journal() as journal:
        for number in range(1, MAX_LINES + 3):
            slot = begin + timedelta(minutes=10 * number)
            journal.runs.begin(str(uuid.uuid4()), pid=1, at=slot, slot=slot)
    bench.clock.advance(600 * (MAX_LINES + 2) + 300)
    scheduled(bench)
    lines = told(bench)
    assert len(lines) == MAX_LINES + 1
    assert lines[0] == ("15:05", "15:15", "2", "several_gaps")
    assert lines[1] == ("15:25", "15:25", "1", "no_wakeup")


def test_a_slot_in_which_the_run_before_was_still_going_was_busy(bench: Bench) -> None:
    class Slow:
        name, version, horizon_minutes, bars_needed = "slow", "1", 1440, 1

        def decide(self, view: MarketView) -> NoReturn:
            bench.clock.advance(800)
            raise ValueError("after a long time")

    bench.strategy = Slow()
    scheduled(bench)
    bench.strategy = None
    [slow] = {line["run_id"] for line in bench.lines("cycle_begin")}
    bench.clock.advance((START + timedelta(minutes=55) - bench.clock.now()).total_seconds())
    scheduled(bench)
    lines = bench.lines("schedule_runs_missed")
    assert lines[0]["reason"] == "busy"
    assert lines[0]["holder"] == f"run_id={slow}"
    assert lines[0]["missed_from"][11:16] == "15:05"
    assert lines[1]["reason"] == "no_wakeup"
    assert lines[1]["missed_to"][11:16] == "15:50"
    assert sum(int(line["missed_count"]) for line in lines) == 10


def test_a_bot_that_was_a_dry_one_before_was_not_missing(bench: Bench) -> None:
    for dry_run in (True, True, False, True, True, False):
        scheduled(bench, dry_run=dry_run)
        bench.clock.advance(300)
    assert told(bench) == []
    bench.clock.advance(300)
    scheduled(bench, dry_run=True)  # tells it …
    bench.clock.advance(300)
    scheduled(bench)  # … and the real runs need not say it again
    assert told(bench) == [("15:30", "15:30", "1", "no_wakeup")]


def test_the_first_real_run_tells_what_the_dry_ones_left(bench: Bench) -> None:
    scheduled(bench, dry_run=True)
    bench.clock.advance(1200)
    scheduled(bench)
    assert told(bench) == [GAP]


def test_an_unusable_journal_of_the_other_kind_keeps_nobody_from_telling(gap: Bench) -> None:
    other = journal_path(gap.settings(dry_run=True))
    other.parent.mkdir(parents=True)
    other.write_bytes(b"rubbish" * 500)
    scheduled(gap)
    assert told(gap) == [GAP]
    assert other.read_bytes() == b"rubbish" * 500
    the_next_runs_tell_it(gap)


def test_a_clock_that_was_ahead_once_does_not_silence_it(bench: Bench) -> None:
    scheduled(bench)
    bench.clock.advance(86400 * 30)
    scheduled(bench)
    bench.clock.advance(-86400 * 30 + 1200)
    scheduled(bench)
    bench.clock.advance(900)
    scheduled(bench)
    assert told(bench)[1:] == [GAP, ("15:25", "15:30", "2", "no_wakeup")]


def test_what_an_earlier_version_recorded_has_no_mark(gap: Bench) -> None:
    with gap.journal() as journal, journal._database.transaction() as connection:
        connection.execute("DELETE FROM control")
    scheduled(gap)
    assert told(gap) == [GAP]
    the_next_runs_tell_it(gap)


def test_another_cadence_makes_no_gaps_of_the_past(bench: Bench) -> None:
    for _ in range(2):
        scheduled(bench, cadence=900)
        bench.clock.advance(900)
    bench.clock.advance(300)  # 15:35; by the old cadence 15:30 was missed, not 15:20 and 15:25
    scheduled(bench)
    assert told(bench) == [("15:30", "15:30", "1", "no_wakeup")]


def test_in_mode_instrument_only_known_sessions_are_expected(tmp_path: Path) -> None:
    from tradebot.simulator import SimulatorOptions

    options = SimulatorOptions(trading_hours="exchange")
    watchlist = '[{"asset_type":"Stock","uic":10001,"quantity":1}]'
    evening = datetime(2026, 3, 3, 20, 50, tzinfo=UTC)  # New York closes at 21:00
    with Bench(tmp_path, {"WATCHLIST_JSON": watchlist}, options=options, start=evening) as bench:
        scheduled(bench, mode="instrument")
        bench.clock.advance(5400)
        scheduled(bench, mode="instrument")
        assert told(bench) == [("20:55", "20:55", "1", "no_wakeup")]
        for path in tmp_path.rglob("sessions.json"):
            path.unlink()
        bench.clock.advance(5400)
        scheduled(bench, mode="instrument")
        assert len(told(bench)) == 1


def test_a_damaged_journal_of_the_dry_runs_keeps_no_real_run_from_telling_and_trading(
    gap: Bench,
) -> None:
    path = journal_path(gap.settings(DRY_RUN="true"))
    with Journal(path) as journal:
        journal.runs.begin("dry", pid=1, at=gap.clock.now(), slot=None)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page_size = connection.execute("PRAGMA page_size").fetchone()[0]
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name='runs'"
        ).fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * page_size)
        file.write(b"\xff" * page_size)
    assert scheduled(gap) is ExitCode.OK
    assert told(gap) == [GAP]
    the_next_runs_tell_it(gap)
