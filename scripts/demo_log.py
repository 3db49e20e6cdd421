"""Makes a log to try the tools on: three days of the bot, in some seconds.

    python scripts/demo_log.py [FOLDER]      (default: demo)

It is the real bot at the simulated broker; only its clock is another one, which leaps from run to
run. Orders are filled, one stays unresolved for two hours, one fails for want of cash; a run is
missed, and at night it skips. The folder is made anew each time, if it was made by this script.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tradebot import __version__
from tradebot.cli.simulator import environment as broker_environment
from tradebot.errors import TradebotError
from tradebot.observability import build_log_context, log_event, register_secret, setup_logging
from tradebot.orchestrator import Cycle
from tradebot.settings import Settings, load
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions, faults
from tradebot.strategies.registry import load_strategy
from tradebot.vocabulary import CATALOGUE
from tradebot.wiring import journal_path, lock_path, open_house

ROOT = Path(__file__).resolve().parents[1]
MARK = "made-by-demo_log"
FIRST = datetime(2026, 3, 3, 14, tzinfo=UTC)
"""The first slot: a Tuesday."""
LAST = FIRST + timedelta(days=2, hours=6)
CADENCE = timedelta(hours=2)
MISSED = FIRST + timedelta(days=1)
UNRESOLVED = FIRST + timedelta(days=1, hours=4)
HOURS = range(13, 21)
"""Of the day, UTC, in which it trades; the market moves on with each slot in them."""
SETTINGS = {
    "WATCHLIST_JSON": (
        '[{"asset_type": "Stock", "uic": 10001, "symbol": "MSFT:xnas", "quantity": 10},'
        ' {"asset_type": "Etf", "uic": 10002, "symbol": "SP500:arcx", "quantity": 5},'
        ' {"asset_type": "Stock", "uic": 211, "symbol": "AAPL:xnas", "quantity": 10}]'
    ),
    "SCHEDULE_CADENCE": "2h",
    "TRADING_HOURS_MODE": "fixed",
    "TRADING_START": f"{HOURS.start:02d}:00",
    "TRADING_END": f"{HOURS.stop:02d}:00",
    "LOG_RETENTION_DAYS": "36500",
}
CASH = 2000.0
"""US dollars at the beginning: enough for two of the three positions."""


class LeapingClock:
    """The machine's clock, shifted: waiting for a time, or for so many seconds, takes none."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)
        self._slept = 0.0
        self._stopping = False

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def sleep(self, seconds: float) -> bool:
        if not self._stopping:
            self._ahead += timedelta(seconds=seconds)
            self._slept += seconds
        return not self._stopping

    def go_to(self, moment: datetime) -> None:
        """Wait for a time to come."""
        self.sleep(max(0.0, (moment - self.now()).total_seconds()))

    def request_stop(self) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0] if arguments else ROOT / "demo").absolute()
    if folder.exists() and not (folder / MARK).is_file() and any(folder.iterdir()):
        sys.stderr.write(f"{folder} is there, and was not made by this script: name another one.\n")
        return 1
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / MARK).touch()
        make(folder)
    except (OSError, TradebotError) as error:
        sys.stderr.write(f"The demo log could not be made: {error}\n")
        return 1
    print(_told(folder))
    return 0


def make(folder: Path) -> None:
    """Three days in `folder`. Raises OSError and TradebotError."""
    clock = LeapingClock(FIRST)
    options = SimulatorOptions(
        clock=clock,
        initial_balance=CASH,
        rate_limits=RateLimits(enabled=False),
        refresh_token_seconds=86400,
    )
    with Simulator(folder / "state" / "broker.db", options=options) as simulator:
        environment = {
            **SETTINGS,
            **broker_environment(simulator),
            "LOG_DIR": str(folder / "logs"),
            "STATE_DIR": str(folder / "state"),
        }
        slot = FIRST
        while slot <= LAST:
            if slot.hour in HOURS and slot != FIRST:
                simulator.advance()
            if slot == UNRESOLVED:
                _lose_the_answer(simulator)
            if slot != MISSED:
                clock.go_to(slot + timedelta(seconds=1.5))
                run(load(environment, home=folder), clock, slot)
            slot += CADENCE


def run(settings: Settings, clock: LeapingClock, slot: datetime) -> None:
    """What `main.py --single-cycle --scheduled` does, by another clock."""
    run_id = str(uuid.uuid4())
    for secret in settings.secrets():
        register_secret(secret)
    with setup_logging(
        settings.log_dir,
        level=settings.log_level,
        retention_days=settings.log_retention_days,
        context=build_log_context(
            run_id, dry_run=settings.dry_run, single_cycle=True, env=settings.saxo_env
        ),
        catalogue=CATALOGUE,
        console=False,
        now=lambda: clock.now().timestamp(),
    ) as session:
        log_event("startup_begin", argv="--single-cycle --scheduled")
        strategy = load_strategy(settings.strategy_name, settings.strategy_params)
        session.update_context(strategy=f"{strategy.name}/{strategy.version}")
        log_event("startup_config_loaded", **_configuration(settings))
        with open_house(
            settings, strategy, clock, session, run_id=run_id, progress=lambda _phase: None
        ) as house:
            log_event(
                "startup_ready",
                lock_path=str(lock_path(settings)),
                journal_path=str(journal_path(settings)),
            )
            cycle = Cycle(house, started_at=clock.now(), slot=slot)
            house.broker.time_left = cycle.deadline.time_left
            cycle.run()


def _configuration(settings: Settings) -> Mapping[str, Any]:
    import platform

    return {
        "version": __version__,
        "python": platform.python_version(),
        "host": platform.node(),
        "cadence": settings.schedule_cadence,
        "home_dir": str(settings.home),
        "log_dir": str(settings.log_dir),
        "state_dir": str(settings.state_dir),
        "instance": settings.instance,
        "watchlist_count": len(settings.watchlist),
        "settings_fingerprint": settings.fingerprint(),
    }


def _lose_the_answer(simulator: Simulator) -> None:
    """The next order is taken, and shows an hour later; its answer never arrives."""
    for fault in (
        {"kind": "drop_after", "endpoint": "/trade/v2/orders", "method": "POST"},
        {"kind": "audit_delay", "params": {"seconds": 3600}},
        {"kind": "orders_delay", "params": {"seconds": 3600}},
    ):
        simulator.broker.faults.add(faults.parse(fault))


def _told(folder: Path) -> str:
    here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    logs = shlex.quote(str(here / "logs"))
    tradebot = "tradebot" if shutil.which("tradebot") else _beside_python()
    return f"""\
Three days of a bot are in {logs}. Why did the last order fail?

  {tradebot} logs why --logs {logs}

What else there is to see:

  {tradebot} logs orders --logs {logs}
  {tradebot} logs why SP500 --at {UNRESOLVED:%Y-%m-%dT%H:%MZ} --logs {logs}
  {tradebot} logs why --at {MISSED:%Y-%m-%dT%H:%MZ} --logs {logs}"""


def _beside_python() -> str:
    """The command of the environment that this script runs in, from here."""
    path = Path(sys.executable).with_name("tradebot")
    here = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return shlex.quote(str(here))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
