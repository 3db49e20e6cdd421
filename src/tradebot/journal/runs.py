"""Runs and slots: which invocations there were, how each ended, which slot was whose."""

from __future__ import annotations

import enum
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from tradebot.journal.codec import maybe_time, time_of, time_text
from tradebot.journal.database import Database

SLOT_TRIES = 2


class RunOutcome(enum.StrEnum):
    """How an invocation ended."""

    RAN = "ran"
    SKIPPED = "skipped"
    BUSY = "busy"
    FAILED = "failed"
    KILLED = "killed"


class SlotClaim(enum.StrEnum):
    """The answer to a claim on a slot."""

    WON = "won"
    TAKEN = "taken"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class RunRow:
    """One invocation's cycle."""

    row_id: int
    run_id: str
    pid: int
    started_at: datetime
    phase: str
    slot: datetime | None
    cycle_id: int | None
    ended_at: datetime | None
    outcome: RunOutcome | None
    reason: str | None
    exit_code: int | None


class Runs:
    """The `runs` and `slots` tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run_id: str, *, pid: int, at: datetime, slot: datetime | None) -> int:
        """Record that an invocation started. Returns the row's id."""
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (run_id, pid, started_at, slot, phase) VALUES (?, ?, ?, ?, ?)",
                (run_id, pid, time_text(at), slot and time_text(slot), "startup"),
            )
            return int(cursor.lastrowid or 0)

    def locked(self, row_id: int, *, at: datetime, cycle_id: int) -> None:
        """Record that the run holds the lock, and the cycle it is."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE runs SET locked_at=?, cycle_id=?, phase='locked' WHERE row_id=?",
                (time_text(at), cycle_id, row_id),
            )

    def end(
        self,
        row_id: int,
        outcome: RunOutcome,
        *,
        at: datetime,
        phase: str,
        reason: str | None,
        exit_code: int | None,
    ) -> None:
        """Record how the run ended. A slot it won is done when it ran to its end."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE runs SET ended_at=?, outcome=?, phase=?, reason=?, exit_code=?"
                " WHERE row_id=? AND ended_at IS NULL",
                (time_text(at), outcome, phase, reason, exit_code, row_id),
            )
            if outcome in (RunOutcome.RAN, RunOutcome.SKIPPED):
                connection.execute(
                    "UPDATE slots SET done=1 WHERE (slot, run_id) ="
                    " (SELECT slot, run_id FROM runs WHERE row_id=?)",
                    (row_id,),
                )

    def left_open(self, *, except_row: int, waiting_before: datetime) -> list[RunRow]:
        """Every run that held the lock and never ended, oldest first, and those that started
        before `waiting_before` and never got so far.

        Only for the holder of the lock: whoever else held it is dead. One that is without the lock
        may still wait for its jitter to pass, unless it started too long ago.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM runs WHERE ended_at IS NULL AND row_id<>?"
                " AND (locked_at IS NOT NULL OR started_at<?) ORDER BY row_id",
                (except_row, time_text(waiting_before)),
            ).fetchall()
            return [_run(row) for row in rows]

    def end_killed(self, row_id: int, *, at: datetime) -> None:
        """Record that a run was killed, once its line is written."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE runs SET ended_at=?, outcome=? WHERE row_id=?",
                (time_text(at), RunOutcome.KILLED, row_id),
            )

    def claim_slot(self, slot: datetime, run_id: str) -> SlotClaim:
        """Win the slot, or learn why not: done (or something sent) already, or tried twice."""
        text = time_text(slot)
        with self._database.transaction() as connection:
            row = connection.execute("SELECT * FROM slots WHERE slot=?", (text,)).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO slots (slot, tries, run_id) VALUES (?, 1, ?)", (text, run_id)
                )
                return SlotClaim.WON
            if row["done"] or row["sent"]:
                return SlotClaim.TAKEN
            if row["tries"] >= SLOT_TRIES:
                return SlotClaim.EXHAUSTED
            connection.execute(
                "UPDATE slots SET tries=tries+1, run_id=? WHERE slot=?", (run_id, text)
            )
            return SlotClaim.WON

    def first_slot(self) -> datetime | None:
        """The oldest slot that any invocation belonged to."""
        return self._slot("SELECT min(slot) FROM runs WHERE slot IS NOT NULL")

    def last_slot(self) -> datetime | None:
        """The newest slot that any invocation belonged to."""
        return self._slot("SELECT max(slot) FROM runs WHERE slot IS NOT NULL")

    def last_slot_done(self, before: datetime) -> datetime | None:
        """The newest slot before `before` that a run came to the end of, traded or not."""
        return self._slot(
            "SELECT slot FROM runs WHERE slot<? AND outcome IN ('ran', 'skipped')"
            " ORDER BY slot DESC LIMIT 1",
            time_text(before),
        )

    def between(self, since: datetime, until: datetime) -> list[RunRow]:
        """The runs of the slots in [since, until), those that started then, and the last one
        before that held the lock: it may have gone on into this time. Oldest first.

        Runs are recorded as they start, so a few look-ups find the place where a time begins.
        Where the clock was set back in between, runs without a slot may be left out.
        """
        low, high = time_text(since), time_text(until)
        with self._database.reading() as connection:
            first, last = (_first_started(connection, text) for text in (low, high))
            found = {
                row["row_id"]: row
                for sql, values in (
                    (
                        "SELECT * FROM runs WHERE row_id>=? AND row_id<?"
                        " AND started_at>=? AND started_at<?",
                        (first, last, low, high),
                    ),
                    ("SELECT * FROM runs WHERE slot>=? AND slot<?", (low, high)),
                    (
                        "SELECT * FROM runs WHERE row_id<? AND cycle_id IS NOT NULL"
                        " ORDER BY row_id DESC LIMIT 1",
                        (first,),
                    ),
                )
                for row in connection.execute(sql, values)
            }
            return [_run(found[row_id]) for row_id in sorted(found)]

    def _slot(self, sql: str, *values: str) -> datetime | None:
        with self._database.reading() as connection:
            row = connection.execute(sql, values).fetchone()
            return None if row is None else maybe_time(row[0])

    def last_cycle_id(self) -> int:
        """The highest cycle id ever given out here; 0 for none."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT max(cycle_id) FROM runs WHERE cycle_id IS NOT NULL"
            ).fetchone()
        return int(row[0] or 0)

    def with_id(self, run_id: str) -> list[RunRow]:
        """The cycles of one run, oldest first; several of a run that loops."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM runs WHERE run_id=? ORDER BY row_id", (run_id,)
            ).fetchall()
            return [_run(row) for row in rows]

    def latest(self, limit: int) -> list[RunRow]:
        """The newest runs, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM runs ORDER BY row_id DESC LIMIT ?", (limit,)
            ).fetchall()
            return [_run(row) for row in rows]


def _first_started(connection: sqlite3.Connection, text: str) -> int:
    """The id of the first run that started at `text` or later; behind the last one for none."""
    ends = connection.execute(
        "SELECT (SELECT min(row_id) FROM runs), (SELECT max(row_id) FROM runs)"
    ).fetchone()
    if ends[0] is None:
        return 0
    low, high = int(ends[0]), int(ends[1]) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT row_id, started_at FROM runs WHERE row_id>=? ORDER BY row_id LIMIT 1",
            (middle,),
        ).fetchone()
        if row["started_at"] >= text:
            high = middle
        else:
            low = int(row["row_id"]) + 1
    return low


def _run(row: sqlite3.Row) -> RunRow:
    get = row.__getitem__
    return RunRow(
        row_id=get("row_id"),
        run_id=get("run_id"),
        pid=get("pid"),
        started_at=time_of(get("started_at")),
        phase=get("phase"),
        slot=maybe_time(get("slot")),
        cycle_id=get("cycle_id"),
        ended_at=maybe_time(get("ended_at")),
        outcome=RunOutcome(get("outcome")) if get("outcome") else None,
        reason=get("reason"),
        exit_code=get("exit_code"),
    )
