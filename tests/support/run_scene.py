"""A broker and a bot's folder, for real runs that belong to one slot, which lasts a day."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.held_run import HeldRun, unmeasured_environment
from support.program import ROOT, log_text
from tradebot.cli.simulator import environment as bot_environment
from tradebot.journal import Journal, RunRow
from tradebot.observability.line import LogLine, parse
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions, faults

SCHEDULED = ("--single-cycle", "--scheduled")


@dataclass
class Scene:
    """A broker, and a bot's folder; what runs left there."""

    folder: Path
    simulator: Simulator

    @property
    def settings(self) -> dict[str, str]:
        return {
            **bot_environment(self.simulator),
            "XDG_STATE_HOME": str(self.folder / "user"),
            "SCHEDULE_CADENCE": "24h",
            "SCHEDULE_MAX_LATENESS": "24h",
            "CYCLE_DEADLINE_SECONDS": "100",
        }

    def held(self, phase: str, **more: Any) -> HeldRun:
        return HeldRun(self.folder, phase, *SCHEDULED, **{**self.settings, **more})

    def done(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *(arguments or SCHEDULED)],
            env=unmeasured_environment(self.folder, **{**self.settings, **more}),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def run(self, **more: str) -> int:
        return self.done(**more).returncode

    def orders(self) -> int:
        return int(self.simulator.broker.state.one("SELECT count(*) FROM orders")[0])

    def lines(self, event: str) -> list[LogLine]:
        lines = map(parse, log_text(self.folder).splitlines())
        return [line for line in lines if line.event == event]

    def rows(self) -> list[RunRow]:
        """The oldest first."""
        path = self.folder / "state" / "default" / "LOCAL" / "live" / "journal.db"
        with Journal(path) as journal:
            return journal.runs.latest(9)[::-1]

    def fault(self, kind: str, **more: Any) -> None:
        """Switch on a fault: `endpoint`, `method`, `count`, `params`."""
        self.simulator.broker.faults.add(faults.parse({"kind": kind, **more}))


@contextlib.contextmanager
def open_scene(folder: Path) -> Iterator[Scene]:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    with Simulator(folder / "broker.db", options=options) as simulator:
        yield Scene(folder, simulator)
