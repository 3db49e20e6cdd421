"""What a cycle did, as stretches and moments in lanes: run, lock, login, market data, decisions,
each order, the requests by endpoint, the waits, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.report.words import clipped, epoch, long
from tradebot.logtools.words.explaining import plain

MOST_ENDPOINTS = 14
"""Lanes of requests; what is asked for seldom shares one."""

_SAME_ANSWER = 0.005
"""Seconds between the two lines of one request that failed."""

_OTHER_REQUESTS = "other requests"
_ID = re.compile(r"(?<=/)[0-9]{3,}(?=/|$)")
_BASE = re.compile(r"^/(?:sim/)?openapi(?=/)")
_WRONG = ("WARN", "ERROR", "FATAL")


@dataclass(frozen=True, slots=True)
class Mark:
    """One stretch, or one moment where `end` is None. Epoch seconds."""

    start: float
    end: float | None
    kind: str
    """How it is drawn: plain, good, warn, bad, wait, or buy, sell, hold, skip."""
    text: str
    """What it is, in words."""
    label: str = ""
    """The same in a word or two, for where there is room."""

    @property
    def span(self) -> tuple[float, float]:
        """From where to where; the same twice for a moment."""
        return self.start, self.start if self.end is None else self.end


@dataclass(slots=True)
class Lane:
    """Marks of one sort."""

    name: str
    marks: list[Mark] = field(default_factory=list)
    about: str | None = None
    """Its name in full, where that is longer."""
    waits: bool = False
    """Are its stretches mostly spent waiting for something?"""


_PAIRS = {
    # The event that ends a stretch: what began it, its lane, and what it is called.
    "auth_token_refresh_success": ("auth_token_refresh_begin", "login", "new access token"),
    "auth_token_refresh_failure": ("auth_token_refresh_begin", "login", "no new access token"),
    "marketdata_fetch_success": ("marketdata_fetch_begin", "market data", "quotes and bars"),
    "marketdata_fetch_partial": (
        "marketdata_fetch_begin",
        "market data",
        "quotes and bars, partly",
    ),
    "marketdata_fetch_failure": ("marketdata_fetch_begin", "market data", "no market data"),
    "execution_precheck_passed": ("execution_precheck_begin", "", "precheck passed"),
    "execution_precheck_failed": ("execution_precheck_begin", "", "precheck failed"),
    "execution_disclaimer_resolved": ("execution_disclaimer_required", "", "disclaimer accepted"),
    "execution_disclaimer_blocked": ("execution_disclaimer_required", "", "disclaimer blocks it"),
    "execution_order_placed": ("execution_order_sending", "", "sent and placed"),
    "execution_order_rejected": ("execution_order_sending", "", "sent and rejected"),
    "execution_order_unknown": ("execution_order_sending", "", "sent, no clear answer"),
    "execution_reconcile_result": ("execution_reconcile_begin", "", "looked up at the broker"),
}
"""An empty lane is the order's own."""

_BEGINS = frozenset(begin for begin, _, _ in _PAIRS.values())
_ACTIONS = {"BUY": "buy", "SELL": "sell", "HOLD": "hold", "SKIP": "skip"}
_STANDINGS = {"unknown": "warn", "rejected": "bad", "not_placed": "bad"}
_OUTCOMES = {"SUCCESS": "good", "SKIPPED": "plain", "RECONCILIATION_NEEDED": "warn"}


def lanes_of(entries: Sequence[Entry]) -> list[Lane]:
    """The lanes, in the order they are drawn; those without a mark are left out."""
    drawing = _Drawing(entries)
    for entry in entries:
        drawing.add(entry)
    return drawing.lanes()


def endpoint(entry: Entry) -> str:
    """Method and path of a request, without what differs from call to call."""
    path = without_base(_ID.sub("{id}", entry.get("http_url_path", "-")))
    return clipped(f"{entry.get('http_method', '-')} {path}", 120)


def without_base(path: str) -> str:
    """A path as the broker's reference has it, without where the API begins on its server."""
    return _BASE.sub("", path)


def seconds_of(entry: Entry) -> float:
    """When it was, in epoch seconds; 0.0 for a moment that never was."""
    return epoch(entry.time) or 0.0


def number(entry: Entry, name: str) -> float | None:
    """A field's number; None where there is none."""
    try:
        value = float(entry.get(name))
    except ValueError:
        return None
    return value if -1e12 < value < 1e12 else None


class _Drawing:
    """Puts entries into lanes, one after the other."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._lanes: dict[str, Lane] = {
            name: Lane(name, waits=name in ("run", "lock"))
            for name in ("run", "lock", "login", "market data", "decisions")
        }
        self._orders: dict[str, Lane] = {}
        self._requests: dict[str, Lane] = {}
        self._last: dict[str, Lane] = {
            name: Lane(name, waits=True) for name in ("waits", "warnings and errors")
        }
        self._open: dict[tuple[str, str, str], Entry] = {}
        self._runs: dict[str, tuple[Entry, Entry]] = {}
        self._cycles: dict[tuple[str, str], tuple[Entry, Entry]] = {}

    def add(self, entry: Entry) -> None:
        self._note_run(entry)
        event = entry.event
        if entry.line.level in _WRONG:
            self._moment(self._last["warnings and errors"], entry, _severity(entry))
        if event in _BEGINS:
            self._open[self._key(entry, event)] = entry
        elif event in _PAIRS:
            self._close(entry)
        elif event in ("http_request", "http_error"):
            self._request(entry)
        elif event in ("rate_limit_wait", "schedule_jitter"):
            self._wait(entry)
        elif event == "strategy_decision":
            kind = _ACTIONS.get(entry.get("action"), "plain")
            self._moment(self._lanes["decisions"], entry, kind)
        elif event.startswith("auth_"):
            self._moment(self._lanes["login"], entry, _severity(entry))
        elif event.startswith("execution_"):
            self._order_moment(entry)

    def lanes(self) -> list[Lane]:
        for begin in self._open.values():
            self._never_ended(begin)
        for first, last in self._runs.values():
            self._stretch(self._lanes["run"], first, last, "plain", _run_text(first, last))
        for first, last in self._cycles.values():
            text = f"cycle {first.get('cycle_id')}, holding the run lock"
            self._stretch(self._lanes["lock"], first, last, "plain", text)
        found = [
            *self._lanes.values(),
            *self._orders.values(),
            *_fewer(self._requests.values()),
            *self._last.values(),
        ]
        return [lane for lane in found if lane.marks]

    # -- parts ----------------------------------------------------------------------------------

    def _note_run(self, entry: Entry) -> None:
        run, cycle = entry.get("run_id", "-"), entry.get("cycle_id", "-")
        if run != "-":
            first, _ = self._runs.get(run, (entry, entry))
            self._runs[run] = first, entry
        if cycle != "-":
            first, _ = self._cycles.get((run, cycle), (entry, entry))
            self._cycles[run, cycle] = first, entry

    @staticmethod
    def _key(entry: Entry, begin: str) -> tuple[str, str, str]:
        return entry.get("run_id"), entry.get("external_reference"), begin

    def _lane_of(self, entry: Entry, name: str) -> Lane:
        if name:
            return self._lanes[name]
        reference = entry.get("external_reference") or entry.get("order_id") or "order"
        lane = self._orders.setdefault(reference, Lane(reference, waits=True))
        if entry.event == "execution_intent_created":
            what = (entry.get(name) for name in ("side", "quantity", "symbol"))
            lane.name = clipped(f"{' '.join(filter(None, what))} …{reference[-4:]}", 60)
            lane.about = clipped(reference, 120)
        return lane

    def _close(self, entry: Entry) -> None:
        begin, lane, what = _PAIRS[entry.event]
        started = self._open.pop(self._key(entry, begin), None)
        into = self._lane_of(entry, lane)
        kind = _severity(entry)
        if started is None:
            self._moment(into, entry, kind)
            return
        kind = _STANDINGS.get(entry.get("reconcile_result"), kind)
        self._stretch(into, started, entry, kind, _told(entry, what), what)

    def _never_ended(self, begin: Entry) -> None:
        lane = "login" if begin.event.startswith("auth_") else "market data"
        into = self._lane_of(begin, "" if begin.event.startswith("execution_") else lane)
        start = seconds_of(begin)
        text = f"{begin.event}: nothing followed"
        into.marks.append(Mark(start, None, "bad", text))

    def _order_moment(self, entry: Entry) -> None:
        kind = _severity(entry)
        if entry.event == "execution_completed":
            kind = _OUTCOMES.get(entry.get("execution_outcome"), "bad")
        if entry.get("external_reference") or entry.get("order_id"):
            self._moment(self._lane_of(entry, ""), entry, kind)
        else:
            self._moment(self._lanes["decisions"], entry, kind)

    def _request(self, entry: Entry) -> None:
        name = endpoint(entry)
        lane = self._requests.setdefault(name, Lane(name))
        end, latency = seconds_of(entry), number(entry, "latency_ms")
        bad = entry.event == "http_error" or entry.get("http_status", "2")[:1] not in "23"
        kind = "bad" if bad else "good"
        answer = entry.get("http_status") or entry.get("error_kind") or "no answer"
        text = f"{name}: {answer}"
        if entry.get("error_code"):
            text += f" {entry.get('error_code')}"
        mark = Mark(end, None, kind, text)
        if latency is not None:
            start = end - max(0.0, latency) / 1000
            mark = Mark(start, end, kind, f"{text}, after {latency:g} ms")
        if entry.event == "http_error":
            mark = _instead(lane.marks, mark)
        lane.marks.append(mark)
        self._wait(entry)

    def _wait(self, entry: Entry) -> None:
        for name in ("wait_seconds", "delay_seconds"):
            seconds = number(entry, name)
            if seconds:
                start = seconds_of(entry)
                why = {
                    "rate_limit_wait": f"for the rate limit {entry.get('dimension')}",
                    "schedule_jitter": "so that not all bots ask at once (jitter)",
                }.get(entry.event, "before the next try")
                text = f"waited {seconds:g} s {why}"
                mark = Mark(start, start + max(0.0, seconds), "wait", text)
                self._last["waits"].marks.append(mark)

    @staticmethod
    def _stretch(
        lane: Lane, first: Entry, last: Entry, kind: str, text: str, label: str = ""
    ) -> None:
        start, end = seconds_of(first), seconds_of(last)
        told = f"{text}, {long(end - start)}"
        lane.marks.append(Mark(start, max(start, end), kind, told, label))

    @staticmethod
    def _moment(lane: Lane, entry: Entry, kind: str) -> None:
        lane.marks.append(Mark(seconds_of(entry), None, kind, _told(entry, entry.event)))


def _instead(marks: list[Mark], error: Mark) -> Mark:
    """The mark of an http_error; it takes the place of its own http_request, if that was logged."""
    before = marks[-1] if marks else None
    if before is None or before.end is None or abs(before.end - error.span[1]) > _SAME_ANSWER:
        return error
    marks.pop()
    return Mark(before.start, before.end, "bad", error.text)


def _fewer(lanes: Iterable[Lane]) -> list[Lane]:
    """The busiest endpoints in lanes of their own, the others in one."""
    kept = list(lanes)
    if len(kept) <= MOST_ENDPOINTS:
        return kept
    busiest = sorted(kept, key=lambda lane: -len(lane.marks))[: MOST_ENDPOINTS - 1]
    names = {lane.name for lane in busiest}
    rest = [mark for lane in kept if lane.name not in names for mark in lane.marks]
    return [*(lane for lane in kept if lane.name in names), Lane(_OTHER_REQUESTS, rest)]


def _severity(entry: Entry) -> str:
    level = entry.line.level
    if level in ("ERROR", "FATAL"):
        return "bad"
    return "warn" if level == "WARN" else "good"


def _run_text(first: Entry, last: Entry) -> str:
    text = f"run {first.get('run_id')}"
    code = last.get("exit_code")
    return f"{text}, exit code {code}" if code else text


def _told(entry: Entry, what: str) -> str:
    """What a mark says of its line: the words that tell most."""
    parts = [what]
    parts += [
        entry.get(name)
        for name in ("action", "symbol", "execution_outcome", "reconcile_result", "error_code")
        if entry.get(name)
    ]
    text = " ".join(parts)
    for name in ("reason", "failure_reason"):
        word = entry.get(name)
        if word:
            text += f": {plain(word, name) or word}"
    return clipped(text)
