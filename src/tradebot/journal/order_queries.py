"""What the journal knows of orders: every question about them that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from tradebot.journal.codec import maybe_time, time_text
from tradebot.journal.database import Database
from tradebot.journal.rows import Attempt, Correction, attempt_of, correction_of, verdict_of
from tradebot.model import InstrumentId, Verdict

_WITH_VERDICT = (
    "SELECT a.*, v.outcome, v.failure_reason, f.order_state, f.filled_quantity, f.average_price"
    " FROM attempts a LEFT JOIN verdicts v USING (external_reference)"
    " LEFT JOIN fills f USING (external_reference)"
)


class OrderQueries:
    """Reads `decisions`, `attempts`, `verdicts`, `fills`, `positions` and `corrections`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_decided(
        self, account: str, strategy: str, instrument: InstrumentId, bar_time: datetime
    ) -> bool:
        """Is the decision for this bar closed?"""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT closed FROM decisions WHERE account=? AND strategy=? AND instrument=?"
                " AND bar_time=?",
                (account, strategy, str(instrument), time_text(bar_time)),
            ).fetchone()
        return bool(row and row["closed"])

    def unlogged(self) -> list[tuple[Attempt, Verdict]]:
        """Verdicts whose line may be missing from the log, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_WITH_VERDICT} WHERE v.logged=0 ORDER BY v.decided_at"
            ).fetchall()
            return [(attempt_of(row), verdict_of(row)) for row in rows]

    def unresolved(self, account: str | None = None) -> list[Attempt]:
        """Attempts without a verdict, oldest first; of every account unless one is named."""
        # Named, since the order asked for would make SQLite walk an index of all that ever was.
        query = "SELECT * FROM attempts INDEXED BY attempts_open WHERE resolved=0"
        arguments: tuple[str, ...] = ()
        if account is not None:
            query += " AND account=?"
            arguments = (account,)
        with self._database.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY created_at", arguments).fetchall()
            return [attempt_of(row) for row in rows]

    def live(self, account: str) -> list[tuple[Attempt, Verdict]]:
        """Accepted orders that may still be filled."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_WITH_VERDICT} WHERE f.account=? AND f.order_state IN ('working', 'partial')"
                " ORDER BY a.created_at",
                (account,),
            ).fetchall()
            return [(attempt_of(row), verdict_of(row)) for row in rows]

    def given_up_since(
        self, account: str, reasons: Sequence[str], since: datetime
    ) -> list[Attempt]:
        """Attempts sent since a time that ended for one of these reasons and have no fill."""
        marks = ", ".join("?" * len(reasons))
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT a.* FROM attempts a JOIN verdicts v USING (external_reference)"  # noqa: S608
                " LEFT JOIN fills f USING (external_reference)"
                f" WHERE a.account=? AND a.sent_at>=? AND v.failure_reason IN ({marks})"
                " AND f.external_reference IS NULL ORDER BY a.sent_at",
                (account, time_text(since), *reasons),
            ).fetchall()
            return [attempt_of(row) for row in rows]

    def find(self, reference: str) -> Attempt | None:
        """The attempt with this external reference."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM attempts WHERE external_reference=?", (reference,)
            ).fetchone()
            return None if row is None else attempt_of(row)

    def with_order_id(self, account: str, order_id: str) -> list[str]:
        """The references of attempts that are the broker's order of this id."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT external_reference FROM attempts WHERE account=? AND order_id=?",
                (account, order_id),
            ).fetchall()
        return [row[0] for row in rows]

    def knows(self, reference: str) -> bool:
        """Is an order of this reference ours, as an attempt's own or taken over by another?"""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM attempts WHERE external_reference=?"
                " UNION ALL SELECT 1 FROM attempts WHERE found_as=?",
                (reference, reference),
            ).fetchone()
        return row is not None

    def sent_since(self, account: str, since: datetime) -> int:
        """How many orders were sent since a time."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM attempts WHERE account=? AND sent_at>=?",
                (account, time_text(since)),
            ).fetchone()
        return int(row[0])

    def created_since(self, account: str, since: datetime) -> int:
        """How many intents were recorded since a time; in a dry run nothing is ever sent."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM attempts WHERE account=? AND created_at>=?",
                (account, time_text(since)),
            ).fetchone()
        return int(row[0])

    def last_sent_at(self, account: str) -> datetime | None:
        """When an order of this account was last sent."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT max(sent_at) FROM attempts WHERE account=? AND sent_at IS NOT NULL",
                (account,),
            ).fetchone()
            return maybe_time(row[0])

    def own_positions(self, account: str) -> dict[InstrumentId, Decimal]:
        """What the bot itself bought and has not sold, by instrument; zero is left out."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT instrument, quantity FROM positions WHERE account=?", (account,)
            ).fetchall()
            held = {InstrumentId.parse(row["instrument"]): Decimal(row["quantity"]) for row in rows}
        return {instrument: quantity for instrument, quantity in held.items() if quantity}

    def sent_between(
        self, account: str, since: datetime, until: datetime
    ) -> list[tuple[Attempt, Verdict | None]]:
        """Attempts sent at or after `since` and before `until`, oldest first.

        With how each stands by now; None while that is not known.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_WITH_VERDICT} WHERE a.account=? AND a.sent_at>=? AND a.sent_at<?"
                " ORDER BY a.sent_at",
                (account, time_text(since), time_text(until)),
            ).fetchall()
            return [(attempt_of(row), verdict_of(row) if row["outcome"] else None) for row in rows]

    def created_between(
        self, since: datetime, until: datetime
    ) -> list[tuple[Attempt, Verdict | None]]:
        """Attempts of every account recorded at or after `since` and before `until`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_WITH_VERDICT} WHERE a.created_at>=? AND a.created_at<? ORDER BY a.created_at",
                (time_text(since), time_text(until)),
            ).fetchall()
            return [(attempt_of(row), verdict_of(row) if row["outcome"] else None) for row in rows]

    def corrections(self, since: datetime) -> list[Correction]:
        """What people changed by hand, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM corrections WHERE corrected_at>=?"
                " ORDER BY corrected_at, correction_id",
                (time_text(since),),
            ).fetchall()
            return [correction_of(row) for row in rows]
