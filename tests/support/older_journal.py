"""A journal as an earlier version left it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tradebot.journal.schema import APPLICATION_ID, MIGRATIONS


def make_empty(path: Path, version: int) -> None:
    """A journal of this schema version, without a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript("".join(MIGRATIONS[:version]))
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={version}")


def make_older(path: Path, version: int) -> None:
    """Replace the closed journal at `path` by one of an earlier version with the same rows."""
    newer = path.with_name("newer.db")
    path.rename(newer)
    make_empty(path, version)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS newer", (str(newer),))
        for table in tables(connection):
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
            connection.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM newer.{table}"
            )
        connection.commit()
    newer.unlink()


def tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM main.sqlite_master WHERE type='table'")
    return [row[0] for row in rows]


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table; the journal may be open elsewhere."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
            for table in tables(connection)
        }


def schema(path: Path) -> tuple[int, list[tuple[str, str]]]:
    """The version, and every table and index."""
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        made = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return version, sorted(made)
