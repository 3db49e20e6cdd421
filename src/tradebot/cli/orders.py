"""`tradebot orders`: what a person does about orders: look, compare with the broker, put right."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from tradebot.cli._options import ENV_FILE
from tradebot.cli._times import moment

_SHOWN_BY_DEFAULT = timedelta(days=7)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)

_OUTPUT = click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="For people; one JSON document; one JSON object per line.",
)
_YES = click.option("--yes", is_flag=True, help="Do not ask before changing something.")


def _quantity(text: str) -> Decimal:
    """Shares, or currency units for FX."""
    with contextlib.suppress(InvalidOperation):
        quantity = Decimal(text)
        if quantity.is_finite() and quantity >= 0:
            return quantity
    raise click.BadParameter(f"{text!r} is no quantity; write a number such as 10")


@click.group()
def command() -> None:
    """Look at orders, compare them with the broker, put right what only a person can.

    All but `list` log in as the bot does, and none can send an order.
    """


@command.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only unresolved and working orders.")
@click.option(
    "--since",
    type=moment,
    metavar="TIME",
    help="Recorded since then. Default: 7 days; --open: ever.",
)
@click.option("--dry", is_flag=True, help="The intents of dry runs.")
@_OUTPUT
@ENV_FILE
def list_(
    only_open: bool, since: datetime | None, dry: bool, output: str, env_file: Path | None
) -> int:
    """Show the intents of the journal, oldest first. Asks nobody, changes nothing.

    Exits with 1 when there are none.
    """
    from tradebot.cli._orders_desk import (
        journal_file,
        new_clock,
        no_journal,
        settings_of_real_runs,
    )
    from tradebot.cli._orders_list import is_open, render
    from tradebot.journal import Journal

    path = journal_file(settings_of_real_runs(env_file), dry_run=dry)
    if no_journal(path):
        return 1
    now = new_clock().now()
    if since is None:
        since = _BEGINNING if only_open else now - _SHOWN_BY_DEFAULT
    with Journal(path) as journal:
        entries = journal.orders.created_between(since, _END)
    found = [entry for entry in entries if is_open(entry)] if only_open else entries
    click.echo(f"read {path}: intents since {_time(since)}: {len(entries)}", err=True)
    if not found and output != "json":
        click.echo("no open orders" if only_open else "no intents", err=True)
        return 1
    for line in render(found, now, output):
        click.echo(line)
    return 0 if found else 1


@command.command()
@click.argument("reference", metavar="REF")
@click.option("--placed", "order_id", metavar="ORDER_ID", help="It is this order at the broker.")
@click.option("--not-placed", "absent", is_flag=True, help="No order came of it.")
@click.option("--unchecked", is_flag=True, help="Record it although the broker cannot confirm it.")
@click.option(
    "--filled",
    type=_quantity,
    metavar="QUANTITY",
    help="With --placed --unchecked: how much was filled.",
)
@_YES
@ENV_FILE
def resolve(
    reference: str,
    order_id: str | None,
    absent: bool,
    unchecked: bool,
    filled: Decimal | None,
    yes: bool,
    env_file: Path | None,
) -> int:
    """Record what became of the order REF, which the bot could not find out.

    The broker is asked first: what it shows of the order is taken over, and a claim that it
    contradicts is refused. The decision is closed: nothing is ever sent for it again.

    Exits with 0 when it was recorded, 1 when it was not, 75 while a run is at work, 69 when the
    broker cannot be asked, 77 when the login is lost.
    """
    from tradebot.cli._orders_resolve import Claim, resolve_by_hand

    if (order_id is not None) == absent:
        raise click.UsageError("say either --placed ORDER_ID or --not-placed")
    if order_id is not None and not re.fullmatch("[0-9]{1,20}", order_id):
        raise click.UsageError(f"--placed {order_id!r}: an order id of the broker is a number")
    if filled is not None and (absent or not unchecked):
        raise click.UsageError("--filled goes with --placed ORDER_ID --unchecked")
    claim = Claim(reference, order_id, unchecked=unchecked, filled=filled)
    return resolve_by_hand(claim, env_file, confirm=_confirmation(yes))


@command.command()
@click.option(
    "--since", type=moment, metavar="TIME", help="Orders sent since then. Default: yesterday."
)
@click.option(
    "--until", type=moment, metavar="TIME", help="… and before then. Default: the end of today."
)
@_OUTPUT
@ENV_FILE
def check(
    since: datetime | None, until: datetime | None, output: str, env_file: Path | None
) -> int:
    """Compare the journal with the broker: the daily double entry. Changes nothing.

    Reads the broker's audit log, open orders and positions, prints a line for each difference
    (docs/reasons.md explains the words) and how much was compared, and logs both.

    Exits with 0 when all agrees, 1 with differences, 69 when the broker cannot be asked, 77 when
    the login is lost.
    """
    from tradebot.cli._orders_check import check_and_tell
    from tradebot.cli._orders_desk import new_clock
    from tradebot.execution.double_entry import Period
    from tradebot.logtools.reading.times import parse_time

    now = new_clock().now()
    begin = since or parse_time("yesterday", now)
    end = until or parse_time("today", now) + timedelta(days=1)
    if begin >= end:
        raise click.UsageError(f"--since {_time(begin)} is not before --until {_time(end)}")
    return check_and_tell(Period(begin, end, now), env_file, output)


@command.command("accept-position")
@click.argument("instrument")
@_YES
@ENV_FILE
def accept_position(instrument: str, yes: bool, env_file: Path | None) -> int:
    """Take the broker's smaller position of INSTRUMENT over into the bot's books.

    For position_mismatch: somebody sold what the bot had bought, and the instrument does not
    trade. INSTRUMENT is an id such as Stock:211, or a symbol of the watch list. The bot's own
    position is only ever made smaller.

    Exits with 0 when it was changed, 1 when there was nothing to change, 75 while a run is at
    work, 69 when the broker cannot be asked, 77 when the login is lost.
    """
    from tradebot.cli._orders_position import accept

    return accept(instrument, env_file, confirm=_confirmation(yes))


def _confirmation(yes: bool) -> Callable[[str], bool]:
    """Asks on a terminal, unless told not to."""

    def confirm(question: str) -> bool:
        return yes or not _on_a_terminal() or click.confirm(question, err=True)

    return confirm


def _on_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
