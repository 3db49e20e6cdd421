"""The figures of a log: lines, runs, orders, reasons, latencies, rate limits, logins.

One pass over blocks of bytes. A log is mostly requests, so what is asked of every line is cut out
of it and counted as it stands, and only the few lines that say more are parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tradebot.logtools.blocks import Notes
from tradebot.logtools.percentiles import nearest_rank
from tradebot.observability.line import LineError, LogLine, parse

_HEAD = re.compile(
    rb"(DEBUG|INFO |WARN |ERROR|FATAL) \| [A-Za-z0-9_.:/@%+*,~#-]+ \| ([a-z][a-z0-9_]*)"
)
_TIME_BYTES = len("2025-12-17T07:12:03.214Z")
_LEVEL_AT = _TIME_BYTES + len(" | ")
_BEHIND_HEAD = b" | run_id="
_REQUEST = b"http_request"
_DECISION = b"strategy_decision"
_ID = re.compile(r"(?<=/)[0-9]{3,}(?=/|$)")
_PARSED = frozenset(
    (
        b"cycle_end", b"cycle_failed", b"cycle_skip_outside_trading_hours", b"cycle_skip_slot",
        b"cycle_skip_paused", b"cycle_skip_overlap", b"execution_intent_created",
        b"execution_completed", b"execution_skipped", b"auth_token_refresh_failure", b"http_error",
        b"rate_limit_wait", b"schedule_runs_missed", b"run_killed_found", b"startup_failed",
        b"unexpected_exception", b"marketdata_fetch_failure",
    )
)  # fmt: skip
_MOST_HEADS = 5_000
"""Beyond so many different beginnings of lines, those that are none of ours are thrown out."""


@dataclass(slots=True)
class Endpoint:
    """The requests to one method and path."""

    latencies: Counter[float] = field(default_factory=Counter)
    """Milliseconds, and how often."""
    statuses: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Requests without an answer; they are in neither of the others."""

    @property
    def count(self) -> int:
        """Answers."""
        return sum(self.statuses.values())

    @property
    def refused(self) -> int:
        """Answers with a status of 400 or more."""
        return sum(number for status, number in self.statuses.items() if status >= "400")

    def percentile(self, percent: int) -> float | None:
        """Milliseconds by nearest rank; None when no latency is known."""
        return nearest_rank(self.latencies, percent) if self.latencies else None


@dataclass(slots=True)
class Lowest:
    """The least that was left of a rate limit, and when."""

    left: int
    time: str


@dataclass
class Summary:
    """What `add` has counted. Times are timestamps as text."""

    first: str = ""
    last: str = ""
    lines: int = 0
    """Lines of the log; what is none is in the notes."""
    levels: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    exit_codes: Counter[str] = field(default_factory=Counter)
    skips: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Cycles that looked at no instrument, by event and reason."""
    missed_slots: Counter[str] = field(default_factory=Counter)
    """Slots that a later run told as missed, by reason."""
    killed: set[str] = field(default_factory=set)
    """Runs that ended without a word, as later runs found."""
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By action and reason."""
    intents: set[str] = field(default_factory=set)
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The last outcome and failure reason of each reference."""
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    """`failure_reason`, or the class of an exception, by event."""
    http_errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By status, or what went wrong without one, and the broker's code."""
    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=dict)
    """By method and path; long numbers in a path are `{id}`."""
    lowest: dict[str, Lowest] = field(default_factory=dict)
    """By rate limit."""
    rate_limit_waits: Counter[str] = field(default_factory=Counter)
    """Milliseconds waited, by rate limit."""
    refresh_failures: Counter[str] = field(default_factory=Counter)
    """Logins that were not renewed: `recoverable` or `lost`."""

    def verdict_counts(self) -> Counter[tuple[str, str]]:
        """How many orders ended how: by outcome and failure reason."""
        return Counter(self.verdicts.values())

    def without_verdict(self) -> int:
        """Intents of this time without a verdict in it."""
        return len(self.intents - self.verdicts.keys())


class Summing:
    """Adds blocks to a Summary; `finish` does what can wait until all is counted."""

    def __init__(self, notes: Notes, since: str = "", until: str = "") -> None:
        self.summary = Summary()
        self._notes = notes
        self._since, self._until = since.encode(), until.encode()
        self._heads: Counter[bytes] = Counter()
        self._requests: Counter[bytes] = Counter()
        self._decisions: Counter[bytes] = Counter()
        self._events: dict[bytes, bytes] = {}

    def add(self, data: bytes) -> None:
        """Whole lines, as they are in a file."""
        lines = self._wanted(data)
        heads = [line[_LEVEL_AT : line.find(_BEHIND_HEAD, _LEVEL_AT)] for line in lines]
        self._heads.update(heads)
        for head in set(heads) - self._events.keys():
            found = _HEAD.fullmatch(head)
            self._events[head] = found[2] if found else b""
        events = [self._events[head] for head in heads]
        self._add_times(lines, events)
        self._add_requests(
            [line for line, event in zip(lines, events, strict=True) if event == _REQUEST]
        )
        for line, event in zip(lines, events, strict=True):
            if event == _DECISION:
                self._decisions[_cut(line, b" reason=", b" signal=")] += 1
            elif event in _PARSED:
                self._add_parsed(line)
        if len(self._events) > _MOST_HEADS:
            self._forget_foreign()

    def _wanted(self, data: bytes) -> list[bytes]:
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        if self._since:
            lines = [line for line in lines if line >= self._since]
        if self._until:
            lines = [line for line in lines if line[:_TIME_BYTES] < self._until]
        return lines

    def _add_times(self, lines: list[bytes], events: list[bytes]) -> None:
        """Of a block only its ends: lines are in the order of time, but for moments."""
        for number in (0, -1):
            if lines and events[number]:
                time = lines[number][:_TIME_BYTES].decode("ascii", "replace")
                self.summary.first = min(self.summary.first or time, time)
                self.summary.last = max(self.summary.last, time)

    def _add_requests(self, lines: list[bytes]) -> None:
        self._requests.update(
            [_cut(line, b" http_method=", b" saxo_request_id=") for line in lines]
        )
        limits = [_cut(line, b" rate_limit_remaining_", b" rate_limit_reset_") for line in lines]
        for pair in set(b" ".join(limits).split(b" ")):
            name, _, number = pair.partition(b"=")
            if not (name and number.isdigit()):
                continue
            dimension = name.removeprefix(b"rate_limit_remaining_").decode("ascii", "replace")
            lowest = self.summary.lowest.get(dimension)
            left = int(number[:18])
            if lowest is None or left < lowest.left:
                where = next(line for line, cut in zip(lines, limits, strict=True) if pair in cut)
                time = where[:_TIME_BYTES].decode("ascii", "replace")
                self.summary.lowest[dimension] = Lowest(left, time)

    def _add_parsed(self, raw: bytes) -> None:
        try:
            line = parse(raw.decode("utf-8", "replace"))
        except LineError:
            self._notes.odd["foreign"] += 1
            return
        summary, get = self.summary, line.fields.get
        match line.event:
            case "cycle_end":
                summary.exit_codes[get("exit_code", "-")] += 1
            case "execution_intent_created":
                summary.intents.add(get("external_reference", "-"))
            case "schedule_runs_missed":
                self._add_missed(line)
            case "run_killed_found":
                summary.killed.add(get("killed_run_id", "-"))
            case "http_error":
                self._add_http_error(line)
            case "rate_limit_wait":
                summary.rate_limit_waits[get("dimension", "-")] += _milliseconds(line)
            case event if event.startswith("cycle_skip_"):
                summary.skips[event, get("reason", "-")] += 1
            case "execution_completed":
                # Said again after a crash it counts once: by its reference.
                verdict = (get("execution_outcome", "-"), get("failure_reason", ""))
                summary.verdicts[get("external_reference", "-")] = verdict
            case _:
                self._add_failure(line)

    def _add_http_error(self, line: LogLine) -> None:
        get = line.fields.get
        lost = get("error_kind", "http_status") != "http_status"
        what = get("error_kind", "-") if lost else get("http_status", "-")
        self.summary.http_errors[what, get("error_code", "-")] += 1
        if lost:
            self._endpoint(line.fields).lost += 1

    def _add_missed(self, line: LogLine) -> None:
        get = line.fields.get
        if get("replayed") != "true":
            number = get("missed_count", "")
            self.summary.missed_slots[get("reason", "-")] += (
                int(number) if number.isdecimal() else 1
            )

    def _add_failure(self, line: LogLine) -> None:
        get = line.fields.get
        if line.event == "auth_token_refresh_failure":
            kind = "recoverable" if get("recoverable") == "true" else "lost"
            self.summary.refresh_failures[kind] += 1
        reason = get("failure_reason") or get("reason") or get("exc_type") or "-"
        self.summary.failures[line.event, reason] += 1

    def _forget_foreign(self) -> None:
        foreign = [head for head, event in self._events.items() if not event]
        for head in foreign:
            self._notes.odd["foreign"] += self._heads.pop(head, 0)
            del self._events[head]

    def finish(self) -> Summary:
        """The summary of all that was added."""
        self._forget_foreign()
        summary = self.summary
        for head, number in self._heads.items():
            level, _, _ = head.partition(b" | ")
            summary.levels[level.strip().decode()] += number
            summary.events[self._events[head].decode()] += number
        summary.lines = sum(summary.events.values())
        for cut, number in self._decisions.items():
            values = _pairs(cut)
            summary.decisions[values.get("action", "-"), values.get("reason", "-")] += number
        for cut, number in self._requests.items():
            self._add_request(_pairs(cut), number)
        return summary

    def _add_request(self, values: Mapping[str, str], number: int) -> None:
        endpoint = self._endpoint(values)
        endpoint.statuses[values.get("http_status", "-")] += number
        try:
            endpoint.latencies[float(values["latency_ms"])] += number
        except (KeyError, ValueError):
            return

    def _endpoint(self, values: Mapping[str, str]) -> Endpoint:
        path = _ID.sub("{id}", values.get("http_url_path", "-"))
        return self.summary.endpoints.setdefault((values.get("http_method", "-"), path), Endpoint())


def _cut(line: bytes, begin: bytes, end: bytes) -> bytes:
    """From behind `begin`'s space to before `end`; to the line's end where there is no `end`."""
    start = line.find(begin)
    if start < 0:
        return b""
    stop = line.find(end, start)
    return line[start + 1 : stop] if stop >= 0 else line[start + 1 :]


def _pairs(cut: bytes) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in cut.decode("utf-8", "replace").split(" "))
    return {name: value for name, _, value in pairs}


def _milliseconds(line: LogLine) -> int:
    try:
        return round(float(line.fields.get("wait_seconds", "0")) * 1000)
    except ValueError:
        return 0


def summary_of(blocks: Iterable[bytes], notes: Notes, since: str = "", until: str = "") -> Summary:
    """The figures of all blocks; lines before `since`, or not before `until`, are left out."""
    summing = Summing(notes, since, until)
    for data in blocks:
        summing.add(data)
    return summing.finish()
