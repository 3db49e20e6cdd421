"""`python main.py …` that stands still when it comes to a phase, until a gate opens.

A real process of the real program; the one thing that is added is the wait. A stop that is asked
for opens the gate, too, so that a signal is met exactly there.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.program import ROOT, environment

LONGEST_WAIT_SECONDS = 60.0

PHASES = (
    "jitter",
    "lock",
    "recover",
    "token",
    "reconcile",
    "slot",
    "paused",
    "trading_hours",
    "market_data",
    "decide",
    "execute",
)
"""Of a cycle that trades, in their order."""

_PROGRAM = """
import os, runpy, sys, time
from pathlib import Path
from tradebot.orchestrator import Cycle

enter, gate = Cycle._enter, Path(os.environ["GATE"])

def enter_and_wait(cycle, phase):
    enter(cycle, phase)
    if phase == os.environ["HELD_IN"]:
        gate.with_suffix(".there").touch()
        end = time.monotonic() + 60
        while not (gate.exists() or {opens}) and time.monotonic() < end:
            time.sleep(0.01)
        {then}

Cycle._enter = enter_and_wait
{before}
main = sys.argv.pop(1)
sys.argv[0] = main
runpy.run_path(main, run_name="__main__")
"""


class HeldRun:
    """Started, and waited for until it stands in `phase`. Use it in a `with`.

    `opens` is a Python expression, with `cycle`, that opens the gate from within; `then` is done
    behind it; `before` before the program begins.
    """

    def __init__(
        self,
        folder: Path,
        phase: str,
        *arguments: str,
        opens: str = "cycle._clock.stopping",
        then: str = "pass",
        before: str = "",
        **more: str,
    ) -> None:
        self.gate = folder / f"gate-{phase}-{time.monotonic_ns()}"
        program = _PROGRAM.format(opens=opens, then=then, before=before)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(ROOT / "main.py"), *arguments],
            env=unmeasured_environment(folder, GATE=str(self.gate), HELD_IN=phase, **more),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid
        self.errors = ""
        wait_for(
            lambda: self.gate.with_suffix(".there").exists() or self.process.poll() is not None,
            f"the phase {phase}",
        )

    def open(self) -> None:
        """Let it go on."""
        self.gate.touch()

    def end(self) -> int:
        """Its exit code (below zero: the signal that ended it); `errors` has what it said."""
        _, self.errors = self.process.communicate(timeout=LONGEST_WAIT_SECONDS)
        return self.process.returncode

    def __enter__(self) -> HeldRun:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def unmeasured_environment(folder: Path, **more: str) -> dict[str, str]:
    """As for any bot, but its coverage is not measured: it is killed and signalled, and time
    matters."""
    return {
        name: value
        for name, value in environment(folder, **more).items()
        if not name.startswith("COVERAGE_PROCESS")
    }


def wait_for(
    condition: Callable[[], bool], what: str, seconds: float = LONGEST_WAIT_SECONDS
) -> None:
    """Bounded; a failure names what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)
