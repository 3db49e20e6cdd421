"""Real invocations at once: one runs, the others exit 75 and say who does; one slot, one cycle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.at_once import require_one_winner, run_at_once
from support.held_run import HeldRun
from support.program import log_text, run_bot
from support.run_scene import Scene
from tradebot.cli.simulator import environment as bot_environment
from tradebot.observability.line import parse
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

linux = pytest.mark.skipif(sys.platform != "linux", reason="where a pid tells its process")


@linux
def test_of_eight_one_runs_and_seven_name_it(tmp_path: Path) -> None:
    require_one_winner(run_at_once(tmp_path, 8))


@linux
def test_of_four_for_one_slot_one_runs_and_the_next_ones_find_it_taken(tmp_path: Path) -> None:
    require_one_winner(run_at_once(tmp_path, 4, "--scheduled"))
    seen = run_at_once(tmp_path, 1, "--scheduled")  # the gate is open now
    slots = [row.slot for row in seen.rows]
    assert list(seen.codes.values()) == [0]
    if len(set(slots)) == 1:  # else a day has begun meanwhile
        assert [line.event for line in seen.lines].count("strategy_signals_generated") == 1
        assert [row.reason for row in seen.rows if row.outcome == "skipped"] == ["taken"]


@linux
def test_a_second_instance_on_the_same_account_exits_with_75(tmp_path: Path) -> None:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    with Simulator(tmp_path / "broker.db", options=options) as simulator:
        more = {**bot_environment(simulator), "XDG_STATE_HOME": str(tmp_path / "user")}
        with HeldRun(tmp_path, "decide", "--single-cycle", INSTANCE="first", **more) as first:
            second = run_bot(tmp_path, "--single-cycle", INSTANCE="second", **more)
            dry = run_bot(tmp_path, "--single-cycle", "--dry-run", INSTANCE="third", **more)
            assert simulator.broker.state.one("SELECT count(*) FROM orders")[0] == 0
            first.open()
            assert (first.end(), second.returncode, dry.returncode) == (0, 75, 0)
        # One has ended: nothing is left in the other's way.
        assert run_bot(tmp_path, "--single-cycle", INSTANCE="second", **more).returncode == 0
        # The other instance knows nothing of the first one's order, but the broker does.
        assert simulator.broker.state.one("SELECT count(*) FROM orders")[0] == 1
    lines = [parse(line) for line in log_text(tmp_path).splitlines()]
    [skip] = [line.fields for line in lines if line.event == "cycle_skip_overlap"]
    assert skip["holder"].startswith(f"pid={first.pid} ")
    assert "phase=decide" in skip["holder"]
    [lock] = (tmp_path / "user" / "ai-tradebot" / "locks").iterdir()
    assert lock.name.startswith("account-")


@linux
def test_a_run_whose_lock_file_was_removed_sends_nothing_beside_the_next_one(scene: Scene) -> None:
    lock = scene.folder / "state" / "default" / "LOCAL" / "run.lock"
    with scene.held("execute") as first:
        lock.unlink()
        with scene.held("execute") as second:
            first.open()
            assert first.end() == 74
            assert scene.orders() == 0
            second.open()
            second.end()
    assert scene.orders() <= 1
    [told] = scene.lines("cycle_failed")
    assert told.fields["msg"].startswith("The lock file was removed or replaced")
