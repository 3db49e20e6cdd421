"""What is true of a corpus: orders, runs, missed slots, decisions, and sums over all of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from benchmarks.log_corpus.agenda import instruments_of
from benchmarks.log_corpus.lines import Sink, moment
from benchmarks.log_corpus.model import Attempt, CorpusOptions, Plan

_UNKNOWN = "RECONCILIATION_NEEDED"
_ENDED = ("filled", "cancelled", "expired")


@dataclass(frozen=True, slots=True)
class Reference:
    """One order attempt, as the log tells of it. Times are those of the lines."""

    kind: str
    instrument: str
    symbol: str
    side: str
    quantity: int
    attempt: int
    bar_time: str
    order_id: str | None
    """None: no line names one."""
    run_ids: tuple[str, ...]
    """The runs (and commands) that have lines with `external_reference=` it, the first first."""
    days: tuple[str, ...]
    """The files with such lines."""
    lines: int
    created: str
    sent: str | None
    placed: str | None
    completed: str | None
    """The first line with the final outcome; None while that is not known."""
    outcome: str | None
    """Of the last `execution_completed`; None: there is none."""
    failure_reason: str | None
    error_code: str | None
    order_state: str | None
    """How it stands in the end, also by lines behind the verdict."""
    filled_quantity: int
    replayed: bool
    """Is the last `execution_completed` one with `replayed=true`?"""
    completions: int
    """How many `execution_completed` there are."""
    state: str
    """`done`, `no_outcome_logged`, `unknown_at_broker` or `still_open`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`http_request` lines of one method and path; nearest rank, in milliseconds."""

    count: int
    p50: int
    p95: int
    p99: int


@dataclass(frozen=True, slots=True)
class Summary:
    lines: int
    bytes: int
    events: dict[str, int]
    levels: dict[str, int]
    failure_reasons: dict[str, dict[str, int]]
    """By event, then by reason: how many lines carry it."""
    skips: dict[str, int]
    """`cycle_skip_…` lines by reason."""
    endpoints: dict[str, Endpoint]
    """By `METHOD path`."""
    rate_limits: dict[str, int]
    """The lowest `rate_limit_remaining_*` by dimension."""
    tokens: dict[str, int]
    """`refreshed`, `failed` (recoverable), `lost`, `login_required`."""
    http_errors: list[dict[str, Any]]
    """`status`, `error_kind`, `error_code` (`-`: not there) and `count`."""
    decision_reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class Truth:
    options: dict[str, Any]
    files: dict[str, list[int]]
    """By name: lines and bytes, the oldest first."""
    refs: dict[str, Reference]
    orphans: dict[str, dict[str, Any]]
    """References that the journal does not know: order_id and lines."""
    mentioned: dict[str, int]
    """References that stand in the text of other orders' lines, and how often."""
    runs: list[dict[str, Any]]
    by_hand: list[dict[str, Any]]
    """Commands of people, which have lines and no run."""
    missed: list[dict[str, Any]]
    """Slots without a run: slot, reason, told, told_by, expected (within trading hours)."""
    decisions: list[dict[str, Any]]
    """With options.decisions: run_id, instrument, action, reason, reference, failure_reason (of the
    reference, in the end), not_begun (why no intent followed)."""
    summary: Summary = field(repr=False)

    @staticmethod
    def of(data: Mapping[str, Any]) -> Truth:
        """From `truth.json`."""
        summary = dict(data["summary"])
        summary["endpoints"] = {name: Endpoint(**one) for name, one in summary["endpoints"].items()}
        refs = {
            name: Reference(**{**one, "run_ids": tuple(one["run_ids"]), "days": tuple(one["days"])})
            for name, one in data["refs"].items()
        }
        return Truth(**{**data, "refs": refs, "summary": Summary(**summary)})


def truth_of(plan: Plan, sinks: list[Sink]) -> Truth:
    """Puts together what was planned and what the writers counted."""
    seen = _Seen(sinks)
    refs = {a.reference: _reference(plan, a, seen) for a in plan.attempts}
    runs = {}
    for sink in sinks:
        runs.update(sink.runs)
    return Truth(
        options=_options(plan.options),
        files={name: list(told) for sink in sinks for name, told in sink.files.items()},
        refs=refs,
        orphans={
            reference: {"order_id": order_id, "lines": seen.lines[reference]}
            for reference, order_id in plan.orphans.items()
        },
        mentioned=dict(Counter(run.remark for run in plan.runs if run.remark)),
        runs=[runs[run.run_id] for run in plan.runs],
        by_hand=[
            {"run_id": one.run_id, "at": moment(one.at), "event": one.what} for one in plan.by_hand
        ],
        missed=[{**one, "slot": moment(one["slot"])} for one in plan.missed],
        decisions=[_decision(one, refs) for sink in sinks for one in sink.decided],
        summary=_summary(sinks),
    )


def _options(options: CorpusOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in CorpusOptions.__dataclass_fields__}


def _decision(one: tuple[str, ...], refs: Mapping[str, Reference]) -> dict[str, Any]:
    run_id, instrument, action, reason, reference, not_begun = one
    return {
        "run_id": run_id,
        "instrument": instrument,
        "action": action,
        "reason": reason,
        "reference": reference or None,
        "failure_reason": refs[reference].failure_reason if reference else None,
        "not_begun": not_begun or None,
    }


class _Seen:
    """What the writers of all days saw of each reference."""

    def __init__(self, sinks: Iterable[Sink]) -> None:
        self.lines: Counter[str] = Counter()
        self.files: defaultdict[str, list[str]] = defaultdict(list)
        self.run_ids: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.moments: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for sink in sinks:
            self.lines.update(sink.references)
            for reference in sink.references:
                self.files[reference] += sink.files
                self.run_ids[reference].update(sink.seen_by[reference])
            for reference, found in sink.moments.items():
                known = self.moments[reference]
                ended = known.get("completions", []) + found.get("completions", [])
                known.update({**found, **known, "completions": ended})


def _reference(plan: Plan, attempt: Attempt, seen: _Seen) -> Reference:
    reference = attempt.reference
    moments = seen.moments[reference]
    ended = sorted(moments.get("completions", []))
    _, outcome, reason, replayed = ended[-1] if ended else (None, None, None, False)
    completed = None
    if outcome != _UNKNOWN:
        completed = next((at for at, word, _, _ in ended if word == outcome), None)
    instrument = instruments_of(plan.options)[attempt.instrument]
    coded = attempt.kind in ("rejected", "precheck") and attempt.code != "429"
    return Reference(
        kind=attempt.kind,
        instrument=instrument.name,
        symbol=instrument.symbol,
        side=attempt.side,
        quantity=attempt.quantity,
        attempt=attempt.number,
        bar_time=moment(attempt.bar),
        order_id=attempt.order_id,
        run_ids=tuple(seen.run_ids[reference]),
        days=tuple(seen.files[reference]),
        lines=seen.lines[reference],
        created=moments["created"],
        sent=moments.get("sent"),
        placed=moments.get("placed"),
        completed=completed,
        outcome=outcome,
        failure_reason=reason,
        error_code=attempt.code if coded else None,
        order_state=attempt.order_state,
        filled_quantity=attempt.filled,
        replayed=replayed,
        completions=len(ended),
        state=_state(outcome, attempt),
    )


def _state(outcome: str | None, attempt: Attempt) -> str:
    if outcome is None:
        return "no_outcome_logged"
    if outcome == _UNKNOWN:
        return "unknown_at_broker"
    if outcome == "SUCCESS" and attempt.order_state not in _ENDED:
        return "still_open"
    return "done"


def _summary(sinks: list[Sink]) -> Summary:
    total = Sink("")
    for sink in sinks:
        total.add(sink)
    files = [told for sink in sinks for told in sink.files.values()]
    return Summary(
        lines=sum(lines for lines, _ in files),
        bytes=sum(size for _, size in files),
        events=dict(sorted(total.events.items())),
        levels=dict(sorted(total.levels.items())),
        failure_reasons={
            event: dict(sorted(reasons.items()))
            for event, reasons in sorted(total.failures.items())
        },
        skips=dict(sorted(total.skips.items())),
        endpoints={name: _endpoint(took) for name, took in sorted(total.latencies.items())},
        rate_limits=dict(sorted(total.lowest.items())),
        tokens=dict(sorted(total.tokens.items())),
        http_errors=[
            {"status": status, "error_kind": kind, "error_code": code, "count": count}
            for (status, kind, code), count in sorted(total.errors.items())
        ],
        decision_reasons=dict(sorted(total.decisions.items())),
    )


def _endpoint(took: list[int]) -> Endpoint:
    ordered = sorted(took)

    def rank(percent: int) -> int:
        return ordered[max(0, ceil(percent * len(ordered) / 100) - 1)]

    return Endpoint(len(ordered), rank(50), rank(95), rank(99))
