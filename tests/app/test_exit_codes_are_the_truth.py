"""Real processes: what goes wrong, what is said about it, and the code that a scheduler sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.program import ROOT, log_text, run, run_bot, start_bot
from tradebot.errors import LockBusy
from tradebot.journal import Journal, RunRow
from tradebot.scheduling.run_lock import RunLock
from tradebot.simulator import Simulator

pytestmark = pytest.mark.usefixtures("coverage_follows")
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and permissions")


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Bounded; a failure names what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def test_a_cycle_ends_with_zero_and_leaves_its_log_on_stderr_too(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "--single-cycle")
    assert (done.returncode, done.stdout) == (0, "")
    assert "| cycle_end |" in log_text(tmp_path)
    assert done.stderr == log_text(tmp_path)


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--jitter-seconds-max", "soon"], ["x"]])
def test_a_command_line_nobody_can_mean(tmp_path: Path, arguments: list[str]) -> None:
    done = run_bot(tmp_path, *arguments)
    assert done.returncode == 64
    assert "--help" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_exit_codes(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "--help")
    assert done.returncode == 0
    for word in ("--single-cycle", "--scheduled", "75 another run holds the lock"):
        assert word in done.stdout


def test_bad_settings_are_all_named_and_logged(tmp_path: Path) -> None:
    done = run_bot(
        tmp_path,
        "--single-cycle",
        SAXO_ENV="MARS",
        LOG_RETENTION_DAYS="many",
        STRATEGY_NAME="sma_cros",
    )
    assert done.returncode == 78
    for word in ("SAXO_ENV", "LOG_RETENTION_DAYS", "sma_cross"):
        assert word in done.stderr
    assert "startup_config_invalid" in log_text(tmp_path)
    assert "problems=3" in log_text(tmp_path)
    assert "dry_run=- single_cycle=true env=- " in log_text(tmp_path)
    for mode in ("dry", "live"):  # which one was meant may be what is wrong
        [row] = rows(tmp_path, mode)
        assert (row.exit_code, row.reason, row.phase) == (78, "settings_error", "startup")
    assert "Traceback" not in done.stderr


def rows(folder: Path, mode: str) -> list[RunRow]:
    [path] = (folder / "state" / "default").glob(f"*/{mode}/journal.db")
    with Journal(path) as journal:
        return journal.runs.latest(9)


def test_a_settings_error_never_repeats_a_secret(tmp_path: Path) -> None:
    secret = "5f2d8c1e9b7a4f60"
    done = run_bot(tmp_path, "--single-cycle", SAXO_APP_SECRET=secret, SAXO_APP_KEY="k" + secret)
    assert done.returncode == 78
    assert "SAXO_ENV" in done.stderr
    assert secret not in done.stderr + done.stdout + log_text(tmp_path)


def test_live_orders_need_a_confirmation(tmp_path: Path) -> None:
    done = run_bot(
        tmp_path,
        "--single-cycle",
        SAXO_ENV="LIVE",
        DRY_RUN="false",
        SAXO_AUTH_MODE="manual",
        SAXO_ACCESS_TOKEN="0123456789abcdefghij",
        WATCHLIST_JSON='[{"asset_type":"Stock","uic":211,"quantity":1}]',
    )
    assert done.returncode == 78
    assert "LIVE_TRADING_CONFIRMED" in done.stderr


@posix
def test_an_unusable_log_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    done = run_bot(tmp_path, "--single-cycle")
    assert done.returncode == 74
    assert str(tmp_path / "logs") in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unusable_journal(tmp_path: Path) -> None:
    journal = tmp_path / "state" / "default" / "LOCAL" / "live" / "journal.db"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"rubbish" * 500)
    done = run_bot(tmp_path, "--single-cycle")
    assert done.returncode == 74
    assert "journal.db" in done.stderr
    assert "startup_failed" in log_text(tmp_path)


def test_the_broker_is_not_there(tmp_path: Path) -> None:
    done = run_bot(
        tmp_path,
        "--single-cycle",
        SAXO_ENV="LOCAL",
        SAXO_REST_BASE="http://127.0.0.1:9/sim/openapi",
        SAXO_AUTH_BASE="http://127.0.0.1:9",
        SAXO_APP_KEY="nobody-listens",
        SAXO_APP_SECRET="nobody-listens-either",
        SAXO_REDIRECT_URI="http://localhost/back",
    )
    assert done.returncode == 69
    assert "cycle_failed" in log_text(tmp_path)


def test_two_at_once_one_runs_and_the_other_names_it(tmp_path: Path) -> None:
    first = start_waiting(tmp_path, "go")
    try:
        second = run_bot(tmp_path, "--single-cycle", **waiting(tmp_path, "go"))
    finally:
        (tmp_path / "go").write_text("", encoding="utf-8")
        first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 75)
    [line] = [x for x in second.stderr.splitlines() if "cycle_skip_overlap" in x]
    assert f"pid={first.pid}" in line
    assert "phase=decide" in line
    assert log_text(tmp_path).count("| cycle_end |") == 1


def test_a_run_that_finds_another_one_busy_does_not_move_its_market(tmp_path: Path) -> None:
    def market_date() -> str:
        with Simulator(tmp_path / "state" / "default" / "LOCAL" / "simulator.db") as simulator:
            return simulator.market_date

    assert run_bot(tmp_path, "--single-cycle").returncode == 0
    before = market_date()
    with RunLock(tmp_path / "state" / "default" / "LOCAL" / "run.lock") as lock:
        lock.acquire(run_id="the-test")
        assert run_bot(tmp_path, "--single-cycle").returncode == 75
    assert market_date() == before
    assert run_bot(tmp_path, "--single-cycle").returncode == 0
    assert market_date() > before


WAITING = """
import os, time
from tradebot.model import Action, Signal

class Waiting:
    name, version, horizon_minutes, bars_needed = "waiting", "1", 1440, 1

    def decide(self, view):
        gate = os.environ["WAIT_FOR"]
        open(gate + ".asked", "w").close()
        end = time.monotonic() + 60
        while not os.path.exists(gate) and time.monotonic() < end:
            time.sleep(0.02)
        return Signal(Action.HOLD, "waited")
"""


def start_waiting(folder: Path, gate: str) -> subprocess.Popen[str]:
    """A run that stands in its strategy until the file `gate` appears."""
    (folder / "waiting.py").write_text(WAITING, encoding="utf-8")
    bot = start_bot(folder, "--single-cycle", **waiting(folder, gate))
    wait_for((folder / f"{gate}.asked").exists, "the strategy")
    return bot


def waiting(folder: Path, gate: str) -> dict[str, str]:
    return {
        "PYTHONPATH": str(folder),
        "STRATEGY_NAME": "waiting:Waiting",
        "WAIT_FOR": str(folder / gate),
    }


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_ends_cleanly_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    bot = start_bot(tmp_path, CYCLE_INTERVAL_SECONDS="1")
    wait_for(lambda: log_text(tmp_path).count("| cycle_end |") >= 2, "a second cycle")
    bot.send_signal(number)
    output, errors = bot.communicate(timeout=60)
    assert bot.returncode == 143
    assert output == ""
    assert "Traceback" not in errors
    ends = [x for x in log_text(tmp_path).splitlines() if "| cycle_end |" in x]
    assert [x.split(" cycle_id=")[1].split()[0] for x in ends[:2]] == ["1", "2"]
    assert all("single_cycle=false" in x for x in ends)
    last = log_text(tmp_path).splitlines()[-1]
    assert "| run_stopped |" in last or "exit_code=143" in last


@posix
def test_in_a_loop_a_cycle_that_finds_the_lock_taken_has_no_cycle_id(tmp_path: Path) -> None:
    bot = start_bot(tmp_path, CYCLE_INTERVAL_SECONDS="1")
    try:
        wait_for(lambda: "| cycle_end |" in log_text(tmp_path), "the first cycle")
        with RunLock(tmp_path / "state" / "default" / "LOCAL" / "run.lock") as lock:
            wait_for(lambda: taken(lock), "a pause between two cycles")
            wait_for(lambda: "| cycle_skip_overlap |" in log_text(tmp_path), "a cycle in between")
    finally:
        bot.send_signal(signal.SIGTERM)
        bot.communicate(timeout=60)
    lines = [x for x in log_text(tmp_path).splitlines() if "| cycle_skip_overlap |" in x]
    assert " cycle_id=- " in lines[0]


def taken(lock: RunLock) -> bool:
    try:
        lock.acquire(run_id="the-test")
    except LockBusy:
        return False
    return True


@posix
def test_terminated_in_the_middle_of_a_cycle(tmp_path: Path) -> None:
    bot = start_waiting(tmp_path, "go")
    bot.send_signal(signal.SIGTERM)
    (tmp_path / "go").write_text("", encoding="utf-8")
    bot.communicate(timeout=60)
    assert bot.returncode == 143
    last = log_text(tmp_path).splitlines()[-1]
    assert "| cycle_end |" in last
    assert "exit_code=143" in last


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(tmp_path: Path, closed: str) -> None:
    command = f"exec '{sys.executable}' '{ROOT / 'main.py'}' --single-cycle {closed}"
    done = run(["sh", "-c", command], tmp_path)
    assert done.returncode == 0
    assert "| cycle_end |" in log_text(tmp_path)


def test_an_interpreter_without_the_dependencies_is_told_what_to_run(tmp_path: Path) -> None:
    done = run([sys.executable, "-S", "-E", str(ROOT / "main.py"), "--single-cycle"], tmp_path)
    assert done.returncode == 78
    assert "make run" in done.stderr
    assert ".venv/bin/python main.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_relative_folders_do_not_depend_on_where_it_is_started(tmp_path: Path) -> None:
    program = (
        "from tradebot.settings import home, load; s = load({'LOG_DIR': 'here'}, home=home());"
        "print(s.log_dir, s.state_dir)"
    )
    done = run([sys.executable, "-c", program], tmp_path)
    assert done.stdout.split() == [str(ROOT / "here"), str(ROOT / "state")]


def test_scheduled_twice_in_one_slot_trades_once(tmp_path: Path) -> None:
    more = {
        "SCHEDULE_CADENCE": "1h",
        "SCHEDULE_MAX_LATENESS": "1h",
        "CYCLE_DEADLINE_SECONDS": "120",
    }
    codes = [run_bot(tmp_path, "--single-cycle", "--scheduled", **more).returncode for _ in "12"]
    assert codes == [0, 0]
    text = log_text(tmp_path)
    assert text.count("| execution_completed |") == 1
    begun = [line for line in text.splitlines() if "| startup_begin |" in line]
    same_hour = begun[0][:13] == begun[1][:13]
    assert text.count("| cycle_skip_slot |") == int(same_hour)


@posix
def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    bot = start_waiting(tmp_path, "never")
    bot.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    bot.send_signal(signal.SIGTERM)
    bot.communicate(timeout=30)
    assert bot.returncode == 143
    # The next run says that this one was killed, and where.
    run_bot(tmp_path, "--single-cycle")
    [line] = [x for x in log_text(tmp_path).splitlines() if "| run_killed_found |" in x]
    assert "phase=decide" in line


def test_the_module_and_the_command_do_the_same(tmp_path: Path) -> None:
    by_module = run([sys.executable, "-m", "tradebot", "--single-cycle"], tmp_path)
    by_command = run(
        [sys.executable, "-c", "from tradebot.cli import main; main()", "run", "--bad"], tmp_path
    )
    assert by_module.returncode == 0
    assert by_command.returncode == 64
    assert isinstance(by_module, subprocess.CompletedProcess)
