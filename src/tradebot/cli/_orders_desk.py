"""What the `tradebot orders` commands work with: journal, lock, and a broker that takes no orders.

All of them are about real orders, so the journal is the one of real runs, whatever DRY_RUN says.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from tradebot import wiring
from tradebot.clock import Clock, SystemClock
from tradebot.cycle_setup import choose_account
from tradebot.errors import ClockSkew, LockBusy
from tradebot.execution.account import TradingAccount
from tradebot.execution.reconciliation import LOOK_BACK, MAX_CLOCK_SKEW_SECONDS
from tradebot.execution.shown_orders import ShownOrder, shown_orders
from tradebot.observability import bind
from tradebot.saxo.auth import open_token_source
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.transport import Transport
from tradebot.scheduling.run_lock import HOLDER_UNKNOWN, RunLock
from tradebot.settings import Settings, home, load


def new_clock() -> Clock:
    """The time that these commands go by."""
    return SystemClock()


def settings_of_real_runs(env_file: Path | None) -> Settings:
    """The settings, with DRY_RUN off: for finding journals, never for sending. SettingsError."""
    return replace(load(os.environ, home=home(), env_file=env_file), dry_run=False)


def journal_file(settings: Settings, *, dry_run: bool = False) -> Path:
    """Where the journal is, or would be."""
    return wiring.journal_path(replace(settings, dry_run=dry_run))


def no_journal(path: Path) -> bool:
    """Is there none? Then it is said; it must not be made by looking."""
    if path.is_file():
        return False
    click.echo(f"no journal yet at {path}: no run has recorded anything", err=True)
    return True


@contextlib.contextmanager
def run_lock(settings: Settings, run_id: str, phase: str) -> Iterator[None]:
    """Be the only one. Raises LockBusy, whose message names the holder."""
    with RunLock(wiring.lock_path(settings)) as lock:
        try:
            lock.acquire(run_id=run_id, phase=phase, keep_previous=True)
        except LockBusy as busy:
            raise LockBusy(
                f"{busy}: {busy.holder or HOLDER_UNKNOWN}. Nothing was changed; try again when it"
                " has ended",
                holder=busy.holder,
            ) from None
        yield


@dataclass(frozen=True, slots=True)
class Reading:
    """The broker's orders since a time, read whole."""

    orders: tuple[ShownOrder, ...]
    audit_rows: int
    open_orders: int


@dataclass(frozen=True, slots=True)
class BrokerDesk:
    """A logged-in look at the broker."""

    broker: SaxoClient
    account: TradingAccount

    def read(self, since: datetime) -> Reading:
        """Open orders, and the audit log from some minutes before `since`, all pages.

        Raises BrokerError, ClockSkew among them: with another time than the broker's, absence
        would prove nothing.
        """
        account = self.account
        open_orders = self.broker.open_orders(status="All")
        rows = self.broker.order_activities(
            account.client_key, since=since - LOOK_BACK, account_key=account.account_key
        )
        self._require_a_common_clock()
        return Reading(shown_orders(open_orders, rows, account), len(rows), len(open_orders))

    def _require_a_common_clock(self) -> None:
        offset = self.broker.server_time_offset
        if offset is not None and abs(offset) > MAX_CLOCK_SKEW_SECONDS:
            raise ClockSkew(
                f"This machine's clock is {offset:+.0f} s from the broker's, so what it shows"
                " cannot be judged: start a time service (timedatectl set-ntp true)."
            )


@contextlib.contextmanager
def broker_desk(settings: Settings, clock: Clock) -> Iterator[BrokerDesk]:
    """Log in as the bot would. The transport lets no order through; the market does not move.

    Raises LoginError, BrokerError, SettingsError, StorageError.
    """
    with contextlib.ExitStack() as stack:
        simulator = wiring.start_simulator(settings, stack)
        rest_base, auth_base, app = wiring.addresses(settings, simulator)
        transport = stack.enter_context(
            Transport(rest_base, clock, allow_orders=False, auth_base=auth_base)
        )
        tokens = open_token_source(settings, transport, clock, app=app)
        broker = SaxoClient(transport, tokens, clock)
        account = choose_account(broker, settings)
        stack.enter_context(bind(client_key=account.client_key, account_key=account.account_key))
        yield BrokerDesk(broker, account)
