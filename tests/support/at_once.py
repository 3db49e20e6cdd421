"""Many real invocations at once, of which one gets the lock and keeps it until all others ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.held_run import unmeasured_environment, wait_for
from support.program import ROOT
from tradebot.journal import Journal, RunRow
from tradebot.observability.line import LogLine, parse

_WAITING = """
import os, time
from tradebot.model import Action, Signal

class Waiting:
    name, version, horizon_minutes, bars_needed = "waiting", "1", 1440, 1

    def decide(self, view):
        open(os.environ["GATE"] + f".{os.getpid()}", "w").close()
        end = time.monotonic() + 90
        while not os.path.exists(os.environ["GATE"]) and time.monotonic() < end:
            time.sleep(0.02)
        return Signal(Action.HOLD, "waited")
"""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What became of them."""

    winner: int
    """The pid of the one that was left when all others had ended."""
    codes: dict[int, int]
    """The exit code of each, by pid."""
    lines: list[LogLine]
    rows: list[RunRow]


def run_at_once(folder: Path, number: int, *arguments: str) -> AtOnce:
    """Start them all, wait until all but one have ended, then let that one go on. LOCAL, dry.

    Each has a strategy that waits for that moment.
    """
    (folder / "waiting.py").write_text(_WAITING, encoding="utf-8")
    gate = folder / "gate"
    more = {
        "PYTHONPATH": ":".join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
        "SAXO_ENV": "LOCAL",
        "STRATEGY_NAME": "waiting:Waiting",
        "GATE": str(gate),
        "SCHEDULE_CADENCE": "24h",
        "SCHEDULE_MAX_LATENESS": "24h",
        "CYCLE_DEADLINE_SECONDS": "120",
    }
    variables = unmeasured_environment(folder, **more)
    command = [sys.executable, str(ROOT / "main.py"), "--single-cycle", "--dry-run", *arguments]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(_started(command, variables, folder)) for _ in range(number)
        ]
        stack.callback(gate.touch)  # whatever happens, nobody is left waiting
        wait_for(
            lambda: (
                sum(process.poll() is None for process in processes) <= 1
                or len(list(folder.glob("gate.*"))) > 1  # two are past the lock: no need to wait
            ),
            "all but one to end",
            100,
        )
        left = [process.pid for process in processes if process.poll() is None]
        gate.touch()
        codes = {process.pid: process.wait(60) for process in processes}
    log = (folder / "logs" / "bot.log").read_text(encoding="utf-8")
    with Journal(folder / "state" / "default" / "LOCAL" / "dry" / "journal.db") as journal:
        rows = journal.runs.latest(number + 9)
    lines = [parse(line) for line in log.splitlines()]
    return AtOnce(left[0] if len(left) == 1 else 0, codes, lines, rows)


@contextlib.contextmanager
def _started(
    command: Sequence[str], variables: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env=variables,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def require_one_winner(seen: AtOnce) -> None:
    """One ran; every other one exited with 75, said who held the lock, and left its row."""
    number = len(seen.codes)
    assert seen.codes.pop(seen.winner, None) == 0, "none was left, or it failed"
    assert list(seen.codes.values()) == [75] * (number - 1)
    starts = [line.fields for line in seen.lines if line.event == "startup_begin"]
    begun = {start["pid"]: start["run_id"] for start in starts}
    assert len(begun) == number
    skips = [line.fields for line in seen.lines if line.event == "cycle_skip_overlap"]
    holder = f"pid={seen.winner} "
    assert all(skip["holder"].startswith(holder) for skip in skips)
    assert all(f" run_id={begun[str(seen.winner)]} " in skip["holder"] for skip in skips)
    losers = {begun[str(pid)] for pid in seen.codes}
    assert sorted(skip["run_id"] for skip in skips) == sorted(losers)
    ends = [line for line in seen.lines if line.event == "cycle_end"]
    assert [line.fields["run_id"] for line in ends] == [begun[str(seen.winner)]]
    busy = [row for row in seen.rows if row.outcome == "busy"]
    assert sorted(row.run_id for row in busy) == sorted(losers)
    assert {row.exit_code for row in busy} <= {75}
    [ran] = [row for row in seen.rows if row.outcome != "busy"]
    assert (ran.outcome, ran.pid, ran.exit_code) == ("ran", seen.winner, 0)
