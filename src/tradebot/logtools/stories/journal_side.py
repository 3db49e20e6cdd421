"""What the journals know of an order or a run: when it was, and how it stands.

A journal is a help and no condition: one that is missing, locked, damaged or from a newer version
is a note, and the log answers without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradebot.logtools.reading.times import stamp

if TYPE_CHECKING:
    from tradebot.journal.database import Database
    from tradebot.journal.order_times import OrderTimes
    from tradebot.journal.runs import RunRow

_OF_NO_CONCERN = " Nothing is sent without it."
"""What the journal's own complaints end with; here nothing is ever sent."""


@dataclass(slots=True)
class Known:
    """What the journals say to one id."""

    orders: list[OrderTimes] = field(default_factory=list)
    cycles: list[RunRow] = field(default_factory=list)

    def moments(self) -> Iterator[datetime]:
        """Every time at which something was taken down."""
        for order in self.orders:
            yield from order.moments
        for cycle in self.cycles:
            yield cycle.started_at
            if cycle.ended_at is not None:
                yield cycle.ended_at

    def days(self) -> set[date]:
        """The UTC dates of these times; of a run all between the first and the last."""
        days = {moment.astimezone(UTC).date() for moment in self.moments()}
        if self.cycles and days:
            first, last = min(days).toordinal(), max(days).toordinal()
            days |= {date.fromordinal(number) for number in range(first, last + 1)}
        return days

    @property
    def ended(self) -> bool:
        """Is it a run, and is the last of its cycles over?"""
        return bool(self.cycles) and self.cycles[-1].ended_at is not None

    def words(self) -> list[str]:
        """For people, a line each."""
        return [*map(_order_words, self.orders), *map(_cycle_words, self.cycles[-1:])]

    def documents(self) -> list[dict[str, Any]]:
        """For programs."""
        return [*map(_order_facts, self.orders), *map(_cycle_facts, self.cycles)]


def ask(
    paths: Sequence[str], orders: Sequence[str], references: Sequence[str], runs: Sequence[str]
) -> tuple[dict[str, Known], list[str]]:
    """What the journals know of these order ids, references and run ids; and what kept them from
    telling. An id that none of them knows is not in it."""
    known: dict[str, Known] = {}
    notes: list[str] = []
    for path in paths:
        if not Path(path).is_file():
            notes.append(f"the journal {path} was not asked: there is no such file")
            continue
        try:
            _ask_one(path, (orders, references, runs), known)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the log is read
            told = str(error).removesuffix(_OF_NO_CONCERN)
            notes.append(f"the journal {path} was not asked: {told}")
    return known, notes


def _ask_one(
    path: str,
    ids: tuple[Sequence[str], Sequence[str], Sequence[str]],
    known: dict[str, Known],
) -> None:
    from tradebot.journal.database import Database

    database = Database(Path(path), look=True)
    try:
        order_ids, references, run_ids = ids
        if order_ids or references:
            _orders(database, order_ids, references, known)
        if run_ids:
            _runs(database, run_ids, known)
    finally:
        database.close()


def _orders(
    database: Database,
    order_ids: Sequence[str],
    references: Sequence[str],
    known: dict[str, Known],
) -> None:
    from tradebot.journal.order_times import OrderTimesQueries

    queries = OrderTimesQueries(database)
    for wanted, ask_for in ((order_ids, queries.of_order), (references, queries.of_reference)):
        for name in wanted:
            if found := ask_for(name):
                known.setdefault(name, Known()).orders += found


def _runs(database: Database, run_ids: Sequence[str], known: dict[str, Known]) -> None:
    from tradebot.journal.runs import Runs

    queries = Runs(database)
    for run_id in run_ids:
        if cycles := queries.with_id(run_id):
            known.setdefault(run_id, Known()).cycles += cycles


def _order_words(order: OrderTimes) -> str:
    parts = [
        f"{order.external_reference}: {order.side} {order.quantity} {order.instrument}",
        f"recorded {stamp(order.created_at)}",
    ]
    if order.sent_at is not None:
        parts.append(f"sent {stamp(order.sent_at)}")
    if order.order_id:
        parts.append(f"order {order.order_id}")
    if order.decided_at is None:
        parts.append("no verdict yet")
    else:
        reason = f" ({order.failure_reason})" if order.failure_reason else ""
        parts.append(f"{order.outcome}{reason} {stamp(order.decided_at)}")
    if order.order_state:
        parts.append(f"{order.order_state}, {order.filled_quantity} filled")
    parts += [f"corrected by hand {stamp(moment)}" for moment in order.corrected_at]
    return ", ".join(parts)


def _cycle_words(cycle: RunRow) -> str:
    ended = "not ended" if cycle.ended_at is None else f"ended {stamp(cycle.ended_at)}"
    outcome = cycle.outcome or "no outcome"
    reason = f" ({cycle.reason})" if cycle.reason else ""
    return (
        f"run {cycle.run_id}, cycle {cycle.cycle_id or '-'}: started {stamp(cycle.started_at)}, "
        f"{ended}, {outcome}{reason}, phase {cycle.phase}"
    )


def _order_facts(order: OrderTimes) -> dict[str, Any]:
    return _told(order._asdict())


def _cycle_facts(cycle: RunRow) -> dict[str, Any]:
    names = ("run_id", "cycle_id", "slot", "started_at", "ended_at", "outcome", "reason", "phase",
             "exit_code")  # fmt: skip
    return _told({name: getattr(cycle, name) for name in names})


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    """What there is, as JSON has it."""
    return {name: _plain(value) for name, value in facts.items() if value not in (None, ())}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return stamp(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
