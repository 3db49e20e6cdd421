"""One pass over the lines of a report: what its sections need, and no more of the lines than fit.

Memory does not grow with the number of lines. Everything that comes in here has been masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tradebot.logtools.figures.summary import Summary, Summing
from tradebot.logtools.masking import masked_text
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.ordering import Row
from tradebot.logtools.report.budget import Budget
from tradebot.logtools.report.keeping import KeptLines
from tradebot.logtools.stories.order_story import OrderStatus, OrderStory, stories
from tradebot.logtools.stories.run_story import RunStories, RunStory

MOST_IN_DETAIL = 4_000
"""Lines up to which each has its own place in the timeline."""

_BATCH = 2_000
_MOST_FOREIGN_LINES = 400
_MOST_FOREIGN_BYTES = 4_096
_SOMEWHERE = LogFile("")
_MOST_STEPS = 60
_MOST_TROUBLES = 400
_MOST_NAMES = 8
_MOST_FOLLOWED = 100
_WRONG = ("WARN", "ERROR", "FATAL")
_WORDS = ("failure_reason", "reason", "error_code", "error_kind", "exc_type", "http_status")
_FACTS = ("version", "commit", "python", "host", "instance", "settings_fingerprint")
_EVERYWHERE = ("env", "dry_run", "strategy")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an order's life, without what its story knows already."""

    time: str
    event: str
    kind: str
    """good, warn or bad; plain where it is neither."""
    told: str
    """What is new in it."""


@dataclass(slots=True)
class Trouble:
    """Lines of WARN and above that say the same."""

    level: str
    event: str
    word: str
    """The code word that tells them from others of the event; maybe none."""
    example: Entry
    """The latest of them."""
    first: str
    count: int = 0


@dataclass(slots=True)
class Instrument:
    """What was decided about one instrument."""

    symbol: str = ""
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By action and reason."""
    latest: Entry | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """Slots in which no run started, as a later run told."""

    first: str
    last: str
    count: int
    reason: str
    time: str
    """When it was told."""


@dataclass
class Gathered:
    """Everything a page is made of."""

    summary: Summary
    runs: list[RunStory]
    orders: dict[str, OrderStory]
    steps: dict[str, list[Step]]
    instruments: dict[str, Instrument]
    troubles: list[Trouble]
    facts: dict[str, list[str]]
    """Values of the fields that say what ran and where, in the order they came up."""
    missed: list[Missed]
    budget: Budget
    kept: KeptLines
    detail: list[Entry] | None
    """Every line, where there are few."""

    @property
    def cycles(self) -> list[RunStory]:
        """Runs of the bot; a person's commands are none, nor is what is only mentioned."""
        first = self.summary.first
        return [run for run in self.runs if run.is_run and run.started >= first]


class Gathering:
    """Takes rows in the order of time, and masks each before anything looks at it."""

    def __init__(self, kept: KeptLines) -> None:
        self._summing = Summing(Notes())
        self._foreign: list[bytes] = []
        self._foreign_time = ""
        self._batch: list[bytes] = []
        self._runs = RunStories()
        self._orders: dict[str, OrderStory] = {}
        self._steps: dict[str, list[Step]] = {}
        self._instruments: dict[str, Instrument] = {}
        self._troubles: dict[tuple[str, str], Trouble] = {}
        self._facts: dict[str, dict[str, None]] = {name: {} for name in (*_EVERYWHERE, *_FACTS)}
        self._missed: dict[tuple[str, str], Missed] = {}
        self._budget = Budget()
        self._kept = kept
        self._detail: list[Entry] | None = []

    def add(self, row: Row) -> None:
        """Take in the next row."""
        if row.line is None:
            if row.raw.strip():
                self._foreign_time = self._foreign_time or row.time
                self._foreign.append(row.raw[:_MOST_FOREIGN_BYTES])
                if len(self._foreign) >= _MOST_FOREIGN_LINES:
                    self._end_foreign()
            return
        self._end_foreign()
        self._add(Entry(row.line, row.raw, _SOMEWHERE, 0))

    def _end_foreign(self) -> None:
        """Masked as one text: what is secret may go over several lines."""
        if self._foreign:
            text = b"\n".join(self._foreign).decode("utf-8", "replace")
            for part in masked_text(text).split("\n"):
                self._kept.add_foreign(self._foreign_time, part)
            self._foreign.clear()
            self._foreign_time = ""

    def _add(self, entry: Entry) -> None:
        self._batch.append(entry.raw)
        if len(self._batch) >= _BATCH:
            self._sum_up()
        self._kept.add(entry)
        self._keep_detail(entry)
        self._runs.add(entry)
        self._note_facts(entry, _EVERYWHERE)
        if "external_reference" in entry.fields:
            stories([entry], into=self._orders)
        if entry.line.level in _WRONG:
            self._note_trouble(entry)
        match entry.event:
            case "http_request" | "http_error":
                self._budget.add(entry)
            case "strategy_decision":
                self._note_decision(entry)
            case "startup_config_loaded":
                self._note_facts(entry, _FACTS)
            case "schedule_runs_missed":
                self._note_missed(entry)
            case event if event.startswith("execution_"):
                self._note_step(entry)

    @property
    def unsettled(self) -> list[str]:
        """The orders that later lines may say more of."""
        return [
            story.reference
            for story in self._orders.values()
            if story.created and story.status is not OrderStatus.DONE
        ][:_MOST_FOLLOWED]

    @property
    def last(self) -> str:
        """The latest timestamp of an order's line."""
        return max((story.last for story in self._orders.values()), default="")

    def follow(self, entry: Entry) -> None:
        """What a line behind the period says of one of its orders. It has been masked."""
        stories([entry], into=self._orders)
        if entry.event.startswith("execution_"):
            self._note_step(entry)

    def gathered(self, run_ids: frozenset[str] | None = None) -> Gathered:
        """What all of it comes to; `run_ids` are the runs that it is about, None for all."""
        self._end_foreign()
        self._sum_up()
        return Gathered(
            summary=self._summing.finish(),
            runs=[run for run in self._runs.stories if run_ids is None or run.run_id in run_ids],
            orders=self._orders,
            steps=self._steps,
            instruments=self._instruments,
            troubles=sorted(self._troubles.values(), key=_urgency),
            facts={name: list(values) for name, values in self._facts.items()},
            missed=list(self._missed.values()),
            budget=self._budget,
            kept=self._kept,
            detail=self._detail,
        )

    def _keep_detail(self, entry: Entry) -> None:
        if self._detail is not None:
            self._detail.append(entry)
            if len(self._detail) > MOST_IN_DETAIL:
                self._detail = None

    def _sum_up(self) -> None:
        self._summing.add(b"".join(raw + b"\n" for raw in self._batch))
        self._batch.clear()

    def _note_facts(self, entry: Entry, names: Iterable[str]) -> None:
        for name in names:
            value = entry.get(name, "-")
            known = self._facts[name]
            if value != "-" and value not in known and len(known) < _MOST_NAMES:
                known[value] = None

    def _note_trouble(self, entry: Entry) -> None:
        word = next((entry.get(name) for name in _WORDS if entry.get(name)), "")
        if word == "http_status":  # as error_kind: the status itself says more
            word = entry.get("error_code") or entry.get("http_status")
        known = self._troubles.get((entry.event, word))
        if known is None:
            if len(self._troubles) >= _MOST_TROUBLES:
                return
            known = Trouble(entry.line.level, entry.event, word, entry, entry.time)
            self._troubles[entry.event, word] = known
        known.count += 1
        known.example = entry
        known.level = max(known.level, entry.line.level, key=_WRONG.index)

    def _note_decision(self, entry: Entry) -> None:
        name = entry.get("instrument_id", "-")
        found = self._instruments.setdefault(name, Instrument())
        found.symbol = entry.get("symbol") or found.symbol
        found.reasons[entry.get("action", "-"), entry.get("reason", "-")] += 1
        found.latest = entry

    def _note_missed(self, entry: Entry) -> None:
        count = entry.get("missed_count")
        missed = Missed(
            entry.get("missed_from"),
            entry.get("missed_to"),
            int(count) if count.isdecimal() and len(count) < 10 else 1,
            entry.get("reason"),
            entry.time,
        )
        self._missed.setdefault((missed.first, missed.last), missed)

    def _note_step(self, entry: Entry) -> None:
        reference = entry.get("external_reference")
        if not reference:
            return
        steps = self._steps.setdefault(reference, [])
        if len(steps) < _MOST_STEPS:
            steps.append(Step(entry.time, entry.event, _kind_of(entry), _new_in(entry)))


_TOLD = (
    "reconcile_result", "execution_outcome", "failure_reason", "error_code", "http_status",
    "order_id", "order_state", "filled_quantity", "average_price", "estimated_cash", "currency",
    "limit_price", "quantity", "disclaimer_title", "reads", "replayed", "msg",
)  # fmt: skip
_NAMES = {
    "order_id": "order", "http_status": "HTTP", "filled_quantity": "filled",
    "average_price": "at", "estimated_cash": "cash", "msg": "",
}  # fmt: skip
_SAY_ENOUGH = frozenset(("reconcile_result", "execution_outcome", "currency", "error_code", "msg"))


def _new_in(entry: Entry) -> str:
    """The fields of a step that tell something, in words where that is shorter."""
    parts = []
    for name in _TOLD:
        value = entry.get(name)
        if value and not (name == "order_state" and value == entry.get("reconcile_result")):
            label = "" if name in _SAY_ENOUGH else _NAMES.get(name, name.replace("_", " "))
            parts.append(f"{label} {value}".strip())
    return ", ".join(parts)


def _kind_of(entry: Entry) -> str:
    for name in ("execution_outcome", "reconcile_result"):
        if entry.get(name):
            return _KINDS.get(entry.get(name), "bad")
    return {"WARN": "warn", "ERROR": "bad", "FATAL": "bad"}.get(entry.line.level, "plain")


_KINDS = {
    "SUCCESS": "good", "SKIPPED": "plain", "RECONCILIATION_NEEDED": "warn", "unknown": "warn",
    "working": "good", "partial": "good", "filled": "good",
}  # fmt: skip


def _urgency(trouble: Trouble) -> tuple[int, int]:
    return -_WRONG.index(trouble.level), -trouble.count
