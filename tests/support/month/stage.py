"""The bot's folder, a broker, and a clock that both of them and the log follow."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

from support.month import strategy
from tradebot import app
from tradebot.cli.simulator import environment as broker_environment
from tradebot.clock import ManualClock
from tradebot.journal import Journal
from tradebot.observability import Session, build_log_context, setup_logging
from tradebot.settings import Settings
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions, faults
from tradebot.vocabulary import CATALOGUE

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
CADENCE = timedelta(hours=8)
WATCHED = {
    "Stock:10001": "MSFT:xnas",
    "Stock:211": "AAPL:xnas",
    "Etf:10002": "SP500:arcx",
    "FxSpot:21": "EURUSD",
}
"""In the order in which they are decided."""
QUANTITY = {"Stock:10001": 10, "Stock:211": 5, "Etf:10002": 8, "FxSpot:21": 5000}
_TICK_SECONDS = 0.001


class SharedClock(ManualClock):
    """Moves by a millisecond whenever it is looked at, so that no two lines have the same time."""

    def now(self) -> datetime:
        self.advance(_TICK_SECONDS)
        return super().now()


class RunClock:
    """The shared time, and a stop of one's own: each run is a process of its own."""

    def __init__(self, shared: SharedClock) -> None:
        self._shared = shared
        self._stopping = False

    def now(self) -> datetime:
        return self._shared.now()

    def monotonic(self) -> float:
        return self._shared.monotonic()

    def sleep(self, seconds: float) -> bool:
        return not self._stopping and self._shared.sleep(seconds)

    def request_stop(self) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping


@dataclass
class Stage:
    """One call of `run` is one invocation of the program by its scheduler."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    """Variables of every run."""

    def __post_init__(self) -> None:
        self.clock = SharedClock(START)
        self.simulator = Simulator(
            self.folder / "broker.db",
            options=SimulatorOptions(
                clock=self.clock,
                rate_limits=RateLimits(enabled=False),
                refresh_token_seconds=60 * 86400,
            ),
        )
        self._wishes = self.folder / "wishes.json"
        self._empty = self.folder / "empty.env"
        self._empty.touch()

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

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def state(self) -> Path:
        return self.folder / "state" / "default" / "LOCAL"

    def run(
        self,
        wishes: Mapping[str, str] | None = None,
        *,
        scheduled: bool = True,
        killed_at: str | None = None,
        within: contextlib.AbstractContextManager[Any] | None = None,
        **more: str,
    ) -> int:
        """One invocation with these wishes; its exit code, or -9. `killed_at` names the line (its
        event) behind which it is killed; inside of `within` it runs; `more` are variables."""
        self._wishes.write_text(json.dumps(dict(wishes or {})), encoding="utf-8")
        arguments = ["--single-cycle", "--env-file", str(self._empty)]
        if scheduled:
            arguments.append("--scheduled")
        with self._program(more, killed_at), within or contextlib.nullcontext():
            if killed_at is None:
                return app.main(arguments)
            return self._killed(arguments)

    @contextlib.contextmanager
    def _program(self, more: Mapping[str, str], killed_at: str | None) -> Iterator[None]:
        """The process that the scheduler starts: its environment, its time, its log."""

        def watch(_level: int, line: str) -> None:
            if killed_at is not None and f" | {killed_at} | " in line:
                os.kill(os.getpid(), signal.SIGKILL)

        def open_log(
            settings: Settings, run_id: str, *, single_cycle: bool, console: object
        ) -> Session:
            return setup_logging(
                settings.log_dir,
                retention_days=settings.log_retention_days,
                context=build_log_context(
                    run_id,
                    dry_run=settings.dry_run,
                    single_cycle=single_cycle,
                    env=settings.saxo_env,
                ),
                catalogue=CATALOGUE,
                strict=True,
                console=watch,
                now=lambda: self.clock.now().timestamp(),
            )

        with (
            mock.patch.dict(os.environ, {**self._variables(), **more}),
            mock.patch.object(app, "SystemClock", lambda: RunClock(self.clock)),
            mock.patch.object(app, "open_log", open_log),
            mock.patch.object(strategy, "pass_time", self.clock.advance),
        ):
            yield

    def _variables(self) -> dict[str, str]:
        watchlist = [
            {
                "asset_type": instrument.partition(":")[0],
                "uic": int(instrument.partition(":")[2]),
                "quantity": QUANTITY[instrument],
                "symbol": symbol,
            }
            for instrument, symbol in WATCHED.items()
        ]
        return {
            **broker_environment(self.simulator),
            "XDG_STATE_HOME": str(self.folder / "user"),
            "LOG_DIR": str(self.logs),
            "LOG_RETENTION_DAYS": "400",
            "STATE_DIR": str(self.folder / "state"),
            "WATCHLIST_JSON": json.dumps(watchlist),
            "STRATEGY_NAME": "support.month.strategy:Planned",
            "STRATEGY_PARAMS_JSON": json.dumps({"wishes": str(self._wishes)}),
            "SCHEDULE_CADENCE": f"{CADENCE.total_seconds():.0f}s",
            "CYCLE_DEADLINE_SECONDS": "600",
            "MAX_CONSECUTIVE_FAILURES": "0",
            "RECONCILE_GRACE_SECONDS": "3600",
            **self.environment,
        }

    def _killed(self, arguments: list[str]) -> int:
        """The same in a process of its own, which does not come to its end."""
        with _no_warning_of_threads():
            pid = os.fork()
        if pid == 0:
            try:
                app.main(arguments)
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        self.clock.advance(5)  # its clock was a copy
        code = os.waitstatus_to_exitcode(status)
        assert code == -signal.SIGKILL, f"it was to be killed, and ended with {code}"
        return code

    # What can be done to it.

    def fault(self, kind: str, **more: Any) -> None:
        """Switch a fault of the broker on: `count`, `skip`, `endpoint`, `method`, `params`."""
        self.simulator.broker.faults.add(faults.parse({"kind": kind, **more}))

    def clear_faults(self) -> None:
        self.simulator.broker.faults.remove()

    def journal(self, *, dry_run: bool = False) -> Journal:
        """The journal, opened; close it."""
        return Journal(self.state / ("dry" if dry_run else "live") / "journal.db")

    def go_to(self, moment: datetime) -> None:
        """Wait for a time to come."""
        self.clock.advance((moment - ManualClock.now(self.clock)).total_seconds())


@contextlib.contextmanager
def _no_warning_of_threads() -> Iterator[None]:
    """The broker's threads are the parent's, wait for requests and hold nothing meanwhile."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
