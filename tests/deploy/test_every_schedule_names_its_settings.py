"""A scheduled bot without its settings must not run: it would trade with the simulator."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from support.program import ROOT
from tradebot.deploy.cron.table import rendered
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    example_schedule,
    posix_program,
    windows_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.windows.task import render
from tradebot.errors import ExitCode

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def schedule(folder: Path) -> Schedule:
    """Of a bot whose `.env` was there when the schedule was made."""
    program = replace(
        posix_program(str(folder)),
        python=PurePosixPath(sys.executable),
        entry=(str(ROOT / "main.py"),),
    )
    return example_schedule(EVERY_FIVE_MINUTES, program)


def test_without_its_env_file_a_line_of_cron_fails_and_trades_with_nothing(tmp_path: Path) -> None:
    command = schedule(tmp_path).command(jitter=0)
    variables = {"HOME": str(tmp_path), "LOG_DIR": f"{tmp_path}/logs", "STATE_DIR": f"{tmp_path}/s"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == ExitCode.CONFIG
    assert f"{tmp_path}/.env: there is no such file" in done.stderr
    assert "simulator_started" not in (tmp_path / "logs" / "bot.log").read_text()


def test_cron_and_windows_name_it_though_the_bot_would_find_it_by_itself(tmp_path: Path) -> None:
    line = rendered(schedule(tmp_path), UTC, NOW)
    assert f"--env-file={shlex.quote(f'{tmp_path}/.env')}" in line
    task = example_schedule(EVERY_FIVE_MINUTES, windows_program(), user="bot")
    assert r"--env-file=C:\ai-tradebot\.env" in "".join(render(task).values())


def test_systemd_itself_starts_nothing_without_it(tmp_path: Path) -> None:
    words = schedule(tmp_path).command(jitter=0, guarded=True)
    assert not any(word.startswith("--env-file") for word in words)
