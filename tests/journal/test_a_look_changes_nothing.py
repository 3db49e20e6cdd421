"""Commands that only tell open a journal so that nothing about it changes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradebot.errors import StorageError
from tradebot.journal import Journal, is_there
from tradebot.journal import database as database_module
from tradebot.journal.schema import APPLICATION_ID, MIGRATIONS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def begun(path: Path) -> None:
    with Journal(path) as journal:
        journal.runs.begin("11111111-2222-4333-8444-555555555555", pid=1, at=NOW, slot=NOW)


def test_it_reads_what_a_run_wrote_also_beside_one_that_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    begun(path)
    with Journal(path, look=True) as look:
        assert look.runs.last_slot() == NOW
    with Journal(path) as writer, Journal(path, look=True) as look:
        writer.control.pause("by_hand")
        pause = look.control.paused(NOW)
        assert pause is not None


def test_it_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    begun(path)
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
    with Journal(path, look=True) as look:
        look.runs.latest(5)
        with pytest.raises(StorageError, match="readonly"):
            look.control.pause("by_hand")
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) == before


def test_it_does_not_wait_long_for_who_holds_it_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database_module.LOOK_SECONDS < database_module.BUSY_SECONDS / 5
    monkeypatch.setattr(database_module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 300.0)  # who waits for that is killed
    path = tmp_path / "journal.db"
    begun(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"0\.05 s were waited for it: ask again\.$"):
            Journal(path, look=True)


def test_it_makes_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    with pytest.raises(StorageError):
        Journal(path, look=True)
    assert not path.parent.exists()


def test_an_older_journal_stays_as_old_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=1")
    with pytest.raises(StorageError, match="older version"):
        Journal(path, look=True)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_strange_file_is_refused_as_by_a_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="damaged"):
        Journal(path, look=True)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may be others")
def test_a_folder_of_somebody_else_is_said_and_not_taken_for_empty(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    code = (
        "import os, sys; from pathlib import Path; from tradebot.journal import is_there;"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: print(is_there(Path(sys.argv[1])))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    for parent in (tmp_path, *list(tmp_path.parents)[:2]):
        parent.chmod(0o755)
    command = [sys.executable, "-c", code, str(folder / "journal.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("StorageError"), done.stdout + done.stderr
    assert "as the bot's user" in done.stdout
    assert not is_there(folder / "journal.db")
