"""The figures of a log: lines, runs, orders, reasons, latencies, rate limits, logins.

One pass over blocks of bytes. A log is mostly requests, so what is asked of every line is cut out
of it and counted as it stands, and only the few lines that say more are parsed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import compress

from tradebot.logtools.figures.percentiles import nearest_rank
from tradebot.logtools.masking import masked_event, masked_line, masked_text, masked_value
from tradebot.logtools.reading.blocks import Notes
from tradebot.observability.line import LineError, LogLine, parse

_HEAD = re.compile(
    rb"(DEBUG|INFO |WARN |ERROR|FATAL) \| [A-Za-z0-9_.:/@%+*,~#-]+ \| ([a-z][a-z0-9_]*)"
)
_TIME_BYTES = len("2025-12-17T07:12:03.214Z")
_LEVEL_AT = _TIME_BYTES + len(" | ")
_BEHIND_HEAD = b" | run_id="
_REQUEST = b"http_request"
_METHOD, _CORRELATION = b" http_method=", b" saxo_request_id="
_LEFT, _RESET = b" rate_limit_remaining_", b" rate_limit_reset_"
_DECISION = b"strategy_decision"
_BEGINS_DECISION = b" | strategy_decision | "
_ID = re.compile(r"(?<=/)[0-9]{3,}(?=/|$)")
_TELLING = frozenset(
    (
        _DECISION,
        b"cycle_end", b"cycle_failed", b"cycle_skip_outside_trading_hours", b"cycle_skip_slot",
        b"cycle_skip_paused", b"cycle_skip_overlap", b"execution_intent_created",
        b"execution_completed", b"execution_skipped", b"auth_token_refresh_failure", b"http_error",
        b"rate_limit_wait", b"schedule_runs_missed", b"run_killed_found", b"startup_failed",
        b"unexpected_exception", b"marketdata_fetch_failure", b"execution_verdict_contradicted",
        b"run_stopped",
    )
)  # fmt: skip
FOUND_AFTER_ALL = "found after all"
"""In place of the outcome of an order that had been called not placed."""
_MOST_HEADS = 5_000
"""Beyond so many different beginnings of lines, those that are none of ours are thrown out."""
_COUNTERS = (
    "exit_codes", "stopped", "skips", "missed_slots", "decisions", "failures", "http_errors",
    "rate_limit_waits", "refresh_failures",
)  # fmt: skip
"""Those of a Summary that are counted while reading; the others are made at the end."""
_MOST_SEEN = 2_000
"""How many limits and what was left of them are remembered, so as not to look at them again."""


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
    """Of cycles."""
    stopped: Counter[str] = field(default_factory=Counter)
    """Loops that were asked to stop between two cycles, by the process's exit code."""
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
    """The last outcome and failure reason of each reference; FOUND_AFTER_ALL with what was found
    overrules them."""
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


class _Events(dict[bytes, bytes]):
    """The event of each beginning of a line from its level on; empty for one that is not ours."""

    def __missing__(self, head: bytes) -> bytes:
        found = _HEAD.fullmatch(head)
        event = self[head] = found[2] if found else b""
        return event


class Summing:
    """Adds blocks to a Summary; `finish` does what can wait until all is counted."""

    def __init__(self, notes: Notes, since: str = "", until: str = "") -> None:
        self.summary = Summary()
        self.notes = notes
        self._since, self._until = since.encode(), until.encode()
        self._heads: Counter[bytes] = Counter()
        self._requests: Counter[bytes] = Counter()
        self._decisions: Counter[bytes] = Counter()
        self._seen_left: set[bytes] = set()
        self._events = _Events()

    def add(self, data: bytes) -> None:
        """Whole lines, as they are in a file."""
        lines = self._wanted(data)
        heads = [line[_LEVEL_AT : line.find(_BEHIND_HEAD, _LEVEL_AT)] for line in lines]
        self._heads.update(heads)
        events = list(map(self._events.__getitem__, heads))
        self._add_times(lines, events)
        self._add_requests(list(compress(lines, map(_REQUEST.__eq__, events))))
        for line in compress(lines, map(_TELLING.__contains__, events)):
            if _BEGINS_DECISION in line:
                self._decisions[_cut(line, b" reason=", b" signal=")] += 1
            else:
                self._add_parsed(line)
        if len(self._events) > _MOST_HEADS:
            self._forget_foreign()

    def _wanted(self, data: bytes) -> list[bytes]:
        if b"\r" in data:  # a copy that went through another system's editor
            data = data.replace(b"\r\n", b"\n")
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
        parts = [line.partition(_METHOD)[2].partition(_CORRELATION) for line in lines]
        self._requests.update([asked for asked, _, _ in parts])
        # Without a correlation id all of it is in the first part.
        limits = [
            (rest or asked).partition(_LEFT)[2].partition(_RESET)[0] for asked, _, rest in parts
        ]
        new = set(b" ".join(limits).split(b" ")) - self._seen_left
        if new:
            self._add_left(new, lines)

    def _add_left(self, pairs: set[bytes], lines: list[bytes]) -> None:
        """`session=119`, `rate_limit_remaining_app_day=…`: the least of each, and where it is."""
        least: dict[bytes, int] = {}
        for pair in pairs:
            name, _, number = pair.partition(b"=")
            if number.isdigit() and (name not in least or int(number[:18]) < least[name]):
                least[name] = int(number[:18])
        for name, left in least.items():
            dimension = masked_text(name.removeprefix(_LEFT[1:]).decode("ascii", "replace"))
            known = self.summary.lowest.get(dimension)
            if known is None or left < known.left:
                pair = b"%s%s=%d " % (_LEFT, dimension.encode(), left)
                where = next((line for line in lines if pair in line), lines[0])
                time = where[:_TIME_BYTES].decode("ascii", "replace")
                self.summary.lowest[dimension] = Lowest(left, time)
        if len(self._seen_left) < _MOST_SEEN:
            self._seen_left |= pairs

    def _add_parsed(self, raw: bytes) -> None:
        try:
            line = masked_line(parse(raw.decode("utf-8", "replace")))
        except LineError:
            self.notes.odd["foreign"] += 1
            return
        match line.event:
            case "schedule_runs_missed":
                self._add_missed(line)
            case "http_error":
                self._add_http_error(line)
            case event if event.startswith("execution_") and event != "execution_skipped":
                self._add_order(line)
            case event if event.startswith(("cycle_end", "cycle_skip_", "run_", "rate_")):
                self._add_run(line)
            case _:
                self._add_failure(line)

    def _add_run(self, line: LogLine) -> None:
        summary, get = self.summary, line.fields.get
        match line.event:
            case "cycle_end":
                summary.exit_codes[get("exit_code", "-")] += 1
            case "run_stopped":
                summary.stopped[get("exit_code", "-")] += 1
            case "run_killed_found":
                summary.killed.add(get("killed_run_id", "-"))
            case "rate_limit_wait":
                summary.rate_limit_waits[get("dimension", "-")] += _milliseconds(line)
            case event:
                summary.skips[event, get("reason", "-")] += 1

    def _add_order(self, line: LogLine) -> None:
        summary, get = self.summary, line.fields.get
        reference = get("external_reference", "-")
        if line.event == "execution_intent_created":
            summary.intents.add(reference)
        elif line.event == "execution_verdict_contradicted":
            summary.verdicts[reference] = (FOUND_AFTER_ALL, get("reconcile_result", ""))
        else:
            # Said again after a crash it counts once: by its reference.
            outcome = get("execution_outcome", "-")
            summary.verdicts[reference] = (outcome, get("failure_reason", ""))

    def _add_http_error(self, line: LogLine) -> None:
        get = line.fields.get
        kind = get("error_kind", "http_status")
        what = get("http_status", "-") if kind == "http_status" else kind
        self.summary.http_errors[what, get("error_code", "-")] += 1
        # An answer that cannot be understood is one, too, and has its own http_request.
        if kind not in ("http_status", "bad_answer"):
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
            self.notes.odd["foreign"] += self._heads.pop(head, 0)
            del self._events[head]

    def take(self, other: Summing) -> None:
        """Add what another one has counted of later files."""
        mine, theirs = self.summary, other.summary
        mine.first = min(filter(None, (mine.first, theirs.first)), default="")
        mine.last = max(mine.last, theirs.last)
        for name in _COUNTERS:
            getattr(mine, name).update(getattr(theirs, name))
        mine.killed |= theirs.killed
        mine.intents |= theirs.intents
        mine.verdicts.update(theirs.verdicts)
        for dimension, lowest in theirs.lowest.items():
            known = mine.lowest.setdefault(dimension, lowest)
            if lowest.left < known.left:
                mine.lowest[dimension] = lowest
        for key, endpoint in theirs.endpoints.items():
            mine.endpoints.setdefault(key, Endpoint()).lost += endpoint.lost
        self._heads.update(other._heads)
        self._requests.update(other._requests)
        self._decisions.update(other._decisions)
        self._events.update(other._events)
        self.notes.take(other.notes)

    def finish(self) -> Summary:
        """The summary of all that was added."""
        self._forget_foreign()
        summary = self.summary
        for head, number in self._heads.items():
            level, _, _ = head.partition(b" | ")
            summary.levels[level.strip().decode()] += number
            summary.events[masked_event(self._events[head].decode())] += number
        summary.lines = sum(summary.events.values())
        for cut, number in self._decisions.items():
            values = _pairs(cut)
            summary.decisions[values.get("action", "-"), values.get("reason", "-")] += number
        for asked, number in self._requests.items():
            self._add_request(_pairs(_METHOD[1:] + asked), number)
        return summary

    def _add_request(self, values: Mapping[str, str], number: int) -> None:
        endpoint = self._endpoint(values)
        endpoint.statuses[values.get("http_status", "-")] += number
        latency = _finite(values.get("latency_ms", ""))
        if latency is not None:
            endpoint.latencies[latency] += number

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
    return {name: masked_value(name, value) for name, _, value in pairs if name}


def _milliseconds(line: LogLine) -> int:
    return round((_finite(line.fields.get("wait_seconds", "")) or 0) * 1000)


def _finite(text: str) -> float | None:
    """The number; None for what is none, or none that a document could hold."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def summary_of(blocks: Iterable[bytes], notes: Notes, since: str = "", until: str = "") -> Summary:
    """The figures of all blocks; lines before `since`, or not before `until`, are left out."""
    summing = Summing(notes, since, until)
    for data in blocks:
        summing.add(data)
    return summing.finish()
