"""Which lines a page has room for: the most telling ones, and of those the latest."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.report.html import escaped

_OVERHEAD = 260
"""Bytes of markup around a line, about."""

_ESCAPED = (b'"', b"'", b"&", b"<", b">")
_LONGEST_ESCAPE = len("&quot;")
_RANKS = 4
_TELLING = ("execution_", "cycle_", "startup_", "auth_", "trading_", "schedule_", "run_")


@dataclass(frozen=True, slots=True)
class Kept:
    """A line in its place; `entry` is None for one that is not the log's."""

    time: str
    number: int
    entry: Entry | None
    text: str = ""
    """Of a foreign line, masked."""


class KeptLines:
    """Takes lines in the order of time. What does not fit goes: DEBUG first, the oldest first."""

    def __init__(self, budget: int) -> None:
        """`budget` is in bytes of the page."""
        self._budget = budget
        self._used = 0
        self._ranks: list[deque[Kept]] = [deque() for _ in range(_RANKS)]
        self._number = 0
        self.left_out: Counter[str] = Counter()
        """How many lines of each level are not kept; `foreign` for those of others."""

    def add(self, entry: Entry) -> None:
        """Keep a line for now."""
        self._keep(_rank(entry), Kept(entry.time, self._number, entry))

    def add_foreign(self, time: str, text: str) -> None:
        """Keep a masked line of somebody else that stands behind one of this time."""
        self._keep(1, Kept(time, self._number, None, text))

    @property
    def used(self) -> int:
        """About how many bytes of the page the lines take."""
        return self._used

    def shrink(self, budget: int) -> None:
        """Make do with so many bytes from now on."""
        self._budget = budget
        self._let_go()

    def lines(self) -> list[Kept]:
        """Those that are kept, in order."""
        found = [kept for rank in self._ranks for kept in rank]
        return sorted(found, key=lambda kept: kept.number)

    def _keep(self, rank: int, kept: Kept) -> None:
        self._number += 1
        self._used += _size(kept)
        self._ranks[rank].append(kept)
        self._let_go()

    def _let_go(self) -> None:
        while self._used > self._budget and any(self._ranks):
            gone = next(rank for rank in self._ranks if rank).popleft()
            self._used -= _size(gone)
            self.left_out["foreign" if gone.entry is None else gone.entry.line.level] += 1


def _size(kept: Kept) -> int:
    if kept.entry is None:
        return _OVERHEAD + len(escaped(kept.text).encode())
    raw = kept.entry.raw
    return _OVERHEAD + len(raw) + sum(map(raw.count, _ESCAPED)) * (_LONGEST_ESCAPE - 1)


def _rank(entry: Entry) -> int:
    if entry.line.level in ("WARN", "ERROR", "FATAL"):
        return 3
    if entry.line.level == "DEBUG":
        return 0
    return 2 if entry.event.startswith(_TELLING) else 1
