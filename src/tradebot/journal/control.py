"""The few values that steer later runs: paused or not, and failures in a row."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from tradebot.journal.codec import maybe_time, time_text
from tradebot.journal.database import Database


@dataclass(frozen=True, slots=True)
class Pause:
    """Trading is paused; runs still reconcile and keep the login alive."""

    reason: str
    until: datetime | None
    """None: until somebody resumes."""


class Control:
    """The `control` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pause(self, reason: str, *, until: datetime | None = None) -> None:
        """Pause trading. `reason` is a code word."""
        with self._database.transaction() as connection:
            put_pause(connection, reason, until)

    def resume(self) -> bool:
        """End a pause and forget the failures that led to it. False if there was none."""
        with self._database.transaction() as connection:
            removed = connection.execute(
                "DELETE FROM control WHERE name IN ('pause_reason', 'pause_until')"
            ).rowcount
            connection.execute("DELETE FROM control WHERE name='failures'")
        return bool(removed)

    def paused(self, now: datetime) -> Pause | None:
        """The pause in force at `now`."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name, value FROM control").fetchall()
            values = {row["name"]: row["value"] for row in rows}
            until = maybe_time(values.get("pause_until") or None)
        if "pause_reason" not in values:
            return None
        if until is not None and until <= now:
            return None
        return Pause(values["pause_reason"], until)


def put_pause(connection: sqlite3.Connection, reason: str, until: datetime | None) -> None:
    """Write a pause, in the caller's transaction."""
    connection.executemany(
        "INSERT INTO control (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value=excluded.value",
        [("pause_reason", reason), ("pause_until", time_text(until) if until else "")],
    )


def count_failure(connection: sqlite3.Connection) -> int:
    """One more order failed, in the caller's transaction. Returns how many in a row."""
    connection.execute(
        "INSERT INTO control (name, value) VALUES ('failures', '1')"
        " ON CONFLICT (name) DO UPDATE SET value=CAST(value AS INTEGER)+1"
    )
    row = connection.execute("SELECT value FROM control WHERE name='failures'").fetchone()
    return int(row[0])


def forget_failures(connection: sqlite3.Connection) -> None:
    """An order succeeded: the count starts anew, in the caller's transaction."""
    connection.execute("DELETE FROM control WHERE name='failures'")
