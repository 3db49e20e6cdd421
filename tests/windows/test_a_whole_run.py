"""`python main.py --single-cycle` under Windows, from start to exit code."""

from __future__ import annotations

import contextlib
import sqlite3
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

from support.program import log_text, run_bot
from support.windows import windows
from tradebot.errors import ExitCode
from tradebot.observability.line import LogLine, parse
from tradebot.scheduling.run_lock import RunLock

pytestmark = windows


def lines(folder: Path) -> list[LogLine]:
    return [parse(line) for line in log_text(folder).splitlines()]


def paths_of_the_run(folder: Path) -> tuple[Path, Path]:
    [ready] = [line for line in lines(folder) if line.event == "startup_ready"]
    return Path(ready.fields["lock_path"]), Path(ready.fields["journal_path"])


def test_it_trades_logs_and_keeps_its_journal(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    logged = lines(tmp_path)
    assert [line.event for line in logged][:1] == ["startup_begin"]
    assert (logged[-1].event, logged[-1].fields["exit_code"]) == ("cycle_end", "0")
    assert "execution_order_placed" in [line.event for line in logged]
    assert len({line.fields["run_id"] for line in logged}) == 1
    assert len(done.stderr.splitlines()) == len(logged)
    assert b"\r" not in (tmp_path / "logs" / "bot.log").read_bytes()

    _, journal = paths_of_the_run(tmp_path)
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_second_run_finds_the_lock_taken(tmp_path: Path) -> None:
    assert run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL").returncode == 0
    path, _ = paths_of_the_run(tmp_path)
    with RunLock(path) as lock:
        lock.acquire(run_id="the-first")
        done = run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL")
    assert done.returncode == ExitCode.BUSY
    busy = [line for line in lines(tmp_path) if "run_id=the-first" in line.fields.get("holder", "")]
    assert len(busy) == 1


def test_a_log_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    done = run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL")
    assert done.returncode == ExitCode.IOERR
    assert "LOG_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_time_zones_come_with_the_bot() -> None:
    """Windows has no database of its own that Python reads."""
    assert zoneinfo.TZPATH == ()
    new_york = zoneinfo.ZoneInfo("America/New_York")
    july, january = (datetime(2025, month, 1, tzinfo=UTC) for month in (7, 1))
    assert [day.astimezone(new_york).hour for day in (july, january)] == [20, 19]
