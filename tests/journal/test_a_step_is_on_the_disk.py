"""A step that the journal has taken survives a power cut: it is flushed when the call returns."""

from __future__ import annotations

from pathlib import Path

from tradebot.journal import Journal

FULL = 2
"""SQLite's number for `synchronous=FULL`: each commit is flushed before it is reported."""


def test_each_commit_is_flushed(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal, journal._database.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == FULL
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
