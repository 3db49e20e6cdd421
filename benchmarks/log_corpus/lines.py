"""Writes lines as the bot writes them, by hand and fast, and counts what it writes.

What is counted here is counted where it is made, never read back from a line.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from benchmarks.log_corpus.model import DAY, Instrument
from tradebot.observability.line import quote

SIX = "run_id={run} cycle_id={cycle} dry_run=false single_cycle=true env=SIM strategy={strategy}"
STRATEGY = "sma_cross/1.0"
KEYS = " client_key=*** account_key=***"
REST = "/sim/openapi"
SESSION_LIMIT = 120
APP_DAY_LIMIT = 10_000_000
CALLS_A_RUN = 150
"""Besides the bulk, at most: what a run takes from the application's day."""

DEBUG, INFO, WARN, ERROR, FATAL = "DEBUG", "INFO ", "WARN ", "ERROR", "FATAL"

_MEANS = {
    "/trade/v1/infoprices/list": 45.0,
    "/chart/v3/charts": 120.0,
    "/port/v1/accounts/me": 55.0,
    "/port/v1/orders/me": 70.0,
    "/port/v1/netpositions/me": 75.0,
    "/cs/v1/audit/orderactivities": 140.0,
    "/ref/v1/instruments/details": 90.0,
    "/trade/v2/orders/precheck": 110.0,
    "/trade/v2/orders": 160.0,
    "/dm/v2/disclaimers": 80.0,
    "/token": 130.0,
}
_BULK_TRADING = (
    "/chart/v3/charts",
    "/trade/v1/infoprices/list",
    "/chart/v3/charts",
    "/port/v1/netpositions/me",
    "/trade/v1/infoprices/list",
    "/cs/v1/audit/orderactivities",
    "/ref/v1/instruments/details",
)
_BULK_QUIET = (
    "/cs/v1/audit/orderactivities",
    "/port/v1/orders/me",
    "/cs/v1/audit/orderactivities",
    "/port/v1/accounts/me",
)
_THOUSANDTHS = tuple(f"{number:03d}Z" for number in range(1000))


@dataclass(slots=True)
class Sink:
    """The lines of one day, and what they are."""

    day: str
    lines: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    failures: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    skips: Counter[str] = field(default_factory=Counter)
    latencies: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    lowest: dict[str, int] = field(default_factory=dict)
    tokens: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    seen_by: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    moments: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    journal: list[tuple[int, str, str, str, Any]] = field(default_factory=list)
    """Epoch milliseconds, what was done, run, reference, more."""
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Lines and bytes, by name."""
    decided: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, other: Sink) -> None:
        """What the other has counted, and its lines."""
        self.lines += other.lines
        for mine, more in (
            (self.events, other.events),
            (self.levels, other.levels),
            (self.skips, other.skips),
            (self.tokens, other.tokens),
            (self.decisions, other.decisions),
            (self.references, other.references),
        ):
            mine.update(more)
        self.errors.update(other.errors)
        for event, reasons in other.failures.items():
            self.failures[event].update(reasons)
        for name, took in other.latencies.items():
            self.latencies[name] += took
        for dimension, remaining in other.lowest.items():
            self.saw(dimension, remaining)
        for reference, runs in other.seen_by.items():
            self.seen_by[reference].update(runs)

    def saw(self, dimension: str, remaining: int) -> None:
        if remaining < self.lowest.get(dimension, APP_DAY_LIMIT):
            self.lowest[dimension] = remaining


_second: tuple[int, str] = (0, "")


def stamp(ms: int) -> str:
    """Epoch milliseconds as the first part of a line."""
    global _second  # noqa: PLW0603 - the second before is almost always the same
    second = ms // 1000
    if second != _second[0]:
        _second = second, time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
    return _second[1] + _THOUSANDTHS[ms % 1000]


def moment(seconds: float) -> str:
    """A time as the value of a field: milliseconds only where there are some."""
    ms = int(seconds * 1000)
    text = stamp(ms)
    return text[:19] + "Z" if ms % 1000 == 0 else text


class Script:
    """The lines of one process, one after the other."""

    def __init__(self, sink: Sink, run_id: str, start: float, seed: int) -> None:
        self.sink, self.run_id = sink, run_id
        self.rng = random.Random(seed)
        self.t = int(start * 1000)
        self.first: int | None = None
        self.only: str | None = None
        """Of a run that crosses midnight: the day whose lines are wanted."""
        self.base = SIX.format(run=run_id, cycle="-", strategy="-")
        self.calls = 0
        self.app_day = APP_DAY_LIMIT
        self._windows: dict[str, list[int]] = {}

    def say(self, level: str, component: str, event: str, fields: str, ref: str = "") -> None:
        self.t += 1
        at = stamp(self.t)
        if self.first is None:
            self.first = self.t
        if self.only is not None and not at.startswith(self.only):
            return
        sink = self.sink
        sink.lines.append(f"{at} | {level} | {component} | {event} | {self.base}{fields}\n")
        sink.events[event] += 1
        sink.levels[level.rstrip()] += 1
        if ref:
            sink.references[ref] += 1
            sink.seen_by[ref][self.run_id] = None

    def failed(self, event: str, reason: str) -> str:
        """The field, and one more in the count."""
        if self.counts_now():
            self.sink.failures[event][reason] += 1
        return f" failure_reason={reason}"

    def counts_now(self) -> bool:
        """Is the line that comes next one of the day that is wanted?"""
        return self.only is None or stamp(self.t + 1).startswith(self.only)

    # -- requests ------------------------------------------------------------------------------

    def _latency(self, path: str) -> int:
        took = self.rng.lognormvariate(0.0, 0.45) * _MEANS[path]
        if self.rng.random() < 0.004:
            took += self.rng.uniform(800, 7_000)
        return int(took) + 1

    def _rates(self, path: str, used_up: bool) -> str:
        """The rate limits as this answer's headers tell them."""
        group = path.split("/", 2)[1]
        window = self._windows.get(group)
        if window is None or self.t >= window[0]:
            window = self._windows[group] = [self.t + 60_000, SESSION_LIMIT]
        window[1] = 0 if used_up else max(0, window[1] - 1)
        self.app_day -= 1
        reset = max(1, (window[0] - self.t) // 1000)
        until_midnight = DAY - self.t // 1000 % DAY
        is_order = path == "/trade/v2/orders"
        if self.counts_now():
            self.sink.saw("app_day", self.app_day)
            self.sink.saw("session", window[1])
            if is_order:
                self.sink.saw("session_orders", 0)
        return (
            f" rate_limit_remaining_app_day={self.app_day} rate_limit_remaining_session={window[1]}"
            f"{' rate_limit_remaining_session_orders=0' if is_order else ''}"
            f" rate_limit_reset_app_day={until_midnight} rate_limit_reset_session={reset}"
            f"{' rate_limit_reset_session_orders=1' if is_order else ''}"
        )

    def squeeze(self, group: str, left: int) -> None:
        """Others use the same session: so many requests are left in its window."""
        self._windows[group] = [self.t + 41_000, left]

    def left_in_session(self, group: str) -> tuple[int, int]:
        """Requests left, and milliseconds until the window ends."""
        window = self._windows.get(group)
        return (SESSION_LIMIT, 0) if window is None else (window[1], window[0] - self.t)

    def _correlation(self) -> str:
        draw = f"{self.rng.getrandbits(256):064x}"
        return (
            f" saxo_request_id={draw[:32]}#123#{draw[32:40]}-{draw[40:44]}-{draw[44:48]}"
            f"-{draw[48:52]}-{draw[52:]}#{self.calls}"
        )

    def request(
        self,
        method: str,
        path: str,
        status: int = 200,
        *,
        bound: str = "",
        ref: str = "",
        number: int = 1,
        used_up: bool = False,
    ) -> str:
        """One request and its answer. Returns its fields, as an http_error repeats them."""
        took = self._latency(path)
        self.calls += 1
        self.t += took
        auth = path == "/token"
        shown = path if auth else REST + path
        rates = "" if auth else self._correlation() + self._rates(path, used_up)
        fields = (
            f"{bound} http_method={method} http_url_path={shown} http_status={status}"
            f" latency_ms={took}{rates}{f' external_reference={ref}' if ref else ''}"
            f" attempt={number}"
        )
        if self.counts_now():
            self.sink.latencies[f"{method} {shown}"].append(took)
        level = DEBUG if method == "GET" or auth else INFO
        self.say(level, "saxo.transport", "http_request", fields, ref)
        return fields

    def refused(self, fields: str, status: int, code: str, snippet: str, ref: str = "") -> None:
        """The `http_error` after an answer that is no success; `snippet` as it is written."""
        if self.counts_now():
            self.sink.errors[str(status), "http_status", code or "-"] += 1
        coded = f" error_code={code}" if code else ""
        told = f" response_snippet={snippet}" if snippet else ""
        self.say(
            WARN,
            "saxo.transport",
            "http_error",
            f"{fields}{coded} error_kind=http_status{told}",
            ref,
        )

    def lost(
        self, method: str, path: str, kind: str, took: int, *, bound: str = "", ref: str = "",
        number: int = 1,
    ) -> None:  # fmt: skip
        """A request without an answer."""
        self.calls += 1
        self.t += took
        auth = path == "/token"
        shown = path if auth else REST + path
        if self.counts_now():
            self.sink.errors["-", kind, "-"] += 1
        told = f"no connection to gateway.saxobank.com:443 ({kind})"
        if kind == "read_timeout":
            told = f"no whole answer to {method} {path} ({kind})"
        self.say(
            WARN,
            "saxo.transport",
            "http_error",
            f"{bound} http_method={method} http_url_path={shown} latency_ms={took}"
            f"{f' external_reference={ref}' if ref else ''} attempt={number} error_kind={kind}"
            f" msg={quote(told)}",
            ref,
        )

    def lose(self, count: int) -> None:
        """The disk is full while so many requests are answered."""
        for _ in range(count):
            self.calls += 1
            self.app_day -= 1
            self.t += 60
        base, component = self.base, "observability.files"
        self.base = base.partition(" slot=")[0]  # what is bound is not on the log's own lines
        self.say(WARN, component, "log_lines_lost", f" count={count}")
        self.base = base

    def bulk(self, count: int, instruments: tuple[Instrument, ...] | None) -> None:
        """Many requests, in the shortest loop: they are most of the corpus.

        `instruments` are those of the watch list while it is read; None: nothing trades.
        """
        if not count:
            return
        paths = _BULK_QUIET if instruments is None else _BULK_TRADING
        names = [""] if instruments is None else [f" instrument_id={i.name}" for i in instruments]
        rng, append, base = self.rng, self.sink.lines.append, self.base
        draw, bits, rates = rng.lognormvariate, rng.getrandbits, self._windows
        gap = min(400, 100_000 // count)
        means = [_MEANS[path] for path in paths]
        shown = [REST + path for path in paths]
        groups = [path.split("/", 2)[1] for path in paths]
        found: list[list[int]] = [[] for _ in paths]
        kinds, t, calls, app_day, lowest = len(paths), self.t, self.calls, self.app_day, 999
        for number in range(count):
            kind = number % kinds
            took = int(draw(0.0, 0.45) * means[kind]) + 1
            if not number % 251:
                took += bits(12)
            t += max(took, gap)
            calls += 1
            app_day -= 1
            window = rates.get(groups[kind])
            if window is None or t >= window[0]:
                window = rates[groups[kind]] = [t + 60_000, SESSION_LIMIT]
            left = window[1] = max(0, window[1] - 1)
            lowest = min(lowest, left)
            found[kind].append(took)
            h = f"{bits(256):064x}"
            who = names[number % len(names)] if kind in (0, 2) else ""
            append(
                f"{stamp(t)} | DEBUG | saxo.transport | http_request | {base}{who} http_method=GET"
                f" http_url_path={shown[kind]} http_status=200 latency_ms={took}"
                f" saxo_request_id={h[:32]}#123#{h[32:40]}-{h[40:44]}-{h[44:48]}-{h[48:52]}"
                f"-{h[52:]}#{calls} rate_limit_remaining_app_day={app_day}"
                f" rate_limit_remaining_session={left}"
                f" rate_limit_reset_app_day={DAY - t // 1000 % DAY}"
                f" rate_limit_reset_session={max(1, (window[0] - t) // 1000)} attempt=1\n"
            )
        self.t, self.calls, self.app_day = t, calls, app_day
        sink = self.sink
        for path, took_all in zip(shown, found, strict=True):
            sink.latencies[f"GET {path}"].extend(took_all)
        sink.saw("session", lowest)
        sink.saw("app_day", app_day)
        sink.events["http_request"] += count
        sink.levels["DEBUG"] += count
