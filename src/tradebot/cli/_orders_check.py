"""The double entry's two sides read, and what was found shown and logged."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from tradebot.cli._orders_desk import (
    BrokerDesk,
    Reading,
    broker_desk,
    journal_file,
    new_clock,
    no_journal,
    settings_of_real_runs,
)
from tradebot.cycle_setup import broker_positions
from tradebot.execution.double_entry import (
    Books,
    Comparison,
    Found,
    Period,
    Shown,
    compare,
)
from tradebot.journal import Attempt, AttemptState, Journal
from tradebot.log_setup import open_log
from tradebot.model import InstrumentId
from tradebot.observability import log_event
from tradebot.settings import Settings


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared, with how much, and what was found."""

    period: Period
    journal: Path
    comparison: Comparison
    reading: Reading

    @property
    def found(self) -> tuple[Found, ...]:
        return self.comparison.found


def check_and_tell(period: Period, env_file: Path | None, output: str) -> int:
    """Compare, print, log. Returns the exit code."""
    settings, clock = settings_of_real_runs(env_file), new_clock()
    path = journal_file(settings)
    if no_journal(path) and _nothing_has_run(settings):
        return 1
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            open_log(settings, str(uuid.uuid4()), single_cycle=False, console=False)
        )
        journal = stack.enter_context(Journal(path)) if path.is_file() else None
        desk = stack.enter_context(broker_desk(settings, clock))
        report = check(desk, journal, path, period, settings)
        log_report(report)
    for line in render(report, output):
        click.echo(line)
    return 1 if report.found else 0


def _nothing_has_run(settings: Settings) -> bool:
    """No journal, and a broker that would only come into being by asking it."""
    from tradebot.simulator import STATE_FILE

    embedded = settings.saxo_env == "LOCAL" and settings.saxo_rest_base is None
    return embedded and not (settings.state_path / STATE_FILE).exists()


def check(
    desk: BrokerDesk, journal: Journal | None, path: Path, period: Period, settings: Settings
) -> Report:
    """Compare, and where something differs compare once more: a run may be at work meanwhile.

    What differs both times counts. Without a journal, everything of ours is unknown to it.
    Raises BrokerError, LoginError, StorageError.
    """
    report = _check_once(desk, journal, path, period, settings)
    if not report.found:
        return report
    again = _check_once(desk, journal, path, period, settings)
    before = {_identity(one) for one in report.found}
    both = tuple(one for one in again.found if _identity(one) in before)
    return replace(again, comparison=replace(again.comparison, found=both))


def _identity(one: Found) -> tuple[object, ...]:
    return (one.difference, one.reference, one.instrument, one.order_ids)


def _check_once(
    desk: BrokerDesk, journal: Journal | None, path: Path, period: Period, settings: Settings
) -> Report:
    reading = desk.read(period.since)
    shown = Shown(reading.orders, broker_positions(desk.broker, desk.account))
    watched = [item.instrument for item in settings.watchlist]
    books = Books() if journal is None else _books(journal, desk, shown, period, watched)
    return Report(period, path, compare(books, shown, period), reading)


def _books(
    journal: Journal, desk: BrokerDesk, shown: Shown, period: Period, watched: list[InstrumentId]
) -> Books:
    """The journal's side. Read after the broker's, so that no order is shown before its intent."""
    orders, account = journal.orders, desk.account.hash
    entries = list(orders.sent_between(account, period.since, period.until))
    listed = {attempt.intent.external_reference for attempt, _ in entries}
    entries += [
        (attempt, None)
        for attempt in orders.unresolved(account)
        if attempt.state is AttemptState.SENT
        and attempt.intent.external_reference not in listed
        and (attempt.sent_at or attempt.created_at) < period.until
    ]
    known: dict[str, Attempt] = {}
    for order in shown.orders:
        attempt = orders.find(order.reference) if order.reference else None
        if attempt is not None:
            known[attempt.intent.external_reference] = attempt
    own = orders.own_positions(account)
    compared = {instrument: own.get(instrument, Decimal(0)) for instrument in (*own, *watched)}
    return Books(entries, known, compared)


def log_report(report: Report) -> None:
    """One line per difference, and one that says how much was compared."""
    for one in report.found:
        log_event(
            "orders_check_difference",
            f"journal: {one.journal}; broker: {one.broker}",
            difference=one.difference,
            external_reference=one.reference,
            instrument_id=None if one.instrument is None else str(one.instrument),
            order_id=one.order_ids[0] if one.order_ids else None,
        )
    facts: dict[str, Any] = {**_counts(report), **_times(report)}
    log_event("orders_check_result", **facts)


def _counts(report: Report) -> dict[str, int]:
    comparison, reading = report.comparison, report.reading
    return {
        "differences": len(report.found),
        "compared": comparison.orders,
        "too_young": comparison.too_young,
        "positions": comparison.positions,
        "audit_rows": reading.audit_rows,
        "open_orders": reading.open_orders,
    }


def _times(report: Report) -> dict[str, str]:
    period = report.period
    return {
        "checked_from": f"{period.since:%Y-%m-%dT%H:%M:%SZ}",
        "checked_until": f"{period.until:%Y-%m-%dT%H:%M:%SZ}",
    }


def render(report: Report, output: str) -> Iterator[str]:
    """The lines to print; `output` is text, json or jsonl."""
    if output == "text":
        yield from _text(report)
        return
    found = [_facts(one) for one in report.found]
    summary = {**_counts(report), **_times(report), "journal": str(report.journal)}
    if output == "json":
        yield json.dumps({"found": found, **summary}, indent=2)
        return
    for facts in found:
        yield json.dumps({"type": "difference", **facts})
    yield json.dumps({"type": "summary", **summary})


def _facts(one: Found) -> dict[str, object]:
    return {
        "difference": one.difference,
        "meaning": one.difference.meaning,
        "external_reference": one.reference,
        "instrument_id": None if one.instrument is None else str(one.instrument),
        "order_ids": list(one.order_ids),
        "journal": one.journal,
        "broker": one.broker,
    }


def _text(report: Report) -> Iterator[str]:
    for one in report.found:
        about = one.reference or one.instrument
        yield f"{one.difference}: {about}: journal: {one.journal}; broker: {one.broker}"
    counts, times = _counts(report), _times(report)
    yield (
        f"read: rows of the broker's audit log: {counts['audit_rows']}, open orders:"
        f" {counts['open_orders']}, from {times['checked_from']} until {times['checked_until']}"
    )
    yield (
        f"compared with {report.journal}: orders: {counts['compared']}, positions:"
        f" {counts['positions']}; too young to compare: {counts['too_young']}"
    )
    yield f"differences: {counts['differences']}"
