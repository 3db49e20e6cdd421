"""A whole bot in this process, against a real simulator: one call, one cycle.

Each cycle opens and closes the house as a new invocation would, so that nothing but the state
folder, the log and the broker carries over. Time is a clock that only moves when slept on.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tradebot.clock import ManualClock
from tradebot.cycle_report import CycleReport
from tradebot.journal import Journal
from tradebot.log_setup import open_log
from tradebot.model import Action, InstrumentId
from tradebot.observability import Session
from tradebot.observability.line import parse
from tradebot.orchestrator import Cycle
from tradebot.saxo.client import SaxoClient
from tradebot.settings import Settings, load
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions
from tradebot.simulator import faults as simulator_faults
from tradebot.simulator.counters import references
from tradebot.strategies.base import Strategy
from tradebot.strategies.registry import load_strategy
from tradebot.wiring import journal_path, open_house

MSFT = InstrumentId("Stock", 10001)
START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""A Tuesday afternoon."""


class Bench:
    """A simulator, a folder and a clock; `cycle()` runs one invocation's cycle."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        options: SimulatorOptions | None = None,
        start: datetime = START,
    ) -> None:
        self.folder = folder
        self.clock = ManualClock(start)
        chosen = options or SimulatorOptions(rate_limits=RateLimits(enabled=False))
        self.simulator = Simulator(
            folder / "broker.db", options=dataclasses.replace(chosen, clock=self.clock)
        )
        self.environment = dict(environment or {})
        self.strategy: Strategy | None = None
        self.progress: list[str] = []

    def __enter__(self) -> Self:
        self.simulator.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.simulator.stop()

    def settings(self, *, dry_run: bool = False, **more: str) -> Settings:
        environment = {
            "SAXO_REST_BASE": self.simulator.rest_base,
            "SAXO_AUTH_BASE": self.simulator.auth_base,
            "SAXO_ENV": "LOCAL",
            "SAXO_APP_KEY": self.simulator.app_key,
            "SAXO_APP_SECRET": self.simulator.app_secret,
            "SAXO_REDIRECT_URI": self.simulator.redirect_uri,
            "RECONCILE_GRACE_SECONDS": "60",
            **self.environment,
            **more,
        }
        return load(environment, home=self.folder, dry_run_flag=dry_run)

    def cycle(
        self, *, dry_run: bool = False, slot: datetime | None = None, **more: str
    ) -> CycleReport:
        """One invocation with one cycle. `more` are environment variables."""
        settings = self.settings(dry_run=dry_run, **more)
        strategy = self.strategy or load_strategy(settings.strategy_name, settings.strategy_params)
        run_id = str(uuid.uuid4())
        with (
            self.log(settings, run_id) as session,
            open_house(
                settings,
                strategy,
                self.clock,
                session,
                run_id=run_id,
                progress=self.progress.append,
            ) as house,
        ):
            own = dataclasses.replace(house, account_locks=self.folder / "locks")
            cycle = Cycle(own, started_at=self.clock.now(), slot=slot)
            house.broker.time_left = cycle.deadline.time_left
            return cycle.run()

    def log(self, settings: Settings, run_id: str) -> Session:
        """The log as the program sets it up, but strict."""
        return open_log(settings, run_id, single_cycle=True, console=False, strict=True)

    def journal(self, *, dry_run: bool = False) -> Journal:
        """The journal, opened; close it."""
        return Journal(journal_path(self.settings(dry_run=dry_run)))

    def lines(self, event: str | None = None, **fields: str) -> list[dict[str, str]]:
        """The log's lines as fields, with `event`, `level` and `component`."""
        found = []
        for path in sorted((self.folder / "logs").glob("bot.log*")):
            for text in path.read_text(encoding="utf-8").splitlines():
                line = parse(text)
                entry = {
                    "event": line.event,
                    "level": line.level,
                    "component": line.component,
                    **line.fields,
                }
                if event in (None, entry["event"]) and fields.items() <= entry.items():
                    found.append(entry)
        return found

    def events(self, **fields: str) -> list[str]:
        """The names of the log's events, in order."""
        return [line["event"] for line in self.lines(**fields)]

    def fault(self, kind: str, **more: Any) -> None:
        """Switch on a simulator fault: `count`, `skip`, `endpoint`, `method`, `params`."""
        self.simulator.broker.faults.add(simulator_faults.parse({"kind": kind, **more}))

    def clear_faults(self) -> None:
        self.simulator.broker.faults.remove()

    def advance_until_next_order(self, limit: int = 40) -> CycleReport:
        """Cycles with the market moving on, until one has something to carry out."""
        for _ in range(limit):
            self.simulator.advance()
            report = self.cycle()
            if report.executions:
                return report
        raise AssertionError("no order in all these cycles")

    def advance_until_next_refusal(self, limit: int = 40) -> str:
        """Cycles with the market moving on, until a wish to trade is refused; the reason."""
        for _ in range(limit):
            self.simulator.advance()
            for decision in self.cycle().decisions:
                if decision.signal in (Action.BUY, Action.SELL) and not decision.is_order:
                    return str(decision.reason)
        raise AssertionError("no refusal in all these cycles")

    def orders_at_broker(self) -> int:
        """How many orders the simulator has ever taken."""
        rows = self.simulator.broker.state.one("SELECT count(*) FROM orders")
        return int(rows[0])

    def orders_by_reference(self) -> dict[str, int]:
        """How many orders came to exist at the simulator, by external reference."""
        return {
            name: int(entry["orders"])
            for name, entry in references(self.simulator.broker.state).items()
            if entry["orders"]
        }

    def net_positions(self) -> dict[InstrumentId, Decimal]:
        """The broker's own view, read through the API."""
        client = self.client()
        try:
            return {
                p.net_position_base.instrument: p.net_position_base.amount
                for p in client.net_positions()
                if p.net_position_base.amount
            }
        finally:
            client.close()

    def client(self) -> SaxoClient:
        """A broker client of the test's own, with a long-lived token; close it."""
        from tradebot.saxo.auth import ManualTokenSource
        from tradebot.saxo.transport import Transport

        transport = Transport(self.simulator.rest_base, self.clock, allow_orders=True)
        return SaxoClient(transport, ManualTokenSource(self.simulator.access_token()), self.clock)
