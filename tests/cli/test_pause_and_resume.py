"""A person pauses and resumes; the bot obeys, and says so."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.program import log_text, run, run_bot
from tradebot.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "logs"))
    return tmp_path


def tradebot(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_paused_bot_sends_nothing_until_resumed(folder: Path) -> None:
    paused = tradebot("pause")
    assert (paused.exit_code, paused.stdout) == (
        0,
        "paused until `tradebot resume`: INSTANCE=default SAXO_ENV=LOCAL\n",
    )
    assert run_bot(folder, "--single-cycle").returncode == 0
    assert run_bot(folder, "--single-cycle", "--dry-run").returncode == 0
    assert log_text(folder).count("| cycle_skip_paused |") == 2
    assert "reason=by_hand" in log_text(folder)
    resumed = tradebot("resume")
    assert (resumed.exit_code, resumed.stdout) == (0, "resumed: INSTANCE=default SAXO_ENV=LOCAL\n")
    assert tradebot("resume").exit_code == 1
    run_bot(folder, "--single-cycle")
    assert log_text(folder).count("| cycle_skip_paused |") == 2


@pytest.mark.parametrize("form", ["2h", "{:%Y-%m-%dT%H:%M:%SZ}"])
def test_a_pause_with_an_end(folder: Path, form: str) -> None:
    end = datetime.now(UTC) + timedelta(hours=2)
    result = tradebot("pause", "--until", form.format(end))
    assert result.exit_code == 0
    assert f"paused until {end:%Y-%m-%dT%H:}" in result.stdout


@pytest.mark.parametrize("text", ["yesterday-ish", "2001-01-01T00:00Z"])
def test_a_time_that_cannot_be_meant(folder: Path, text: str) -> None:
    result = tradebot("pause", "--until", text)
    assert result.exit_code == 2
    assert "--until" in result.stderr
    assert not (folder / "state").exists()


def test_run_is_the_bot_itself(folder: Path) -> None:
    command = [sys.executable, "-c", "from tradebot.cli import main; main()", "run"]
    done = run([*command, "--single-cycle"], folder)
    assert done.returncode == 0
    assert "| cycle_end |" in log_text(folder)
    assert run([*command, "--help"], folder).stdout.startswith("usage:")


def test_a_pause_without_an_end_is_not_shortened_by_one_that_has_an_end(folder: Path) -> None:
    assert tradebot("pause").exit_code == 0
    shorter = tradebot("pause", "--until", "60s")
    assert shorter.exit_code == 1
    assert "resume first" in shorter.stdout
    assert tradebot("resume").exit_code == 0
    assert tradebot("pause", "--until", "60s").exit_code == 0
    assert tradebot("pause").exit_code == 0  # made longer, it may be
