"""Damaged, foreign, newer, locked or unwritable: exit 74 with words that say what to do."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tradebot.errors import ExitCode, StorageError
from tradebot.journal import Journal, next_cycle_id
from tradebot.journal import database as database_module


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, but long enough to be read as one" * 40)
    with pytest.raises(StorageError, match=r"journal\.db.*damaged.*backup") as caught:
        Journal(path)
    assert caught.value.exit_code is ExitCode.IOERR


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StorageError, match="another program"):
        Journal(path)
    with closing(sqlite3.connect(path)) as other:
        assert [row[0] for row in other.execute("SELECT name FROM sqlite_master")] == ["theirs"]


def test_a_newer_journal_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=99")
    with pytest.raises(StorageError, match=r"newer version \(schema 99"):
        Journal(path)


def test_a_journal_that_somebody_holds_is_reported_as_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder, Journal(path) as journal:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="holds it open"):
            journal.control.pause("by_hand")
        holder.execute("ROLLBACK")
        journal.control.pause("by_hand")
        assert journal.control.resume()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permission bits")
def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    Journal(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="Cannot open the journal"):
        Journal(tmp_path / "state" / "journal.db")
    with pytest.raises(StorageError, match="cycle counter"):
        next_cycle_id(tmp_path / "state" / "cycle", floor=0)


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.close()
    with pytest.raises(StorageError, match="already closed"):
        journal.runs.latest(1)
    with pytest.raises(StorageError, match="already closed"):
        journal.control.pause("by_hand")
