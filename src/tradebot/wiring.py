"""Puts the house together for one run: broker, login, journal, strategy; and takes it apart."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.clock import Clock
from tradebot.errors import ExitCode, SettingsError, StorageError, TradebotError
from tradebot.house import House, error_reason
from tradebot.journal import Journal, RunOutcome, path_of
from tradebot.observability import Session, log_event
from tradebot.saxo.auth import open_token_source
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.token_endpoint import App
from tradebot.saxo.transport import Transport
from tradebot.settings import Settings
from tradebot.settings.home import user_state_folder
from tradebot.strategies.base import Strategy

if TYPE_CHECKING:
    from tradebot.simulator import Simulator


@contextlib.contextmanager
def open_house(
    settings: Settings,
    strategy: Strategy,
    clock: Clock,
    session: Session,
    *,
    run_id: str,
    progress: Callable[[str], None],
) -> Iterator[House]:
    """Everything a cycle needs, opened; closed again at the end of the `with`.

    Raises StorageError (journal, token file, simulator state) and SettingsError.
    """
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(journal_path(settings)))
        simulator = start_simulator(settings, stack)
        rest_base, auth_base, app = addresses(settings, simulator)
        transport = stack.enter_context(
            Transport(
                rest_base,
                clock,
                allow_orders=not settings.dry_run,
                auth_base=auth_base,
            )
        )
        tokens = open_token_source(settings, transport, clock, app=app)
        shared = simulator is None and not settings.dry_run
        yield House(
            settings=settings,
            clock=clock,
            journal=journal,
            broker=SaxoClient(transport, tokens, clock),
            tokens=tokens,
            strategy=strategy,
            run_id=run_id,
            lock_path=lock_path(settings),
            cycle_counter=settings.state_path / "cycle_id",
            account_locks=user_state_folder(os.environ) / "locks" if shared else None,
            # Beside the journal: what a dry run just asked for must not keep a live one waiting.
            cache_folder=journal_path(settings).parent / "cache",
            set_cycle_id=lambda cycle_id: session.update_context(cycle_id=cycle_id),
            on_locked=_market_mover(simulator),
            progress=progress,
        )


def journal_path(settings: Settings) -> Path:
    """The journal of this instance and environment; a dry run has one of its own."""
    return path_of(settings.state_path, dry_run=settings.dry_run)


def journals(settings: Settings) -> Iterator[Journal]:
    """Both journals of this instance and environment, opened one by one; close each.

    What a person says about an instance holds for its dry runs and its real ones.
    """
    for dry_run in (False, True):
        yield Journal(path_of(settings.state_path, dry_run=dry_run))


def leave_row(
    settings: Settings,
    run_id: str,
    started_at: datetime,
    error: Exception,
    *,
    slot: datetime | None,
) -> None:
    """Record an invocation that ended before its cycle began: a gap must mean a missed run.

    In both journals, since the settings that would say which may be what is wrong; and as far as
    possible: where a journal itself is the problem, the log has to do. `slot` is None when the
    settings that make slots cannot be read, or no scheduler started the run.
    """
    code = error.exit_code if isinstance(error, TradebotError) else ExitCode.SOFTWARE
    for dry_run in (False, True):
        with (
            contextlib.suppress(StorageError),
            Journal(path_of(settings.state_path, dry_run=dry_run)) as journal,
        ):
            row = journal.runs.begin(run_id, pid=os.getpid(), at=started_at, slot=slot)
            journal.runs.end(
                row,
                RunOutcome.FAILED,
                at=started_at,
                phase="startup",
                reason=error_reason(error),
                exit_code=int(code),
            )


def lock_path(settings: Settings) -> Path:
    """The run lock of this instance and environment, shared by dry and real runs."""
    return settings.state_path / "run.lock"


def start_simulator(settings: Settings, stack: contextlib.ExitStack) -> Simulator | None:
    if settings.saxo_env != "LOCAL" or settings.saxo_rest_base is not None:
        return None
    from tradebot.simulator import STATE_FILE, Simulator

    path = settings.state_path / STATE_FILE
    simulator = stack.enter_context(Simulator(path))
    log_event(
        "simulator_started",
        port=simulator.port,
        market_time=f"{simulator.market_date}T00:00:00Z",
        state_path=str(path),
    )
    return simulator


def addresses(
    settings: Settings, simulator: Simulator | None
) -> tuple[str, str | None, App | None]:
    if simulator is not None:
        app = App("oauth", simulator.app_key, simulator.app_secret, simulator.redirect_uri)
        return simulator.rest_base, simulator.auth_base, app
    if settings.saxo_rest_base is None:
        raise SettingsError([f"SAXO_REST_BASE: missing for SAXO_ENV={settings.saxo_env}"])
    return settings.saxo_rest_base, settings.saxo_auth_base, None


def _market_mover(simulator: Simulator | None) -> Callable[[], None]:
    """Moves the embedded market on by a bar in each cycle but the very first.

    Only under the lock: a run that finds another one busy must not move the other's market.
    """
    fresh = simulator is not None and simulator.is_new

    def move() -> None:
        nonlocal fresh
        if simulator is not None and not fresh:
            simulator.advance()
        fresh = False

    return move
