"""`tradebot schedule render|install|verify|status`: what is asked for, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.program import environment
from tradebot.cli import _schedule_options
from tradebot.errors import UsageError

pytestmark = pytest.mark.usefixtures("coverage_follows")

TRADEBOT = Path(sys.executable).with_name("tradebot")
WINDOW = "TRADING_HOURS_MODE=fixed\nTRADING_START=09:30\nTRADING_END=16:00\nTIMEZONE=Asia/Tokyo\n"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "bot.env"
    path.write_text(
        f"SAXO_ENV=LOCAL\nLOG_DIR={tmp_path}/logs\nSTATE_DIR={tmp_path}/state\nSCHEDULE_CADENCE=10m\n"
    )
    path.chmod(0o600)
    return path


def schedule(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`tradebot schedule …` of a user whose home is `folder`; its folders are the env file's."""
    environ = environment(folder, HOME=str(folder), XDG_CONFIG_HOME=f"{folder}/config", **more)
    for name in ("LOG_DIR", "STATE_DIR"):
        if name not in more:
            del environ[name]
    return subprocess.run(
        [str(TRADEBOT), "schedule", *arguments],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("systemd", "OnCalendar=*-*-* *:00/10:00 UTC"),
        ("cron", "*/10 * * * * "),
        ("windows", "<Interval>PT10M</Interval>"),
    ],
)
def test_each_scheduler_gets_the_env_files_cadence(
    tmp_path: Path, env_file: Path, name: str, mark: str
) -> None:
    done = schedule(tmp_path, "render", name, f"--env-file={env_file}")
    assert done.returncode == 0, done.stderr
    assert mark in done.stdout
    assert "--single-cycle --scheduled" in done.stdout
    assert f"--env-file={env_file}" in done.stdout


def test_several_files_can_be_written_into_a_folder(tmp_path: Path, env_file: Path) -> None:
    options = ("render", "systemd", f"--env-file={env_file}")
    done = schedule(tmp_path, *options, f"--to={tmp_path}/units")
    assert done.returncode == 0, done.stderr
    names = ("ai-tradebot@default.service", "ai-tradebot@default.timer")
    assert done.stdout.splitlines() == [f"{tmp_path}/units/{name}" for name in names]
    printed = schedule(tmp_path, *options).stdout
    assert printed == "".join((tmp_path / "units" / name).read_text() for name in names)
    refused = schedule(tmp_path, *options, f"--to={env_file}/below")
    assert (refused.returncode, "cannot be written" in refused.stderr) == (2, True)


def test_a_variable_of_the_shell_is_left_aside_and_named(tmp_path: Path, env_file: Path) -> None:
    done = schedule(tmp_path, "render", "cron", f"--env-file={env_file}", SCHEDULE_CADENCE="1m")
    assert "*/10 * * * * " in done.stdout
    assert "SCHEDULE_CADENCE of this shell is ignored" in done.stderr


def test_the_instance_of_the_command_line_is_in_what_is_started(
    tmp_path: Path, env_file: Path
) -> None:
    done = schedule(
        tmp_path, "render", "systemd", "--instance=paper", "--dry-run", f"--env-file={env_file}"
    )
    assert "Environment=INSTANCE=paper\n" in done.stdout
    assert "Unit=ai-tradebot@paper.service" in done.stdout
    assert " --dry-run" in done.stdout


def test_a_narrowed_schedule_needs_a_window(tmp_path: Path, env_file: Path) -> None:
    refused = schedule(tmp_path, "render", "systemd", "--narrow", f"--env-file={env_file}")
    assert refused.returncode == 2
    assert "TRADING_HOURS_MODE=fixed" in refused.stderr
    env_file.write_text(env_file.read_text() + WINDOW)
    done = schedule(tmp_path, "render", "systemd", "--narrow", f"--env-file={env_file}")
    assert "OnCalendar=Mon..Fri *-*-* 00..06:00/10:00 UTC" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["render", "launchd"], "there is no scheduler 'launchd'; known: systemd, cron, windows"),
        (["render", "cron", "--user=nobody"], "--user NAME is for --system"),
        (["render", "cron", "--system"], "--system needs --user NAME"),
        (["render", "cron", "--template"], "--template is for systemd"),
        (["install", "systemd"], ""),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    tmp_path: Path, env_file: Path, arguments: list[str], told: str
) -> None:
    done = schedule(tmp_path, *arguments, f"--env-file={env_file}")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "config").exists()


def test_settings_that_are_wrong_are_found_and_nothing_is_installed(
    tmp_path: Path, env_file: Path
) -> None:
    env_file.write_text("SAXO_ENV=LIVE\nTRADING_HOURS_MODE=sometimes\n")
    done = schedule(tmp_path, "install", "systemd", "--yes", f"--env-file={env_file}")
    assert done.returncode == 1
    assert "TRADING_HOURS_MODE (in bot.env line 2)" in done.stderr
    assert "[settings-invalid]" in done.stderr
    assert "nothing was changed" in done.stderr
    assert not (tmp_path / "config").exists()


def test_the_rendered_units_are_approved_and_the_answer_can_be_read_by_programs(
    tmp_path: Path, env_file: Path
) -> None:
    if not Path("/usr/bin/systemd-analyze").exists():
        pytest.skip("systemd-analyze is not installed here")
    arguments = ("verify", "systemd", "--rendered", f"--env-file={env_file}")
    done = schedule(tmp_path, *arguments)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("ai-tradebot@default by systemd: approved")
    document = json.loads(schedule(tmp_path, *arguments, "--output=json").stdout)
    assert document["approved"] is True


def test_verify_says_what_this_shell_would_hide(tmp_path: Path, env_file: Path) -> None:
    arguments = ("verify", "systemd", "--rendered", f"--env-file={env_file}", "--output=json")
    done = schedule(tmp_path, *arguments, TRADING_DAYS="mon")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    [finding] = [f for f in document["findings"] if f["rule"] == "only-in-this-shell"]
    assert finding["what"].startswith("TRADING_DAYS")
    assert finding["what_to_do"]


@pytest.mark.skipif(shutil.which("crontab") is None, reason="there is no crontab here")
def test_a_dry_schedule_is_not_made_a_real_one_in_passing(tmp_path: Path, env_file: Path) -> None:
    table = tmp_path / "crontab"
    program = tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
[ "$1" = -l ] || {{ cat > {table}; exit; }}
[ -e {table} ] || {{ echo "no crontab for you" >&2; exit 1; }}
cat {table}
"""
    )
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    options = ("install", "cron", "--yes", f"--env-file={env_file}")
    dry = schedule(tmp_path, *options, "--dry-run", PATH=path)
    assert (dry.returncode, table.read_text().count("--dry-run")) == (0, 1), dry.stderr
    refused = schedule(tmp_path, *options, PATH=path)
    assert (refused.returncode, table.read_text().count("--dry-run")) == (2, 1)
    assert "runs would send orders" in refused.stderr
    meant = schedule(tmp_path, *options, "--send-orders", PATH=path)
    assert (meant.returncode, table.read_text().count("--dry-run")) == (0, 0)


@pytest.mark.parametrize("instance", ["a b", "../x"])
def test_a_mistyped_instance_is_never_taken_for_the_default_one(
    tmp_path: Path, env_file: Path, instance: str
) -> None:
    for verb in (["uninstall", "cron", "--yes"], ["render", "cron"], ["status", "cron"]):
        done = schedule(tmp_path, *verb, f"--instance={instance}", f"--env-file={env_file}")
        assert (done.returncode, "INSTANCE" in done.stderr) == (2, True)


def test_nothing_is_rendered_from_settings_that_are_wrong(tmp_path: Path, env_file: Path) -> None:
    env_file.write_text(env_file.read_text() + "TRADING_START=25:00\n")
    done = schedule(tmp_path, "render", "cron", f"--env-file={env_file}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "TRADING_START" in done.stderr


def test_status_of_what_is_not_installed(tmp_path: Path, env_file: Path) -> None:
    done = schedule(tmp_path, "status", "cron", f"--env-file={env_file}", "--output=json")
    facts = json.loads(done.stdout)
    assert done.returncode == 1
    assert (facts["installed"], facts["active"]) == ("no", "no")
    assert "does not exist yet" in facts["last row"]
    assert "tradebot schedule install cron" in done.stderr


def test_the_state_folder_of_this_shell_is_not_that_of_a_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed copy has its `.env` there: cron would start it with none."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert "XDG_STATE_HOME" not in _schedule_options._environment(None)
    options = (None, False, None, None, False, False, None)
    monkeypatch.setattr(_schedule_options, "_MOVES_THE_HOME", ("XDG_STATE_HOME",))
    assert "XDG_STATE_HOME" in _schedule_options._wanted(*options).only_here


@pytest.mark.skipif(os.name == "nt", reason="there is no database of users")
def test_an_installed_program_runs_from_the_folder_of_its_own_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pwd

    monkeypatch.setattr(_schedule_options, "clone_root", lambda: None)
    home = Path(pwd.getpwnam("nobody").pw_dir)
    assert _schedule_options._home({}, "nobody") == home / ".local/state/ai-tradebot"
    with pytest.raises(UsageError, match="no such user"):
        _schedule_options._home({}, "no-such-user-here")
