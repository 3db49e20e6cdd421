"""A bot's folder, its broker and their clock: where runs are started, killed and looked at."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.native import WallClock, library
from support.program import ROOT, unmeasured
from support.torture.fast_clock import FastClock
from support.torture.plan import KillPlan, write_plan
from support.torture.zygote import LONGEST_RUN_SECONDS, Ended, Order, Running, Zygote
from tradebot.cli.simulator import environment as bot_environment
from tradebot.journal import Journal
from tradebot.model import InstrumentId
from tradebot.observability.line import LineError, parse
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions
from tradebot.simulator import faults as simulator_faults

START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""A Tuesday afternoon."""
RATE = 12.0
"""Fast enough that no wait of the bot costs much; slow enough that a machine which stands still for
two seconds is not a clock that is 30 s off, with which the bot would not trade."""
ONE_RUN = ("--single-cycle",)
MSFT = {"asset_type": "Stock", "uic": 10001, "symbol": "MSFT:xnas", "quantity": 10}
ETF = {"asset_type": "Etf", "uic": 10002, "symbol": "SP500:arcx", "quantity": 3}
_OPTIONS = SimulatorOptions(
    rate_limits=RateLimits(enabled=False),
    # Logins survive the hours that pass between two runs, so that tokens are refreshed.
    refresh_token_seconds=10 * 86400,
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A stage as it was at one moment, to begin from any number of times."""

    folder: Path
    now: datetime
    environment: Mapping[str, str]


class Stage:
    """Use it in a `with`. `environment` is given to every run, besides the broker's addresses.

    The bot's files are in `bot`, below which calls are numbered. Runs are told apart by a number.
    """

    def __init__(
        self,
        folder: Path,
        zygote: Zygote,
        environment: Mapping[str, str] | None = None,
        *,
        rate: float = RATE,
        start: datetime = START,
        options: SimulatorOptions = _OPTIONS,
    ) -> None:
        self.folder = folder
        self.bot = folder / "bot"
        self.environment = dict(environment or {})
        self._zygote = zygote
        self._runs = 0
        self._options = options
        self.bot.mkdir(parents=True, exist_ok=True)
        (folder / "empty.env").touch()
        self.clock = FastClock.create(folder / "clock", start, rate=rate)
        self.simulator = self._new_simulator()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.simulator.stop()
        self.clock.close()

    def freeze(self) -> Frozen:
        """Close this stage; what it was can be begun from again."""
        frozen = Frozen(self.folder, self.clock.now(), self.environment)
        self.close()
        return frozen

    @classmethod
    def from_frozen(cls, frozen: Frozen, folder: Path, zygote: Zygote) -> Stage:
        """A stage of its own that begins where the other one was frozen."""
        folder.mkdir(parents=True)
        shutil.copytree(frozen.folder / "bot", folder / "bot")
        for path in frozen.folder.glob("broker.db*"):
            shutil.copy(path, folder / path.name)
        return cls(folder, zygote, frozen.environment, start=frozen.now)

    # -- runs ----------------------------------------------------------------------------------

    def run(
        self,
        *arguments: str,
        plan: KillPlan | None = None,
        hooks: Sequence[str] = (),
        **environment: str,
    ) -> Ended:
        """One invocation, until it has ended; without `arguments` a single cycle."""
        running = self.start(*arguments, plan=plan, hooks=hooks, **environment)
        ended = running.wait()
        if ended.signal is not None:
            self.let_the_broker_finish()
        return ended

    def start(
        self,
        *arguments: str,
        plan: KillPlan | None = None,
        hooks: Sequence[str] = (),
        **environment: str,
    ) -> Running:
        """One invocation, left running: `wait` for it."""
        self._runs += 1
        order = Order(
            arguments=[*(arguments or ONE_RUN), "--env-file", str(self.folder / "empty.env")],
            environment=self._environment(environment),
            folder=self.folder,
            root=self.bot,
            clock=self.folder / "clock",
            name=f"run-{self._runs}",
            plan=plan,
            hooks=hooks,
        )
        return self._zygote.begin(order)

    def run_program(
        self, *arguments: str, plan: KillPlan | None = None, **environment: str
    ) -> Ended:
        """`python main.py …`, a process of its own from its first instruction on; until its end.

        Its wall clock is the stage's; the rest of its time is real, so the stage's `rate` must
        be 1.
        """
        self._runs += 1
        wall = WallClock(self.folder)
        wall.move((self.clock.now() - datetime.now(UTC)).total_seconds())
        order = Order(
            arguments=arguments or ONE_RUN,
            environment={
                **self._environment(environment),
                **wall.environment,
                "LD_PRELOAD": f"{library('kill_at')} {library('wall_clock')}",
                "TEST_KILL_AT": str(self.folder / f"run-{self._runs}.plan"),
            },
            folder=self.folder,
            root=self.bot,
            clock=self.folder / "clock",
            name=f"run-{self._runs}",
        )
        write_plan(order.plan_path, order.root, plan)
        with order.console_path.open("wb") as console:
            done = subprocess.run(
                [sys.executable, "-B", str(ROOT / "main.py"), *order.arguments,
                 "--env-file", str(self.folder / "empty.env")],
                env=order.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, timeout=LONGEST_RUN_SECONDS, check=False,
            )  # fmt: skip
        if done.returncode < 0:
            self.let_the_broker_finish()
        code = done.returncode
        return order.ended(code << 8 if code >= 0 else -code)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            # No git: looking for changes in a clone costs as much as a cycle.
            "PATH": str(self.folder / "no-programs"),
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.bot / "user"),
            "PYTHONPATH": unmeasured().get("PYTHONPATH", ""),
            "LOG_DIR": str(self.bot / "logs"),
            "STATE_DIR": str(self.bot / "state"),
            "LOG_CONSOLE_LEVEL": "ERROR",
            "WATCHLIST_JSON": json.dumps([MSFT]),
            **bot_environment(self.simulator),
            **self.environment,
            **more,
        }

    # -- the broker ----------------------------------------------------------------------------

    def _new_simulator(self) -> Simulator:
        options = dataclasses.replace(self._options, clock=self.clock)
        return Simulator(self.folder / "broker.db", options=options).start()

    def let_the_broker_finish(self) -> None:
        """Whatever it has received is carried out, before anybody's time goes on.

        What a killed run had sent is answered within milliseconds, but by this clock, which can
        be moved on by an hour, that could be an hour after it was sent.
        """
        self.simulator.stop()
        self.simulator = self._new_simulator()

    def fault(self, kind: str, **more: Any) -> None:
        """Switch on a simulator fault: `count`, `skip`, `endpoint`, `method`, `params` …"""
        self.simulator.broker.faults.add(simulator_faults.parse({"kind": kind, **more}))

    def clear_faults(self) -> None:
        self.simulator.broker.faults.remove()

    def net_positions(self) -> dict[InstrumentId, Decimal]:
        """What the broker holds, by instrument; nothing where that is 0."""
        rows = self.simulator.broker.state.all(
            "SELECT asset_type, uic, sum(amount) AS amount FROM positions GROUP BY asset_type, uic"
        )
        held = {InstrumentId(r["asset_type"], r["uic"]): Decimal(str(r["amount"])) for r in rows}
        return {instrument: amount for instrument, amount in held.items() if amount}

    def move(self, seconds: float) -> None:
        """So much time passes at once, for the bot and for its broker."""
        self.clock.move(seconds)

    # -- what a run leaves behind --------------------------------------------------------------

    def journal(self, *, dry_run: bool = False) -> Journal:
        """The journal, opened; close it."""
        return Journal(self.journal_path(dry_run=dry_run))

    def journal_path(self, *, dry_run: bool = False) -> Path:
        kind = "dry" if dry_run else "live"
        return self.bot / "state" / "default" / "LOCAL" / kind / "journal.db"

    def lines(self, event: str | None = None, **fields: str) -> list[dict[str, str]]:
        """The log's whole lines as fields, with `event`, `level` and `component`."""
        found = []
        for path in sorted((self.bot / "logs").glob("bot.log*")):
            for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    line = parse(text)
                except LineError:
                    continue  # torn by a kill; the judge counts those
                entry = {
                    "event": line.event,
                    "level": line.level,
                    "component": line.component,
                    **line.fields,
                }
                if event in (None, entry["event"]) and fields.items() <= entry.items():
                    found.append(entry)
        return found
