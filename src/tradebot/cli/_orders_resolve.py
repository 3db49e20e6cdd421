"""A person's word on what became of an order: checked, asked again, recorded."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import click

from tradebot.cli._by_hand_log import BY_HAND
from tradebot.cli._orders_desk import (
    broker_desk,
    journal_file,
    new_clock,
    no_journal,
    run_lock,
    settings_of_real_runs,
)
from tradebot.clock import Clock
from tradebot.errors import BrokerError, LoginError
from tradebot.execution.by_hand import BrokerSays, NotBelieved, Resolution, not_placed, placed
from tradebot.execution.completion import bind_intent, log_completed
from tradebot.execution.double_entry import in_journal
from tradebot.journal import Attempt, AttemptState, Journal
from tradebot.log_setup import open_log
from tradebot.observability import log_event
from tradebot.settings import Settings

_ASKING_SECONDS = 30.0
_NEAR_SINCE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the person says. `order_id` None: that no order came of it."""

    reference: str
    order_id: str | None
    unchecked: bool
    filled: Decimal | None


def resolve_by_hand(claim: Claim, env_file: Path | None, *, confirm: Callable[[str], bool]) -> int:
    """Record the claim if it can be believed. Returns the exit code."""
    settings, clock, run_id = settings_of_real_runs(env_file), new_clock(), str(uuid.uuid4())
    path = journal_file(settings)
    if no_journal(path):
        return 1
    with Journal(path) as journal:
        if _open_attempt(journal, claim.reference, clock) is None:
            return 1
        with (
            open_log(settings, run_id, single_cycle=False, console=False),
            run_lock(settings, run_id, "orders_resolve"),
        ):
            # Once more: a run may have found it out before the lock was taken.
            attempt = _open_attempt(journal, claim.reference, clock)
            if attempt is None:
                return 1
            try:
                resolution = _believe(claim, attempt, journal, settings, clock)
            except NotBelieved as refusal:
                click.echo(f"tradebot: {claim.reference}: {refusal}", err=True)
                return 1
            click.echo(f"{resolution.because}", err=True)
            told = in_journal(attempt, resolution.verdict)
            if not confirm(f"Record {claim.reference} as {told}? Runs are turned away meanwhile."):
                click.echo("nothing was changed", err=True)
                return 1
            return _record(journal, attempt, resolution, clock.now(), run_id)


def _open_attempt(journal: Journal, reference: str, clock: Clock) -> Attempt | None:
    """The attempt, if it waits for its outcome; else None, after saying why."""
    attempt = journal.orders.find(reference)
    if attempt is None:
        click.echo(
            f"tradebot: {journal.path} knows no {reference}.{_near(journal, reference, clock)}",
            err=True,
        )
    elif attempt.state is AttemptState.RESOLVED:
        entries = journal.orders.created_between(
            attempt.created_at, attempt.created_at + timedelta(microseconds=1)
        )
        told = [in_journal(a, v) for a, v in entries if a.intent.external_reference == reference]
        click.echo(f"tradebot: {reference} has its outcome: {told[0]}", err=True)
    elif attempt.state is not AttemptState.SENT:
        click.echo(
            f"tradebot: {reference} was never sent; the next run closes it by itself", err=True
        )
    else:
        return attempt
    return None


def _near(journal: Journal, reference: str, clock: Clock) -> str:
    from difflib import get_close_matches

    recent = journal.orders.created_between(clock.now() - _NEAR_SINCE, _FOREVER)
    names = {a.intent.external_reference for a in journal.orders.unresolved()}
    names |= {attempt.intent.external_reference for attempt, _ in recent}
    near = get_close_matches(reference.upper(), sorted(names), n=3)
    if near:
        return f" Did you mean {' or '.join(near)}?"
    return " `tradebot orders list --open` shows what waits."


_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def _believe(
    claim: Claim, attempt: Attempt, journal: Journal, settings: Settings, clock: Clock
) -> Resolution:
    """Raises NotBelieved; and, unless the person insists, what kept the broker from answering."""
    said = _ask(claim, attempt, journal, settings, clock)
    if claim.order_id is not None:
        others = set(journal.orders.with_order_id(attempt.account, claim.order_id))
        if others - {claim.reference}:
            raise NotBelieved(
                f"order {claim.order_id} is that of {', '.join(sorted(others))} already; it can"
                " be booked only once"
            )
        return placed(attempt, claim.order_id, said, unchecked=claim.unchecked, filled=claim.filled)
    return not_placed(
        attempt,
        said,
        unchecked=claim.unchecked,
        now=clock.now(),
        grace=timedelta(seconds=settings.reconcile_grace_seconds),
    )


def _ask(
    claim: Claim, attempt: Attempt, journal: Journal, settings: Settings, clock: Clock
) -> BrokerSays:
    """What the broker shows; also when the person insists, since it may know better."""
    try:
        with broker_desk(settings, clock) as desk, desk.broker.within(_ASKING_SECONDS):
            mine = {
                a.intent.external_reference for a in journal.orders.unresolved(desk.account.hash)
            }
            if claim.reference not in mine:
                return BrokerSays(
                    None,
                    "the order is of another account than these settings trade on"
                    " (SAXO_ACCOUNT_KEY), so the broker cannot be asked about it",
                )
            return BrokerSays(desk.read(attempt.sent_at or attempt.created_at).orders)
    except (BrokerError, LoginError) as error:
        if not claim.unchecked:
            more = " --filled QUANTITY" if claim.order_id else ""
            click.echo(
                "nothing was recorded, because the broker cannot be asked. If you know what became"
                f" of the order, insist with --unchecked{more}",
                err=True,
            )
            raise
        return BrokerSays(None, f"the broker cannot be asked ({error})")


def _record(
    journal: Journal, attempt: Attempt, resolution: Resolution, at: datetime, run_id: str
) -> int:
    """Journal first, then the lines; what a crash keeps from the log the next run says again."""
    reference, verdict = attempt.intent.external_reference, resolution.verdict
    if not journal.orders.resolve_by_hand(reference, verdict, at=at, run_id=run_id):
        click.echo(f"tradebot: {reference} has its outcome already", err=True)
        return 1
    with bind_intent(attempt):
        log_event(
            "execution_resolved_by_hand",
            resolution.because,
            external_reference=reference,
            instrument_id=str(attempt.intent.instrument),
            who=BY_HAND,
            checked=resolution.checked,
            order_id=verdict.order_id,
        )
        if log_completed(reference, verdict):
            journal.orders.mark_logged(reference)
    click.echo(f"{reference}: {in_journal(attempt, verdict)}")
    return 0
