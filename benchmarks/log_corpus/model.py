"""The nouns of the log corpus: what is asked for, what was planned, what is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DAY = 86_400


@dataclass(frozen=True, slots=True)
class CorpusOptions:
    """What a corpus is made of. The same options make the same bytes."""

    days: int = 30
    mb_per_day: float = 34.0
    """Million bytes a day; reached with requests to the broker, as far as the rest leaves room."""
    orders_per_day: int = 200
    """On a trading day, about."""
    instruments: int = 12
    """3 to 12."""
    seed: int = 7
    first_day: str = "2025-11-18"
    cadence_minutes: int = 5
    """SCHEDULE_CADENCE; divides an hour. The strategy's bars are three slots long, two from half
    an hour on."""
    decisions: bool = False
    """Keep every decision in the truth; else only how many there were of each reason."""
    journal: bool = False
    """Write the journal that belongs to the log, too."""


@dataclass(frozen=True, slots=True)
class Instrument:
    asset_type: str
    uic: int
    symbol: str
    quantity: int
    price: float
    around_the_clock: bool

    @property
    def name(self) -> str:
        return f"{self.asset_type}:{self.uic}"


INSTRUMENTS = (
    Instrument("FxSpot", 21, "EURUSD", 10_000, 1.08, True),
    Instrument("Stock", 211, "AAPL:xnas", 10, 231.4, False),
    Instrument("Etf", 36465, "SPY:arcx", 5, 598.2, False),
    Instrument("FxSpot", 31, "USDJPY", 10_000, 154.7, True),
    Instrument("Stock", 15629, "SAN:xmce", 120, 4.61, False),
    Instrument("CfdOnIndex", 4912, "US500.I", 2, 5911.0, True),
    Instrument("Stock", 1311, "NOVOb:xcse", 12, 702.1, False),
    Instrument("CfdOnStock", 8176, "SAP:xetr", 8, 221.9, False),
    Instrument("Etf", 25460, "EXS1:xetr", 15, 161.3, False),
    Instrument("Stock", 307, "VOD:xlon", 400, 0.69, False),
    Instrument("FxSpot", 16, "EURSEK", 10_000, 11.52, True),
    Instrument("Stock", 630, "ORCL:xnys", 6, 188.7, False),
)
DELAYED_INSTRUMENT = 2
"""Its prices are delayed on some days."""


@dataclass(slots=True)
class Attempt:
    """One intent, and what is planned to become of it."""

    reference: str
    instrument: int
    side: str
    quantity: int
    bar: int
    number: int
    kind: str
    """What its first run sees of it; see `log_corpus.orders`."""
    code: str = ""
    """The broker's ErrorCode, for a kind that has one."""
    price: float = 0.0
    order_id: str | None = None
    run_id: str = ""
    verdict: tuple[str, str | None, str | None, int] | None = None
    """Outcome, failure reason, order state, filled quantity: as `execution_completed` says it."""
    filled: int = 0
    """In the end, with what came after the verdict."""
    order_state: str | None = None

    @property
    def named_by_verdict(self) -> str | None:
        """The order's id, if the verdict tells it."""
        reason = None if self.verdict is None else self.verdict[1]
        return None if reason in ("not_placed", "resolved_by_hand") else self.order_id


@dataclass(frozen=True, slots=True)
class Decided:
    """One `strategy_decision`."""

    instrument: int
    action: str
    reason: str
    signal: str | None = None
    quantity: int | None = None
    held: int = 0
    bar: int | None = None
    reference: str | None = None
    """Of the intent that followed in this run."""
    not_begun: str | None = None
    """Why none did: the reason of `execution_skipped`, or `killed`."""


@dataclass(slots=True)
class Run:
    """One invocation, as planned."""

    run_id: str
    slot: int | None
    """Epoch seconds; None for a run that a person started."""
    start: float
    pid: int
    seed: int
    what: str = "normal"
    cycle_id: int | None = None
    fingerprint: str = ""
    commit: str = ""
    crosses_midnight: bool = False
    killed_found: list[tuple[str, str, float]] = field(default_factory=list)
    replayed: list[Attempt] = field(default_factory=list)
    abandoned: list[Attempt] = field(default_factory=list)
    missed: list[tuple[int, int, int, str, str | None]] = field(default_factory=list)
    """Count, first and last slot, reason, the run that was still going."""
    token: str = ""
    looks: list[tuple[Attempt, str]] = field(default_factory=list)
    """What recovery finds of orders whose outcome was not known."""
    moves: list[tuple[Attempt, str, int]] = field(default_factory=list)
    """Live orders that stand otherwise than before: standing and filled quantity."""
    reads_audit: bool = False
    contradicted: list[Attempt] = field(default_factory=list)
    orphans: list[tuple[str, str]] = field(default_factory=list)
    skip: tuple[str, str, int | None] | None = None
    """Event, reason, and next_open or until."""
    details: bool = False
    charts: list[int] = field(default_factory=list)
    unusable: dict[int, str] = field(default_factory=dict)
    insufficient: list[int] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    orders: list[Attempt] = field(default_factory=list)
    not_begun: list[tuple[int, str]] = field(default_factory=list)
    paused_after: list[tuple[str, int]] = field(default_factory=list)
    """Behind the verdict of this reference trading was paused: so many failures in a row."""
    cut: str | None = None
    """The phase in which the run is killed."""
    failed: tuple[str, str] | None = None
    """Phase and failure reason of `cycle_failed`."""
    holder: Run | None = None
    troubles: list[str] = field(default_factory=list)
    """Requests that go wrong and are repeated."""
    remark: str | None = None
    """A reference that somebody else's line mentions."""
    bulk: int = 0
    unresolved: int = 0
    exit_code: int | None = 0
    outcome: str = "ran"

    @property
    def reason(self) -> str | None:
        """What the journal says besides the outcome."""
        if self.skip is not None:
            return self.skip[1]
        if self.failed is not None:
            return self.failed[1]
        return "key_error" if self.what == "bug" else {"busy": "lock_busy"}.get(self.outcome)


@dataclass(frozen=True, slots=True)
class ByHand:
    """A command of a person that left lines in the log."""

    run_id: str
    at: float
    what: str
    reason: str = ""
    until: float | None = None
    attempt: Attempt | None = None
    instrument: int = 0
    held: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Plan:
    """Everything that happens, in order, before a single line is written."""

    options: CorpusOptions
    runs: list[Run] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    missed: list[dict[str, Any]] = field(default_factory=list)
    orphans: dict[str, str] = field(default_factory=dict)
