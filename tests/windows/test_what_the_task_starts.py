"""The rendered task, started as the Task Scheduler starts it: one command line, no shell.

CreateProcess gets the program and its arguments as one text, and the program takes it apart again.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.program import ROOT, environment, log_text
from support.windows import UNDER_WINE, windows
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.windows.checks import check_tasks
from tradebot.deploy.windows.parsed import Action, parse_task
from tradebot.deploy.windows.scheduler import SCHEDULER
from tradebot.deploy.windows.system import exported
from tradebot.deploy.windows.task import current_user, render_tasks
from tradebot.observability.line import parse

pytestmark = windows

MAIN = r"\AI-Tradebot\default"


def plan_in(folder: Path) -> Schedule:
    """A schedule of this clone with an env file in `folder`."""
    program = Program(
        python=Path(sys.executable),
        entry=(str(ROOT / "main.py"),),
        tradebot=Path(sys.executable).with_name("tradebot.exe"),
        home=folder,
        env_file=folder / "paper bot.env",
        env_file_given=True,
        log_dir=folder / "logs",
        state_dir=folder / "state",
        token_file=folder / "tokens.json",
    )
    plan = example_schedule(EVERY_FIVE_MINUTES, program)
    return dataclasses.replace(plan, jitter=0.001, dry_run=True)


def start(action: Action, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        f'"{action.command}" {action.arguments}',
        executable=action.command,
        cwd=action.folder,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Jörg's bot & Söhne"
    made.mkdir()
    return made


def test_its_command_line_runs_the_bot_with_the_env_file_it_names(folder: Path) -> None:
    plan = plan_in(folder)
    (folder / "paper bot.env").write_text(
        "SAXO_ENV=LOCAL\nINSTANCE=paper\nSCHEDULE_CADENCE=1h\nSCHEDULE_MAX_LATENESS=1h\n",
        encoding="utf-8",
    )
    [action] = parse_task(render_tasks(plan)[MAIN]).actions
    done = start(action, folder, CYCLE_DEADLINE_SECONDS="120")
    assert done.returncode == 0, done.stderr
    lines = [parse(line) for line in log_text(folder).splitlines()]
    [ready] = [line for line in lines if line.event == "startup_ready"]
    assert "paper" in ready.fields["journal_path"]
    assert lines[-1].event == "cycle_end"
    assert lines[-1].fields["dry_run"] == "true"
    assert any(line.fields.get("slot") for line in lines)


def test_it_runs_from_a_shell_as_well(tmp_path: Path) -> None:
    """As a person does who tries the line out; in ASCII, as a batch file has a code page."""
    folder = tmp_path / "my bot & co"
    folder.mkdir()
    plan = plan_in(folder)
    (folder / "paper bot.env").write_text("SAXO_ENV=MARS\n", encoding="utf-8")
    [action] = parse_task(render_tasks(plan)[MAIN]).actions
    script = folder / "try.cmd"
    script.write_text(
        f'@"{action.command}" {action.arguments}\n@exit /b %ERRORLEVEL%\n',
        encoding="utf-8",
    )
    done = subprocess.run(
        ["cmd", "/d", "/c", "try.cmd"],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 78, done.stderr
    assert b"SAXO_ENV" in done.stderr


def test_the_checks_look_for_its_files_here(folder: Path) -> None:
    plan = plan_in(folder)
    texts = render_tasks(plan)
    assert "task-program-missing" not in {f.rule.name for f in check_tasks(texts, plan)}
    gone = {MAIN: texts[MAIN].replace("main.py", r"gone\main.py")}
    assert "task-program-missing" in {f.rule.name for f in check_tasks(gone, plan)}


def test_the_account_is_that_of_this_session(folder: Path) -> None:
    user = current_user()
    assert user is not None
    assert parse_task(render_tasks(plan_in(folder))[MAIN]).principal("UserId") == user
    assert user.endswith(os.environ["USERNAME"])


@pytest.mark.skipif(shutil.which("schtasks") is None, reason="this Windows has no schtasks")
def test_schtasks_takes_it(folder: Path) -> None:
    """Wine's takes anything, so there this only says that the command line is understood, and
    that the file can be found; it keeps no task that could be asked for."""
    if not UNDER_WINE:
        pytest.skip("it would register a task on a real machine")
    plan = plan_in(folder)
    install = SCHEDULER.plan_install(plan)
    install.apply()
    file = folder / "state" / "schedule" / "ai-tradebot@default.xml"
    assert parse_task(file.read_text("utf-8")).actions[0].command == sys.executable
    assert exported(r"\AI-Tradebot\there is no such task") is None
    SCHEDULER.plan_uninstall(plan).apply()


def test_the_records_can_be_asked_for(folder: Path) -> None:
    """Where they cannot be read there are none, and nobody fails."""
    now = datetime.now(UTC)
    remarks = SCHEDULER.record(plan_in(folder), now - timedelta(hours=1), now)
    assert all(remark.begin <= remark.end for remark in remarks)
