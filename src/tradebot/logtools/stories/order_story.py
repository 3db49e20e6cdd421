"""What the log tells of one order: the facts of its lines, put together by its reference.

The verdict of `execution_completed` may be overturned by what a later run finds: a working order is
filled or cancelled, and one that was called absent may exist after all. So the latest word counts,
and what it was before is kept where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.times import seconds_between
from tradebot.vocabulary.words import Word

NEEDLES = (b" | execution_",)
"""A line without this says nothing about an order's fate."""
CORRELATED = b" external_reference="
"""All lines that were written while an order was worked on have this, requests included."""

_LIVE = ("working", "partial")
_GONE = ("rejected", "cancelled", "expired", "not_placed")


class OrderStatus(Word):
    """How much is known of an order, by the log alone."""

    DONE = "done", "There is a final verdict.", "Nothing."
    STILL_OPEN = (
        "still_open",
        "The broker has the order, and it is not filled whole.",
        "Nothing: each run looks at it until it is filled or gone.",
    )
    UNKNOWN_AT_BROKER = (
        "unknown_at_broker",
        "It was sent, and nobody knows whether the broker has it.",
        "Nothing at first: each run looks for it. If it stays: `tradebot orders list --open`, "
        "look in Saxo's platform, then `tradebot orders resolve`.",
    )
    NO_OUTCOME_LOGGED = (
        "no_outcome_logged",
        "Its lines end without a verdict: the run was killed or still goes, or lines are missing.",
        "The next run writes the verdict. If there was one: `--compare` asks the journal.",
    )
    NOT_OURS = (
        "not_ours",
        "An order at the broker with a reference of the bot's kind that its journal does not know.",
        "Is another copy of the bot running, or was a backup restored? The bot does not touch it.",
    )


@dataclass(slots=True)
class OrderStory:
    """One attempt at an order. Times are timestamps of the log as text; "" is for what is not
    in the lines that were read, as with every text here."""

    reference: str
    instrument_id: str = ""
    symbol: str = ""
    side: str = ""
    quantity: str = ""
    order_type: str = ""
    limit_price: str = ""
    bar_time: str = ""
    attempt: str = ""
    env: str = ""
    strategy: str = ""
    dry_run: str = ""
    run_ids: list[str] = field(default_factory=list)
    """In the order in which they worked on it; the first one is its own."""
    cycle_ids: list[str] = field(default_factory=list)

    first: str = ""
    """Its first line."""
    last: str = ""
    last_event: str = ""
    created: str = ""
    prechecked: str = ""
    """When the precheck was passed."""
    sending: str = ""
    answered: str = ""
    """When the broker's answer, or the lack of one, was judged."""
    placed: str = ""
    decided: str = ""
    """When the first verdict was given that was one: not RECONCILIATION_NEEDED."""

    order_ids: list[str] = field(default_factory=list)
    outcome: str = ""
    """`execution_outcome` of the latest `execution_completed`."""
    failure_reason: str = ""
    """Why it failed, or why its outcome is not known."""
    error_code: str = ""
    """The broker's own, with the failure."""
    http_status: str = ""
    """Of the broker's latest answer to the order or its precheck."""
    message: str = ""
    """The broker's or a person's words on it."""
    doubt: str = ""
    """Why it was not clear at first whether the order exists."""
    standing: str = ""
    """How the order stands, by the latest line: `order_state` or `reconcile_result`."""
    filled_quantity: str = ""
    average_price: str = ""
    reconciled: list[tuple[str, str]] = field(default_factory=list)
    """Time and `reconcile_result`, wherever it changed."""
    replayed: bool = False
    """The verdict's line was written by a later run than the verdict."""
    by_hand: bool = False
    """A person said what became of it."""
    contradicted: bool = False
    """It was called not placed, and exists."""
    adopted: bool = False
    """Nothing was sent: the broker had an order of this decision already."""
    orphan: bool = False
    """Only seen at the broker; no intent of this log's bot."""
    steps: list[Entry] | None = None
    """All of its lines, when they were asked for."""
    _unknown: bool = False

    # -- what it comes to -----------------------------------------------------------------------

    @property
    def status(self) -> OrderStatus:
        if self.orphan and not self.created:
            return OrderStatus.NOT_OURS
        if self._unknown:
            return OrderStatus.UNKNOWN_AT_BROKER
        if not self.outcome:
            return OrderStatus.NO_OUTCOME_LOGGED
        return OrderStatus.STILL_OPEN if self.standing in _LIVE else OrderStatus.DONE

    @property
    def failed(self) -> bool:
        """Is it a verdict, and no order came of it, or not all of it was filled?"""
        if self.status is not OrderStatus.DONE:
            return False
        return (self.outcome == "FAILED" and not self.contradicted) or self.standing in _GONE

    @property
    def sent(self) -> bool:
        """May the broker have it, for all that this log says?"""
        return bool(self.sending or self.order_ids)

    @property
    def reason(self) -> str:
        """The code word that says why it stands as it does; "" where there is nothing to say."""
        if self.contradicted:
            return "contradicted"
        return self.failure_reason or (self.standing if self.standing in _GONE else "")

    @property
    def result(self) -> str:
        """One or few words for a table: `filled`, `failed`, `cancelled`, `no outcome logged` …"""
        status = self.status
        if status not in (OrderStatus.DONE, OrderStatus.STILL_OPEN):
            return status.value.replace("_", " ")
        if self.contradicted:
            return f"{self.standing} after all"
        if self.outcome == "SUCCESS" or self.standing in _LIVE:
            return self.standing or "success"
        return self.outcome.lower()

    @property
    def order_id(self) -> str:
        """The broker's, the latest one it named."""
        return self.order_ids[-1] if self.order_ids else ""

    @property
    def order_state(self) -> str:
        """`working`, `partial` or `filled`; "" when it is none of these."""
        return self.standing if self.standing in (*_LIVE, "filled") else ""

    # -- how long it took, in seconds; None where one of the two lines is missing ----------------

    @property
    def seconds_to_sending(self) -> float | None:
        return _between(self.created, self.sending)

    @property
    def seconds_to_answer(self) -> float | None:
        """From the line before the first byte to the broker's answer."""
        return _between(self.sending, self.answered)

    @property
    def seconds_to_verdict(self) -> float | None:
        return _between(self.created, self.decided)

    # -- feeding --------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Take in the next line that carries this reference, whatever its event."""
        if self.steps is not None:
            self.steps.append(entry)
        self.first = self.first or entry.time
        self.last, self.last_event = entry.time, entry.event
        for name in ("instrument_id", "symbol", "env", "strategy", "dry_run"):
            if not getattr(self, name) and entry.get(name) != "-":
                setattr(self, name, entry.get(name))
        _append_new(self.run_ids, entry.get("run_id"))
        _append_new(self.cycle_ids, entry.get("cycle_id"))
        taken_in = _BY_EVENT.get(entry.event)
        if taken_in is not None:
            taken_in(self, entry)

    def _created(self, entry: Entry) -> None:
        self.created = entry.time
        for name in ("side", "quantity", "order_type", "limit_price", "bar_time", "attempt"):
            setattr(self, name, entry.get(name))

    def _prechecked(self, entry: Entry) -> None:
        self.prechecked = entry.time
        self.http_status = entry.get("http_status")

    def _refused(self, entry: Entry) -> None:
        """By the precheck, or for a disclaimer."""
        self._failure(entry)
        self.http_status = entry.get("http_status") or self.http_status

    def _sending(self, entry: Entry) -> None:
        self.sending = entry.time

    def _placed(self, entry: Entry) -> None:
        self.answered = self.placed = entry.time
        self.http_status = entry.get("http_status")
        _append_new(self.order_ids, entry.get("order_id"))

    def _rejected(self, entry: Entry) -> None:
        self.answered = entry.time
        self.http_status = entry.get("http_status")
        self._failure(entry)

    def _unknown_answer(self, entry: Entry) -> None:
        self._rejected(entry)
        self.doubt, self._unknown = self.failure_reason, True
        _append_new(self.order_ids, entry.get("order_id"))

    def _failure(self, entry: Entry) -> None:
        self.failure_reason = entry.get("failure_reason") or self.failure_reason
        self.error_code = entry.get("error_code")
        self.message = entry.get("msg") or entry.get("disclaimer_title")

    def _reconciled(self, entry: Entry) -> None:
        result = entry.get("reconcile_result")
        if not self.reconciled or self.reconciled[-1][1] != result:
            self.reconciled.append((entry.time, result))
        if result == "unknown":
            return  # `execution_completed` says whether that leaves the order unknown
        self._unknown = False
        self._stands(result, entry)

    def _stands(self, standing: str, entry: Entry) -> None:
        self.standing = standing
        self.filled_quantity = entry.get("filled_quantity") or self.filled_quantity
        self.average_price = entry.get("average_price") or self.average_price
        _append_new(self.order_ids, entry.get("order_id"))

    def _contradicted(self, entry: Entry) -> None:
        self.contradicted = True
        self._reconciled(entry)

    def _duplicate(self, entry: Entry) -> None:
        self.adopted = True
        _append_new(self.order_ids, entry.get("order_id"))

    def _orphan(self, entry: Entry) -> None:
        self.orphan = True
        _append_new(self.order_ids, entry.get("order_id"))

    def _by_hand(self, entry: Entry) -> None:
        self.by_hand = True
        self.message = entry.get("msg")
        _append_new(self.order_ids, entry.get("order_id"))

    def _completed(self, entry: Entry) -> None:
        self.outcome = entry.get("execution_outcome")
        self.replayed = self.replayed or entry.get("replayed") == "true"
        self.failure_reason = entry.get("failure_reason")
        self._unknown = self.outcome == "RECONCILIATION_NEEDED"
        if self._unknown:
            self.standing = "unknown"
            _append_new(self.order_ids, entry.get("order_id"))
            return
        self.decided = self.decided or entry.time
        ended = self.standing if self.standing in _GONE else ""
        self._stands(entry.get("order_state") or ended, entry)
        if self.outcome == "SUCCESS" or (self.doubt and self.failure_reason != self.doubt):
            # Of a doubt that is settled; but a person's words on it stay.
            self.error_code = ""
            self.message = self.message if self.by_hand else ""


_BY_EVENT: dict[str, Callable[[OrderStory, Entry], None]] = {
    "execution_intent_created": OrderStory._created,
    "execution_precheck_passed": OrderStory._prechecked,
    "execution_precheck_failed": OrderStory._refused,
    "execution_disclaimer_blocked": OrderStory._refused,
    "execution_order_sending": OrderStory._sending,
    "execution_order_placed": OrderStory._placed,
    "execution_order_rejected": OrderStory._rejected,
    "execution_order_unknown": OrderStory._unknown_answer,
    "execution_reconcile_result": OrderStory._reconciled,
    "execution_verdict_contradicted": OrderStory._contradicted,
    "execution_duplicate_refused": OrderStory._duplicate,
    "execution_orphan_found": OrderStory._orphan,
    "execution_resolved_by_hand": OrderStory._by_hand,
    "execution_completed": OrderStory._completed,
}


def stories(
    entries: Iterable[Entry],
    *,
    keep_steps: bool = False,
    into: dict[str, OrderStory] | None = None,
) -> dict[str, OrderStory]:
    """The orders of these lines (in the order of the log) by reference, the first begun first.

    Lines without a reference are passed over. `keep_steps` keeps every line of every order, which
    is for a few orders. `into` goes on with stories that were begun.
    """
    found: dict[str, OrderStory] = {} if into is None else into
    for entry in entries:
        reference = entry.get("external_reference")
        if not reference:
            continue
        story = found.get(reference)
        if story is None:
            story = found[reference] = OrderStory(reference, steps=[] if keep_steps else None)
        story.add(entry)
    return found


def facts(story: OrderStory) -> dict[str, Any]:
    """The story as a document, without its lines; what is not known is left out."""
    told: dict[str, Any] = {
        "external_reference": story.reference,
        "status": story.status.value,
        "result": story.result,
        "reason": story.reason,
        "execution_outcome": story.outcome,
    }
    told |= {name: getattr(story, name) for name in _PLAIN}
    told["reconciled"] = [{"time": time, "result": result} for time, result in story.reconciled]
    told |= {name: True for name in _FLAGS if getattr(story, name)}
    told |= {name: getattr(story, name) for name in _LATENCIES}
    return {name: value for name, value in told.items() if value not in ("", None, [])}


_PLAIN = (
    "created", "instrument_id", "symbol", "side", "quantity", "order_type", "limit_price",
    "bar_time", "attempt", "env", "strategy", "dry_run", "failure_reason", "order_id",
    "error_code", "http_status", "message", "doubt", "order_state", "standing",
    "filled_quantity", "average_price", "order_ids", "run_ids", "cycle_ids", "first", "prechecked",
    "sending", "answered", "placed", "decided", "last", "last_event",
)  # fmt: skip
_FLAGS = ("sent", "replayed", "by_hand", "contradicted", "adopted", "orphan")
_LATENCIES = ("seconds_to_sending", "seconds_to_answer", "seconds_to_verdict")
FACTS = (
    "external_reference", "status", "result", "reason", "execution_outcome", *_PLAIN, *_FLAGS,
    *_LATENCIES,
)  # fmt: skip
"""What may be asked for: the simple ones of `facts`."""


def _between(earlier: str, later: str) -> float | None:
    return round(seconds_between(earlier, later), 3) if earlier and later else None


def _append_new(values: list[str], value: str) -> None:
    if value and value != "-" and value not in values:
        values.append(value)
