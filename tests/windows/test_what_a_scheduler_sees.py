"""What the Task Scheduler sees of a run: its exit code, and that a killed one blocks nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.program import log_text, run_bot, start_bot
from support.windows import windows
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import LogLine, parse

pytestmark = windows

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
NOON = 1_765_972_800.0  # 2025-12-17T12:00:00Z
DAY = 86_400.0


def lines(folder: Path, event: str) -> list[LogLine]:
    found = (parse(line) for line in log_text(folder).splitlines())
    return [line for line in found if line.event == event]


@contextmanager
def a_run_under_way(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Stands in its strategy, the lock in its hands."""
    (folder / "waiting.py").write_text(WAITING, encoding="utf-8")
    bot = start_bot(
        folder,
        "--single-cycle",
        SAXO_ENV="LOCAL",
        PYTHONPATH=str(folder),
        STRATEGY_NAME="waiting:Waiting",
        WAIT_FOR=str(folder / "gate"),
    )
    try:
        wait_for((folder / "gate.asked").exists, "the strategy")
        yield bot
    finally:
        bot.kill()
        bot.communicate(timeout=60)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def test_a_second_start_exits_75_and_a_killed_run_is_found_by_the_next(tmp_path: Path) -> None:
    with a_run_under_way(tmp_path) as bot:
        [begun] = lines(tmp_path, "startup_begin")
        busy = run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL")
        assert busy.returncode == 75
        [overlap] = lines(tmp_path, "cycle_skip_overlap")
        holder = overlap.fields["holder"]
        assert f"run_id={begun.fields['run_id']}" in holder
        assert "phase=decide" in holder
        # Whoever looks into the file reads it, although it is locked.
        [ready] = lines(tmp_path, "startup_ready")[:1]
        record = Path(ready.fields["lock_path"]).read_text("utf-8")
        assert begun.fields["run_id"] in record
        # As the Task Scheduler does at the time limit: TerminateProcess.
        bot.kill()
        bot.wait(timeout=60)
    after = run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL")
    assert after.returncode == 0, after.stderr
    [killed] = lines(tmp_path, "run_killed_found")
    assert killed.fields["killed_run_id"] == begun.fields["run_id"]
    assert killed.fields["phase"] == "decide"


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "said"),
    [
        (["--nonsense"], {}, 64, "--help"),
        (["--single-cycle"], {"SAXO_ENV": "MARS"}, 78, "SAXO_ENV"),
        (["--single-cycle", "--env-file", "C:\\no such\\file.env"], {}, 78, "file.env"),
    ],
)
def test_exit_codes(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], code: int, said: str
) -> None:
    done = run_bot(tmp_path, *arguments, **settings)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


_NEIGHBOUR = """
import sys
from tradebot.observability import log_event, setup_logging
now = float(sys.argv[2])
with setup_logging(sys.argv[1], console=False, now=lambda: now):
    assert log_event("log_message", "neighbour, before midnight")
    print("open", flush=True)
    sys.stdin.readline()
    now += 86_400
    assert log_event("log_message", "neighbour, after midnight")
"""


def test_at_midnight_one_run_renames_the_log_that_another_has_open(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    with subprocess.Popen(
        [sys.executable, "-c", _NEIGHBOUR, str(logs), str(NOON)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as neighbour:
        try:
            assert neighbour.stdout is not None
            assert neighbour.stdout.readline() == "open\n"
            with setup_logging(logs, console=False, now=lambda: NOON + DAY):
                assert log_event("log_message", "mine, after midnight")
                neighbour.communicate("\n", timeout=60)
                assert neighbour.returncode == 0
        finally:
            neighbour.kill()
    assert messages(logs / "bot.log.2025-12-17") == ["neighbour, before midnight"]
    assert messages(logs / "bot.log") == ["mine, after midnight", "neighbour, after midnight"]


def messages(path: Path) -> list[str]:
    return [parse(line).fields["msg"] for line in path.read_text("utf-8").splitlines()]
