"""The broker's smaller position taken over into the bot's books, by a person's word."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import click

from tradebot.cli._by_hand_log import BY_HAND
from tradebot.cli._orders_desk import (
    BrokerDesk,
    broker_desk,
    journal_file,
    new_clock,
    no_journal,
    run_lock,
    settings_of_real_runs,
)
from tradebot.clock import Clock
from tradebot.cycle_setup import broker_positions
from tradebot.errors import UsageError
from tradebot.execution.double_entry import TOO_YOUNG, plain
from tradebot.journal import Journal
from tradebot.log_setup import open_log
from tradebot.model import InstrumentId
from tradebot.observability import log_event
from tradebot.settings import Settings

_ASKING_SECONDS = 30.0


def accept(text: str, env_file: Path | None, *, confirm: Callable[[str], bool]) -> int:
    """Make the bot's own position as small as the broker's. Returns the exit code."""
    settings, clock, run_id = settings_of_real_runs(env_file), new_clock(), str(uuid.uuid4())
    instrument = _instrument(text, settings)
    path = journal_file(settings)
    if no_journal(path):
        return 1
    with (
        Journal(path) as journal,
        open_log(settings, run_id, single_cycle=False, console=False),
        run_lock(settings, run_id, "orders_accept_position"),
        broker_desk(settings, clock) as desk,
        desk.broker.within(_ASKING_SECONDS),
    ):
        account = desk.account.hash
        shown = broker_positions(desk.broker, desk.account).get(instrument, Decimal(0))
        held = Decimal(plain(shown))  # the broker writes a whole number as 4.0
        own = journal.orders.own_positions(account).get(instrument, Decimal(0))
        click.echo(f"{instrument}: the broker holds {plain(held)}, the bot's own is {plain(own)}",
                   err=True)  # fmt: skip
        why_not = _nothing_to_accept(own, held) or _unsettled(journal, desk, instrument, clock)
        if why_not:
            click.echo(f"tradebot: nothing was changed: {why_not}", err=True)
            return 1
        new = max(Decimal(0), held)
        if not confirm(
            f"Count {plain(new)} instead of {plain(own)} as the bot's own? Runs are turned away"
            " meanwhile."
        ):
            click.echo("nothing was changed", err=True)
            return 1
        before = journal.orders.correct_position(
            account, instrument, new, at=clock.now(), run_id=run_id
        )
        log_event(
            "execution_position_accepted",
            instrument_id=str(instrument),
            symbol=_symbol(instrument, settings),
            who=BY_HAND,
            held_before=before,
            held=new,
            broker_held=held,
        )
    click.echo(f"{instrument}: the bot's own position is {plain(new)}, it was {plain(before)}")
    return 0


def _instrument(text: str, settings: Settings) -> InstrumentId:
    """An instrument id, or a symbol of the watch list. Raises UsageError."""
    for item in settings.watchlist:
        if text in (item.symbol, str(item.instrument)):
            return item.instrument
    try:
        return InstrumentId.parse(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no symbol of the watch list and no instrument id such as Stock:211"
        ) from None


def _symbol(instrument: InstrumentId, settings: Settings) -> str | None:
    return next((i.symbol for i in settings.watchlist if i.instrument == instrument), None)


def _nothing_to_accept(own: Decimal, held: Decimal) -> str | None:
    if own <= 0:
        short = " The broker's is short, which no run of the bot can be." if held < 0 else ""
        return f"the bot counts nothing of it as its own, and it is only ever made smaller.{short}"
    if held >= own:
        return "the broker holds enough, and the bot's own position is only ever made smaller"
    return None


def _unsettled(
    journal: Journal, desk: BrokerDesk, instrument: InstrumentId, clock: Clock
) -> str | None:
    """Is there an order that may explain the difference, or still change it?"""
    orders, account = journal.orders, desk.account.hash
    waiting = [*orders.unresolved(account), *(attempt for attempt, _ in orders.live(account))]
    for attempt in waiting:
        if attempt.intent.instrument == instrument:
            return (
                f"{attempt.intent.external_reference} is not finished; a run, or `tradebot orders"
                " resolve`, must settle it first"
            )
    last = orders.last_sent_at(account)
    if last is not None and clock.now() - last < TOO_YOUNG:
        ago = clock.now() - last
        return (
            f"an order was sent {ago / timedelta(seconds=1):.0f} s ago, and positions may lag"
            " behind; try again in a minute"
        )
    return None
