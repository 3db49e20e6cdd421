"""The log's orders held against the journal's: what one of them has and the other has not.

Both are written by the same run, the journal first. So they agree, but for a line that a crash or a
full disk kept from the log, a restored backup, or another copy of the bot.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from tradebot.errors import StorageError
from tradebot.journal import Attempt, Journal
from tradebot.logtools.reading.sources import Unreadable
from tradebot.logtools.reading.times import moment_of, stamp
from tradebot.logtools.stories.order_story import OrderStatus, OrderStory
from tradebot.model import Verdict
from tradebot.vocabulary.words import Word

_ENVIRONMENTS = ("LOCAL", "SIM", "LIVE")
_ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
_DIGITS = 20
_AROUND = timedelta(days=1)
"""The journal is written a moment before the log: near an edge one of them may lie outside."""


class Disagreement(Word):
    """In what log and journal differ."""

    NOT_IN_JOURNAL = (
        "not_in_journal",
        "The log has the order, the journal does not know it.",
        "Is this the journal of the same bot (INSTANCE, SAXO_ENV, dry or real)? If so, an older "
        "backup was restored, or another copy of the bot logs here: `tradebot orders check`.",
    )
    NOT_IN_LOG = (
        "not_in_log",
        "The journal has the order, the log has none of its lines.",
        "Look for log_lines_lost at that time. If the bot runs on several machines, read all logs.",
    )
    OUTCOME_NOT_LOGGED = (
        "outcome_not_logged",
        "The journal has a verdict that the log does not have.",
        "The next run writes its line once more (replayed=true). The journal's verdict counts.",
    )
    OTHER_OUTCOME = (
        "other_outcome",
        "Log and journal give it different verdicts.",
        "Was an older journal restored? `tradebot orders check` asks the broker.",
    )
    OTHER_ORDER = (
        "other_order",
        "The broker's order id differs.",
        "`tradebot orders check` asks the broker which one it is.",
    )
    OTHER_FILL = (
        "other_fill",
        "Filled quantity or state differ.",
        "Lines may be missing from the log; the journal's count. `tradebot orders check` asks the "
        "broker.",
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """One order of which log and journal tell different things."""

    reference: str
    time: str
    """When its intent was created, as a timestamp."""
    what: Disagreement
    log: str
    journal: str


@dataclass(frozen=True, slots=True)
class Journalled:
    """What the journals know of the orders of some time."""

    paths: tuple[str, ...]
    orders: Mapping[str, tuple[Attempt, Verdict | None]]
    """By reference, the oldest first."""


def orders_of(paths: Sequence[str], since: str, until: str) -> Journalled:
    """The orders of these journals, a day more at both ends. Raises Unreadable."""
    first = max(_moment(since, _ALWAYS[0] + _AROUND) - _AROUND, _ALWAYS[0])
    last = min(_moment(until, _ALWAYS[1]), _ALWAYS[1]) + _AROUND
    found: dict[str, tuple[Attempt, Verdict | None]] = {}
    for path in paths:
        if not Path(path).is_file():
            raise Unreadable(f"{path}: there is no such journal")
        try:
            with Journal(Path(path), look=True) as journal:
                for attempt, verdict in journal.orders.created_between(first, last):
                    found[attempt.intent.external_reference] = attempt, verdict
        except StorageError as error:
            raise Unreadable(f"{path}: {error}") from None
    return Journalled(tuple(paths), found)


def _moment(timestamp: str, otherwise: datetime) -> datetime:
    return moment_of(timestamp) if timestamp else otherwise


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it."""

    differences: tuple[Difference, ...]
    compared: int
    """Orders that both have."""
    of_others: int
    """Orders of the log that belong to another journal: dry runs, or another environment."""
    without_file: int
    """Orders of the journal from days of which the log has no file."""


def compare(
    chosen: Iterable[OrderStory],
    known: Container[str],
    journal: Journalled,
    between: tuple[str, str],
    missing_days: Container[date],
) -> Comparison:
    """Hold orders of the log against the journal, both ways.

    `known` are all references that the log has; `between` is the time, as two timestamps, of which
    it should have every intent, days without a file apart.
    """
    stories = [s for s in chosen if s.status is not OrderStatus.NOT_OURS]
    kinds = _kinds(journal, stories)
    mine = [
        s for s in stories if s.reference in journal.orders or not kinds or _kind_of(s) in kinds
    ]
    found = [d for s in mine for d in _differences(s, journal)]
    without_file = 0
    for reference, (attempt, verdict) in journal.orders.items():
        created = stamp(attempt.created_at)
        if reference in known or not between[0] <= created < between[1]:
            continue
        if attempt.created_at.astimezone(UTC).date() in missing_days:
            without_file += 1
            continue
        told = _of_journal(attempt, verdict)
        found.append(Difference(reference, created, Disagreement.NOT_IN_LOG, "-", told))
    return Comparison(
        tuple(sorted(found, key=lambda difference: (difference.time, difference.reference))),
        compared=sum(s.reference in journal.orders for s in mine),
        of_others=len(stories) - len(mine),
        without_file=without_file,
    )


def _kinds(journal: Journalled, stories: Sequence[OrderStory]) -> set[tuple[str, str] | None]:
    """What these journals are for; empty when nothing says it. Each environment has two."""
    kinds: set[tuple[str, str] | None] = set(map(_kind_of_path, journal.paths))
    if None in kinds:
        return {_kind_of(s) for s in stories if s.reference in journal.orders}
    return kinds


def _kind_of(story: OrderStory) -> tuple[str, str]:
    return story.env, story.dry_run


def _kind_of_path(path: str) -> tuple[str, str] | None:
    """…/SIM/dry/journal.db says what it is for; a copy elsewhere does not."""
    kind, env = Path(path).parent.name, Path(path).parent.parent.name
    if kind not in ("dry", "live") or env not in _ENVIRONMENTS:
        return None
    return env, "true" if kind == "dry" else "false"


def _differences(story: OrderStory, journal: Journalled) -> Iterator[Difference]:
    entry = journal.orders.get(story.reference)
    time, log = story.created or story.first, _of_log(story)
    if entry is None:
        yield Difference(story.reference, time, Disagreement.NOT_IN_JOURNAL, log, "-")
        return
    attempt, verdict = entry
    for what in _what_differs(story, attempt, verdict):
        told = _of_journal(attempt, verdict)
        yield Difference(story.reference, time, what, log, told)


def _what_differs(
    story: OrderStory, attempt: Attempt, verdict: Verdict | None
) -> Iterator[Disagreement]:
    logged = "" if story.outcome == "RECONCILIATION_NEEDED" else story.outcome
    if verdict is not None and not logged:
        yield Disagreement.OUTCOME_NOT_LOGGED
        return
    if _verdict(verdict) != (logged, story.failure_reason if logged else ""):
        yield Disagreement.OTHER_OUTCOME
        return
    # The journal need not name it: an order that was found later is booked without.
    if attempt.order_id is not None and attempt.order_id not in story.order_ids:
        yield Disagreement.OTHER_ORDER
    if verdict is not None and _fill(verdict) != (
        _quantity(story.filled_quantity),
        story.order_state,
    ):
        yield Disagreement.OTHER_FILL


def _verdict(verdict: Verdict | None) -> tuple[str, str]:
    return ("", "") if verdict is None else (str(verdict.outcome), verdict.failure_reason or "")


def _fill(verdict: Verdict) -> tuple[Decimal, str]:
    return verdict.filled_quantity, verdict.order_state or ""


def _quantity(text: str) -> Decimal:
    try:
        number = Decimal(text or 0)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() and number.adjusted() < _DIGITS else Decimal(0)


def _of_log(story: OrderStory) -> str:
    facts = [story.outcome or "no outcome", story.failure_reason, story.standing]
    return _told(facts, story.order_id, _quantity(story.filled_quantity))


def _of_journal(attempt: Attempt, verdict: Verdict | None) -> str:
    if verdict is None:
        return _told([f"no outcome, {attempt.state}"], attempt.order_id or "", Decimal(0))
    facts = [str(verdict.outcome), verdict.failure_reason or "", verdict.order_state or ""]
    return _told(facts, attempt.order_id or "", verdict.filled_quantity)


def _told(facts: list[str], order_id: str, filled: Decimal) -> str:
    told = [" ".join(fact for fact in facts if fact)]
    told += [f"order {order_id}"] if order_id else []
    told += [f"{format(filled.normalize(), 'f')} filled"] if filled else []
    return ", ".join(told)
