"""`tradebot schedule lock`: the locks in words or JSON, and an exit code to act on."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.lock_holder import LockHolder
from tradebot.cli import main
from tradebot.scheduling.lock_record import parse_record, render_record
from tradebot.scheduling.run_lock import RunLock

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def types(folder: Path, *words: str, **more: str) -> Result:
    environment = {
        "SAXO_ENV": "LOCAL",
        "STATE_DIR": str(folder / "state"),
        "LOG_DIR": str(folder / "logs"),
        "XDG_STATE_HOME": str(folder / "user"),
        "LOCALAPPDATA": str(folder / "user"),
        **more,
    }
    return CliRunner().invoke(main, ["schedule", "lock", *words], env=environment)


def reads(folder: Path, code: int) -> list[dict[str, Any]]:
    result = types(folder, "--output", "json")
    assert result.exit_code == code, result.output
    locks: list[dict[str, Any]] = json.loads(result.stdout)["locks"]
    return locks


def lock_file(folder: Path) -> Path:
    return folder / "state" / "default" / "LOCAL" / "run.lock"


def test_a_free_lock_is_0_and_nothing_is_made_by_looking(tmp_path: Path) -> None:
    result = types(tmp_path)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"{lock_file(tmp_path)}: free")
    assert list(tmp_path.iterdir()) == []


def test_a_run_at_work_is_0_and_all_about_it_is_said(tmp_path: Path) -> None:
    with LockHolder(lock_file(tmp_path)) as other:
        [lock] = reads(tmp_path, 0)
        result = types(tmp_path)
    assert (lock["state"], lock["wrong"], lock["what_to_do"]) == ("held", False, None)
    assert lock["holder"]["run_id"] == "their-run"
    assert (lock["holder"]["phase"], lock["holder"]["slot"]) == ("execute", None)
    assert lock["age_seconds"] >= 0
    assert [process["pid"] for process in lock["processes"]] == [other.pid]
    assert f"  Held by pid {other.pid}, run_id their-run, phase execute, slot -." in result.stdout
    assert f"  since {lock['holder']['since']}, for " in result.stdout


def test_a_run_that_hangs_is_1_and_what_to_type_is_said(tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(seconds=90)
    with LockHolder(lock_file(tmp_path), more=", deadline=datetime.now(UTC)") as other:
        record = parse_record(lock_file(tmp_path).read_bytes())
        assert record is not None
        long_ago = replace(record, since=f"{past:%FT%TZ}", deadline=f"{past:%FT%TZ}")
        lock_file(tmp_path).write_bytes(render_record(long_ago))
        result = types(tmp_path)
        [lock] = reads(tmp_path, 1)
    assert (result.exit_code, lock["state"], lock["wrong"]) == (1, "hung", True)
    if os.name != "nt":
        assert f"  what to do: end it: kill {other.pid};" in result.stdout


@linux
def test_a_killed_runs_record_is_0(tmp_path: Path) -> None:
    with LockHolder(lock_file(tmp_path)) as other:
        os.kill(other.pid, signal.SIGKILL)
    [lock] = reads(tmp_path, 0)
    assert (lock["state"], lock["holder"]["run_id"]) == ("stale", "their-run")


@linux
def test_a_kept_record_is_shown(tmp_path: Path) -> None:
    with LockHolder(lock_file(tmp_path)) as other:
        os.kill(other.pid, signal.SIGKILL)
    with RunLock(lock_file(tmp_path)) as lock:
        lock.acquire(run_id="by-hand", keep_previous=True)
        assert "  kept for the next run, which recovers it: pid=" in types(tmp_path).stdout
        assert reads(tmp_path, 0)[0]["killed"]["run_id"] == "their-run"


def test_what_cannot_be_read_is_2(tmp_path: Path) -> None:
    lock_file(tmp_path).mkdir(parents=True)
    result = types(tmp_path)
    assert result.exit_code == 2
    assert "as the user who runs the bot" in result.stdout


def test_the_locks_of_accounts_are_looked_at_too(tmp_path: Path) -> None:
    folder = tmp_path / "user" / "ai-tradebot" / "locks"
    if sys.platform == "darwin":
        pytest.skip("the user's folder cannot be moved there")
    for name in ("account-aaaa.lock", "account-bbbb.lock"):
        with RunLock(folder / name) as lock:
            lock.acquire(run_id="earlier")
    with LockHolder(folder / "account-cccc.lock") as other:
        locks = reads(tmp_path, 0)
        said = types(tmp_path).stdout
    assert [Path(lock["path"]).name for lock in locks] == [
        "run.lock",
        "account-aaaa.lock",
        "account-bbbb.lock",
        "account-cccc.lock",
    ]
    assert locks[3]["processes"][0]["pid"] == other.pid
    assert f"{folder / 'account-cccc.lock'}: held" in said
    assert f"{folder}: 2 free locks of accounts" in said
    assert "account-aaaa" not in said


def test_settings_that_are_wrong_do_not_hide_the_lock(tmp_path: Path) -> None:
    with LockHolder(lock_file(tmp_path)):
        result = types(tmp_path, LOG_RETENTION_DAYS="many")
    assert (result.exit_code, "run_id their-run" in result.stdout) == (0, True)
    assert "LOG_RETENTION_DAYS" in result.stderr
