"""How far the slots have been judged, and by which settings: what tells a gap from the past.

A mark of its own, and not the newest row: a run that finds a gap may be busy, killed or broken off
before it can say so, and its row must not make the gap look dealt with.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from tradebot.journal.codec import maybe_time, time_of, time_text
from tradebot.journal.database import Database

_UNTIL, _REPORTING, _GRIDS = "slots_judged_until", "slots_reporting_until", "slot_grids"
_GRIDS_KEPT = 50


@dataclass(frozen=True, slots=True)
class Grid:
    """From `since` on, slots began `offset` seconds after each multiple of `cadence` seconds."""

    since: datetime
    cadence: float
    offset: float
    hours: str | None = None
    """Which of them were within trading hours, in the words of who asks. None: not known."""
    after: datetime | None = None
    """Up to this slot the settings were others; when they changed since then, nobody knows."""

    def is_like(self, other: Grid) -> bool:
        """The same settings?"""
        own = self.cadence, self.offset, self.hours
        return own == (other.cadence, other.offset, other.hours)


class SlotWatch:
    """Some rows of the `control` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def judged_until(self) -> datetime | None:
        """Every gap before this slot has had its line. None: no slot was ever judged."""
        return self._time(_UNTIL)

    def grids(self) -> list[Grid]:
        """How the slots of scheduled runs were spaced, oldest first, as far as it is known."""
        with self._database.reading() as connection:
            return _grids(connection)

    def begin_report(self, until: datetime) -> datetime | None:
        """Note that the gaps before `until` are about to be told.

        Returns how far an earlier report had meant to go that never came to its end.
        """
        before = self._time(_REPORTING)
        with self._database.transaction() as connection:
            _put(connection, _REPORTING, time_text(until))
        return before

    def end_report(
        self,
        until: datetime,
        *,
        cadence: float,
        offset: float,
        hours: str | None = None,
        after: datetime | None = None,
    ) -> None:
        """Every gap before the slot `until` has had its line; for the rest see `Grid`."""
        with self._database.transaction() as connection:
            _put(connection, _UNTIL, time_text(until))
            connection.execute("DELETE FROM control WHERE name=?", (_REPORTING,))
            grids = _grids(connection)
            grid = Grid(until, cadence, offset, hours, after)
            if not grids or not grid.is_like(grids[-1]):
                kept = [_words(grid) for grid in [*grids, grid][-_GRIDS_KEPT:]]
                _put(connection, _GRIDS, json.dumps(kept))

    def _time(self, name: str) -> datetime | None:
        with self._database.reading() as connection:
            return maybe_time(_value(connection, name))


def _grids(connection: sqlite3.Connection) -> list[Grid]:
    kept = json.loads(_value(connection, _GRIDS) or "[]")
    return [_grid(*words) for words in kept]


def _grid(
    since: str, cadence: float, offset: float, hours: str | None = None, after: str | None = None
) -> Grid:
    # Earlier versions wrote the first three.
    return Grid(time_of(since), cadence, offset, hours, maybe_time(after))


def _words(grid: Grid) -> list[str | float | None]:
    after = None if grid.after is None else time_text(grid.after)
    return [time_text(grid.since), grid.cadence, grid.offset, grid.hours, after]


def _value(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM control WHERE name=?", (name,)).fetchone()
    return None if row is None else str(row["value"])


def _put(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute(
        "INSERT INTO control (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value=excluded.value",
        (name, value),
    )
