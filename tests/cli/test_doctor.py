"""`tradebot doctor`: would an unattended run work here, and does the log keep a secret?"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from click.testing import CliRunner, Result

from support.program import run_bot
from support.small_disk import run_on_small_disk
from tradebot.cli import _checks, main
from tradebot.journal import Journal
from tradebot.logtools import canary
from tradebot.observability import Session, setup_logging
from tradebot.observability.redaction import SECRETS
from tradebot.observability.secret_values import SecretValues
from tradebot.saxo.token_store import StoredTokens, TokenStore
from tradebot.settings import Settings, load

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX modes and links")


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    SECRETS.forget_all()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def doctor(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], env=environ)


def settings_of(folder: Path, **more: str) -> Settings:
    return load({"STATE_DIR": str(folder / "state"), **more}, home=folder)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"(folder)"
        for path in folder.rglob("*")
    }


def statuses(checks: Iterator[_checks.Check]) -> list[str]:
    return [check.status for check in checks]


def test_after_a_run_everything_is_ok_and_nothing_is_changed(folder: Path) -> None:
    assert run_bot(folder, "--single-cycle").returncode == 0
    before = tree(folder)
    done = doctor()
    assert done.exit_code == 0, done.stdout
    *checks, summary = done.stdout.splitlines()
    assert all(line.startswith("ok    ") for line in checks), done.stdout
    assert summary == f"{len(checks)} checks: 0 failed, 0 warnings"
    for part in (
        "settings: SAXO_ENV=LOCAL",
        "journal.db is whole",
        "rotation's lock",
        "canary: no",
    ):
        assert part in done.stdout
    assert tree(folder) == before


def test_before_the_first_run_nothing_is_made(folder: Path) -> None:
    done = doctor()
    assert done.exit_code == 0, done.stdout
    assert done.stdout.count("does not exist yet; the first run makes it") == 4
    assert tree(folder) == {}


def test_json_says_the_same(folder: Path) -> None:
    done = doctor("--output", "json", LOG_LEVEL="x")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["failed"] == 1
    assert document["checks"][0]["status"] == "FAIL"
    assert document["checks"][0]["name"] == "settings"
    assert "LOG_LEVEL" in document["checks"][0]["what"]
    assert document["checks"][-1] == {
        "name": "canary", "status": "ok", "what": document["checks"][-1]["what"], "todo": "",
    }  # fmt: skip


def test_wrong_use_exits_with_2(folder: Path) -> None:
    assert doctor("--output", "xml").exit_code == 2
    assert doctor("--env-file", str(folder / "missing")).exit_code == 2


def test_a_warning_of_the_settings_is_no_failure(folder: Path) -> None:
    done = doctor(SCHEDULE_CADENSE="5m")
    assert done.exit_code == 0
    assert "WARN  SCHEDULE_CADENSE" in done.stdout


def test_a_strategy_that_does_not_load_fails(folder: Path) -> None:
    done = doctor(STRATEGY_NAME="sma_crs")
    assert done.exit_code == 1
    assert "FAIL  STRATEGY_NAME" in done.stdout


def test_the_canary_runs_with_the_queue_and_rotation_of_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def spy(*arguments: Any, **options: Any) -> Session:
        given.update(options)
        return setup_logging(*arguments, **options)

    monkeypatch.setattr(canary, "setup_logging", spy)
    done = doctor(LOG_QUEUE="true", LOG_ROTATION_MODE="size", LOG_MAX_BYTES="9000")
    assert done.exit_code == 0, done.stdout
    assert "ways into the log, with a queue" in done.stdout
    assert (given["queue"], given["rotation_mode"], given["max_bytes"]) == (True, "size", 9000)


# -- the canary ----------------------------------------------------------------------------------


def test_a_redaction_that_is_broken_fails_and_names_the_carrier_without_the_secret(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = canary.new_secret()
    monkeypatch.setattr(canary, "new_secret", lambda: secret)
    monkeypatch.setattr(SecretValues, "remove", lambda _, text: text)
    for output in ("text", "json"):
        done = doctor("--output", output)
        assert done.exit_code == 1
        assert "a secret logged by way of `message` leaked: in the file, as it is" in done.stdout
        assert "`exception in a thread`" in done.stdout
        for piece in (secret[start : start + 8] for start in range(len(secret) - 8)):
            assert piece not in done.output
    assert not (folder / "logs").exists()


def test_a_carrier_of_which_nothing_arrives_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradebot.logtools.carriers.log_event", lambda *_, **__: True)
    done = doctor()
    assert done.exit_code == 1
    assert "nothing arrived of what was logged by way of `message`" in done.stdout


def test_a_canary_that_cannot_be_written_fails(folder: Path) -> None:
    (folder / "canary").write_text("in the way")
    [check] = _checks.check_log(settings_of(folder), folder)
    assert (check.status, "cannot be written" in check.what) == ("FAIL", True)


# -- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LOG_DIR", "STATE_DIR"])
def test_a_folder_that_is_a_file_fails(folder: Path, name: str) -> None:
    (folder / "file").write_text("")
    done = doctor(**{name: str(folder / "file")})
    assert done.exit_code == 1
    assert f"FAIL  {name}: {folder / 'file'} is not a folder  (move it away, or" in done.stdout
    assert f"set {name}" in done.stdout
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", ["LOG_DIR", "STATE_DIR"])
def test_a_folder_that_cannot_be_made_fails(folder: Path, name: str) -> None:
    (folder / "file").write_text("")
    done = doctor(**{name: str(folder / "file" / "below")})
    assert done.exit_code == 1
    assert (
        f"FAIL  {name}: {folder / 'file' / 'below'} cannot be made: {folder / 'file'} is not a "
        f"folder  (move it away, or set {name})"
    ) in done.stdout


@posix
def test_a_path_that_cannot_even_be_looked_at_fails(folder: Path) -> None:
    done = doctor(LOG_DIR="/" + "x" * 300)
    assert done.exit_code == 1
    assert "FAIL  LOG_DIR: cannot be looked at: File name too long" in done.stdout
    assert "canary: no secret leaked" in done.stdout  # in the system's temporary folder


@posix
def test_what_others_may_read_is_a_warning(folder: Path) -> None:
    logs = folder / "logs"
    logs.mkdir(mode=0o755)
    assert f"WARN  LOG_DIR: others may read {logs}" in doctor().stdout
    logs.chmod(0o700)
    assert "WARN" not in doctor().stdout


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root may give it away")
def test_what_belongs_to_another_user_is_a_warning(folder: Path) -> None:
    (folder / "x").write_text("")
    os.chown(folder / "x", 12345, 12345)
    assert statuses(_checks.check_privacy("LOG_DIR", [folder / "x"])) == ["WARN"]


def test_a_full_disk_is_not_cured_by_another_owner(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    done = run_on_small_disk(
        disk,
        """
from pathlib import Path
from tradebot.cli._checks import check_folder
fill(sys.argv[1])
for check in check_folder("LOG_DIR", Path(sys.argv[1])):
    print(check.status, check.what, check.todo, sep="|")
""",
        str(disk),
    )
    what = f"LOG_DIR: {disk} cannot be written (No space left on device)"
    assert done.stdout == f"FAIL|{what}|free space on its disk\n", done.stderr


@pytest.mark.parametrize(("free", "status"), [(1, "FAIL"), (100, "WARN"), (600, "ok")])
def test_room_on_the_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    usage = type("Usage", (), {"free": free * 1_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = list(_checks.check_folder("LOG_DIR", folder))
    assert [one.status for one in found if "MB" in one.what] == [status]


@posix
def test_a_file_system_without_hard_links_is_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert "WARN" in statuses(_checks.check_folder("LOG_DIR", folder))


@posix
def test_a_live_file_that_is_none_fails(folder: Path) -> None:
    (folder / "logs").mkdir(mode=0o700)
    (folder / "logs" / "bot.log").symlink_to("/dev/null")
    done = doctor()
    assert done.exit_code == 1
    assert "bot.log is not a regular file" in done.stdout


def test_locks_that_shut_nobody_out_fail(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert statuses(_checks.check_lock(folder)) == ["ok"]
    monkeypatch.setattr("tradebot.observability.system_files._try_lock", lambda _: None)
    assert statuses(_checks.check_lock(folder)) == ["FAIL"]
    assert statuses(_checks.check_lock(folder / "missing")) == ["FAIL"]


# -- clock, journal, login -----------------------------------------------------------------------


def test_a_clock_behind_its_own_files_fails(folder: Path) -> None:
    (folder / "bot.log").write_text("")
    now = (folder / "bot.log").stat().st_mtime
    assert statuses(_checks.check_clock(folder, now)) == ["ok"]
    assert statuses(_checks.check_clock(folder, now - 3 * 86_400)) == ["FAIL"]
    # A log that was written by a clock far ahead is enough.
    os.utime(folder / "bot.log", (now + 30 * 86_400, now + 30 * 86_400))
    assert statuses(_checks.check_clock(folder, now + 10 * 86_400)) == ["FAIL"]


def test_a_time_zone_that_is_not_there_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(_checks, "ZoneInfo", missing)
    [_, zones] = _checks.check_python(settings_of(folder))
    assert (zones.status, "tzdata" in zones.todo) == ("FAIL", True)


def test_a_journal_that_another_process_has_open_is_read(folder: Path) -> None:
    path = folder / "journal.db"
    with Journal(path):
        assert statuses(_checks.check_journal(path)) == ["ok"]
    before = folder.stat().st_mtime_ns
    assert statuses(_checks.check_journal(path)) == ["ok"]
    assert folder.stat().st_mtime_ns == before  # no file was made beside it, not even for a moment


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("PRAGMA application_id=7", "another program"),
        ("PRAGMA user_version=999", "newer version"),
    ],
)
def test_a_journal_that_is_not_ours_fails(folder: Path, damage: str, told: str) -> None:
    path = folder / "journal.db"
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute(damage)
    connection.commit()
    connection.close()
    [check] = _checks.check_journal(path)
    assert (check.status, told in check.what) == ("FAIL", True)


@pytest.mark.parametrize("damage", ["rubbish", "torn", "one page"])
def test_a_damaged_journal_fails(folder: Path, damage: str) -> None:
    path = folder / "journal.db"
    Journal(path).close()
    content = path.read_bytes()
    damaged = {
        "rubbish": b"rubbish " * 600,
        "torn": content[:100] + b"\x5a" * (len(content) - 100),
        "one page": content[: 5 * 4096] + bytes(4096) + content[6 * 4096 :],
    }
    path.write_bytes(damaged[damage])
    [check] = _checks.check_journal(path)
    assert check.status == "FAIL"
    assert ": damaged: Page 6" in check.what or damage != "one page"
    assert "\n" not in check.what


NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
SIM = {
    "SAXO_ENV": "SIM",
    "SAXO_APP_KEY": "app-key-0123456789",
    "SAXO_APP_SECRET": "app-secret-0123456789",
    "SAXO_REDIRECT_URI": "http://127.0.0.1:8765/callback",
    "WATCHLIST_JSON": '[{"asset_type":"FxSpot","uic":21,"quantity":10000}]',
}


def login(settings: Settings, *, lost: bool = False, hours: float = 1) -> None:
    TokenStore(settings.saxo_token_file).save(
        StoredTokens(
            env=settings.saxo_env,
            mode="oauth",
            access_token="access-0123456789",
            refresh_token="refresh-0123456789",
            obtained_at=NOW,
            access_expires_at=NOW + timedelta(minutes=20),
            refresh_expires_at=NOW + timedelta(hours=hours),
            login_lost_at=NOW if lost else None,
        )
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [("none", "FAIL"), ("good", "ok"), ("lost", "FAIL"), ("over", "FAIL"), ("damaged", "FAIL")],
)
def test_a_login_that_the_next_run_can_use(folder: Path, state: str, status: str) -> None:
    settings = settings_of(folder, **SIM)
    if state != "none":
        login(settings, lost=state == "lost", hours=-1 if state == "over" else 1)
    if state == "damaged":
        settings.saxo_token_file.write_text("{")
    [check] = _checks.check_login(settings, NOW)
    assert check.status == status
    assert "auth login" in check.todo or status == "ok"


def test_a_login_by_hand_is_a_warning(folder: Path) -> None:
    more = {"SAXO_AUTH_MODE": "manual", "SAXO_ACCESS_TOKEN": "token-0123456789"}
    [check] = _checks.check_login(settings_of(folder, **SIM, **more), NOW)
    assert check.status == "WARN"
