"""Installing shows what changes, changes it once, and can be taken back.

Here `systemctl` is a script that keeps notes; the real one is met in tests/schedulers.
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import re
import shutil
from pathlib import Path

import pytest

from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.plan import Command, Plan
from tradebot.deploy.systemd import manager
from tradebot.deploy.systemd.checks import check_host
from tradebot.deploy.systemd.installed import installed_pairs
from tradebot.deploy.systemd.scheduler import SCHEDULER
from tradebot.deploy.systemd.units import MARKER, render
from tradebot.errors import StorageError, UsageError

ME = pwd.getpwuid(os.getuid()).pw_name
TIMER, SERVICE = "ai-tradebot@default.timer", "ai-tradebot@default.service"

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")

SYSTEMCTL = """#!/bin/sh
[ "$1" = --user ] && shift
notes=$(dirname "$0")/notes
[ -e "$notes/fails $*" ] && { echo "no way" >&2; exit 1; }
for unit; do :; done
case "$1" in
  show)
    case "$2" in
      --property=Version) [ -e "$notes/down" ] && { echo "not booted with systemd" >&2; exit 1; }
        echo Version=252 ;;
      *) if [ -e "$notes/on-$2" ]; then
           printf 'ActiveState=active\\nUnitFileState=enabled\\nLoadState=loaded\\n'
           printf 'NextElapseUSecRealtime=Sun 2026-11-22 23:35:10 UTC\\n'
         else
           printf 'ActiveState=inactive\\nUnitFileState=disabled\\nLoadState=loaded\\n'
         fi ;;
    esac ;;
  cat) exit 1 ;;
  --version) echo "systemd 252 (252.38)" ;;
  enable) echo "$@" >> "$notes/done"; touch "$notes/on-$unit" ;;
  disable) echo "$@" >> "$notes/done"; rm -f "$notes/on-$unit" ;;
  *) echo "$@" >> "$notes/done" ;;
esac
"""
LOGINCTL = """#!/bin/sh
cat "$(dirname "$0")/notes/linger"
"""


class Host:
    """A user's systemd, and what it was told."""

    def __init__(self, folder: Path, units: Path) -> None:
        self.notes = folder / "notes"
        self.units = units
        self.notes.mkdir(parents=True)
        self.linger("yes")
        for name, text in (("systemctl", SYSTEMCTL), ("loginctl", LOGINCTL)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def linger(self, word: str) -> None:
        (self.notes / "linger").write_text(f"{word}\n")

    def refuse(self, words: str) -> None:
        """Fail when it is told this."""
        (self.notes / f"fails {words}").touch()

    def timers(self) -> set[str]:
        """Those that are enabled and active."""
        return {path.name.removeprefix("on-") for path in self.notes.glob("on-*")}

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.units.iterdir()}

    def told(self) -> list[str]:
        done = self.notes / "done"
        return done.read_text().splitlines() if done.exists() else []


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    config = tmp_path / "config"
    folder = tmp_path / "bin"
    made = Host(folder, config / "systemd" / "user")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return made


@pytest.fixture
def program(tmp_path: Path) -> Program:
    home = tmp_path / "bot"
    home.mkdir()
    return dataclasses.replace(
        posix_program(str(home)),
        log_dir=home / "logs",
        state_dir=home / "state",
        token_file=home / "state" / "tokens.json",
    )


@pytest.fixture
def schedule(program: Program) -> Schedule:
    return example_schedule(EVERY_FIVE_MINUTES, program)


def commands(plan: Plan) -> list[str]:
    return [line for line in plan.show() if line.startswith("$ ")]


def without_folders(plan: Plan) -> list[str]:
    return [line for line in commands(plan) if not line.startswith("$ install -d")]


def test_installing_writes_the_units_and_starts_the_timer(host: Host, schedule: Schedule) -> None:
    plan = SCHEDULER.plan_install(schedule)

    assert without_folders(plan) == [
        "$ systemctl --user daemon-reload",
        f"$ systemctl --user enable --now {TIMER}",
    ]
    assert not host.units.exists(), "shown, but not done"
    plan.apply()
    assert {path.name for path in host.units.iterdir()} == {TIMER, SERVICE}
    assert host.told() == ["daemon-reload", f"enable --now {TIMER}"]


def test_the_folders_that_a_run_needs_are_made(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()

    for folder in (schedule.program.log_dir, schedule.program.state_dir):
        assert Path(folder).stat().st_mode & 0o777 == 0o700


def test_installing_again_changes_nothing(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()

    assert SCHEDULER.plan_install(schedule).is_empty


def test_a_changed_schedule_is_shown_as_a_difference(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()
    plan = SCHEDULER.plan_install(dataclasses.replace(schedule, offset=20))

    assert "-OnCalendar=*-*-* *:00/5:00 UTC" in plan.show()
    assert "+OnCalendar=*-*-* *:00/5:20 UTC" in plan.show()
    assert without_folders(plan) == ["$ systemctl --user daemon-reload"]


def test_a_stopped_timer_is_started_again(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()
    (host.notes / f"on-{TIMER}").unlink()

    plan = SCHEDULER.plan_install(schedule)
    assert commands(plan) == [f"$ systemctl --user enable --now {TIMER}"]


def test_uninstalling_leaves_nothing_and_says_so_only_once(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()
    plan = SCHEDULER.plan_uninstall(schedule)

    assert commands(plan)[:2] == [
        f"$ systemctl --user disable --now {TIMER}",
        f"$ systemctl --user stop {SERVICE}",
    ]
    plan.apply()
    assert list(host.units.iterdir()) == []
    assert Path(schedule.program.state_dir).is_dir(), "what the bot wrote stays"
    assert SCHEDULER.plan_uninstall(schedule).is_empty


def test_units_of_somebody_else_are_kept_and_come_back(host: Host, schedule: Schedule) -> None:
    host.units.mkdir(parents=True)
    (host.units / TIMER).write_text("[Timer]\nOnCalendar=hourly\n")

    SCHEDULER.plan_install(schedule).apply()
    assert (host.units / TIMER).read_text().startswith(MARKER)
    assert (host.units / f"{TIMER}.before-tradebot").exists()
    assert SCHEDULER.plan_install(schedule).is_empty

    SCHEDULER.plan_uninstall(schedule).apply()
    assert {path.name for path in host.units.iterdir()} == {TIMER}
    assert (host.units / TIMER).read_text() == "[Timer]\nOnCalendar=hourly\n"
    assert SCHEDULER.plan_uninstall(schedule).is_empty


def test_a_start_that_systemd_refuses_leaves_the_files_as_they_were(
    host: Host, schedule: Schedule
) -> None:
    host.refuse(f"enable --now {TIMER}")

    with pytest.raises(
        StorageError, match="no way; the files that were written are as they were before"
    ):
        SCHEDULER.plan_install(schedule).apply()
    assert list(host.units.iterdir()) == []


def test_a_keepalive_that_is_no_longer_needed_goes(host: Host, program: Program) -> None:
    narrow = example_schedule(WEEKDAY_WINDOW, program, narrow=True)
    SCHEDULER.plan_install(narrow).apply()
    assert len(list(host.units.iterdir())) == 4

    SCHEDULER.plan_install(dataclasses.replace(narrow, narrow=False)).apply()

    assert {path.name for path in host.units.iterdir()} == {TIMER, SERVICE}
    assert "disable --now ai-tradebot-keepalive@default.timer" in host.told()


def test_a_start_that_fails_leaves_the_keepalive_of_before(host: Host, program: Program) -> None:
    narrow = example_schedule(WEEKDAY_WINDOW, program, narrow=True)
    SCHEDULER.plan_install(narrow).apply()
    before, keepalive = host.files(), "ai-tradebot-keepalive@default.timer"
    (host.notes / f"on-{TIMER}").unlink()
    host.refuse(f"enable --now {TIMER}")
    seen = len(host.told())

    with pytest.raises(StorageError, match="timers of before were put back"):
        SCHEDULER.plan_install(dataclasses.replace(narrow, narrow=False)).apply()

    assert host.files() == before
    assert host.timers() == {keepalive}
    assert host.told()[seen:] == [
        "daemon-reload",
        "daemon-reload",
        f"enable {keepalive}",
        f"start {keepalive}",
    ], "never off, and systemd knows the old text again"


@pytest.mark.parametrize("words", [f"stop {SERVICE}", "reset-failed"])
def test_an_uninstall_that_fails_leaves_the_schedule_on(
    host: Host, schedule: Schedule, words: str
) -> None:
    SCHEDULER.plan_install(schedule).apply()
    before = host.files()
    plan = SCHEDULER.plan_uninstall(schedule)
    if words == "reset-failed":
        # After the files are gone.
        last = Command(("systemctl", "--user", words))
        plan = dataclasses.replace(plan, commands=(*plan.commands, last))
    host.refuse(words)

    with pytest.raises(StorageError, match=r"no way.*`; the units and timers of before were put"):
        plan.apply()

    assert host.files() == before
    assert host.timers() == {TIMER}
    assert host.told()[-2:] == [f"enable {TIMER}", f"start {TIMER}"]


def test_what_could_not_be_put_back_is_said(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()
    host.refuse("daemon-reload")

    with pytest.raises(StorageError, match=r"could not be put back: .*daemon-reload` failed"):
        SCHEDULER.plan_uninstall(schedule).apply()
    assert set(host.files()) == {TIMER, SERVICE}


def test_a_unit_of_somebody_else_stays_aside_when_it_fails(host: Host, schedule: Schedule) -> None:
    host.units.mkdir(parents=True)
    (host.units / TIMER).write_text("[Timer]\nOnCalendar=hourly\n")
    SCHEDULER.plan_install(schedule).apply()
    before = host.files()
    host.refuse("daemon-reload")

    with pytest.raises(StorageError):
        SCHEDULER.plan_uninstall(schedule).apply()
    assert host.files() == before


def test_instances_do_not_touch_each_other(host: Host, schedule: Schedule) -> None:
    paper = dataclasses.replace(schedule, instance="paper")
    SCHEDULER.plan_install(schedule).apply()
    SCHEDULER.plan_install(paper).apply()
    SCHEDULER.plan_uninstall(schedule).apply()

    assert SCHEDULER.plan_install(paper).is_empty
    assert not SCHEDULER.plan_install(schedule).is_empty


def test_where_systemd_does_not_run_it_says_what_to_do(host: Host, schedule: Schedule) -> None:
    (host.notes / "down").touch()

    for attempt in (SCHEDULER.plan_install, SCHEDULER.plan_uninstall, SCHEDULER.status):
        with pytest.raises(StorageError, match=r"not booted with systemd; log in as this user"):
            attempt(schedule)


def test_a_user_who_is_not_there_is_named_with_the_command_that_makes_one(
    host: Host, schedule: Schedule
) -> None:
    absent = dataclasses.replace(schedule, system=True, user="no-such-bot")

    with pytest.raises(UsageError, match=r"useradd --system .* no-such-bot"):
        SCHEDULER.plan_install(absent)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do it")
def test_only_root_installs_for_the_whole_machine(host: Host, schedule: Schedule) -> None:
    with pytest.raises(StorageError, match="only root can change"):
        SCHEDULER.plan_install(dataclasses.replace(schedule, system=True, user=ME))


def test_a_users_units_are_that_users_own_to_install(host: Host, schedule: Schedule) -> None:
    with pytest.raises(UsageError, match="log in as daemon"):
        SCHEDULER.plan_install(dataclasses.replace(schedule, user="daemon"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root installs for another user")
def test_a_user_who_cannot_reach_the_program_is_told_so(
    host: Host, schedule: Schedule, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(manager, "SYSTEM_FOLDER", tmp_path / "system")
    tmp_path.chmod(0o700)

    with pytest.raises(UsageError, match="daemon cannot reach"):
        SCHEDULER.plan_install(dataclasses.replace(schedule, user="daemon", system=True))


def test_the_status_tells_what_is_installed_and_when_it_runs(
    host: Host, schedule: Schedule
) -> None:
    SCHEDULER.plan_install(schedule).apply()
    status = SCHEDULER.status(schedule)

    assert (status.installed, status.current, status.active) == (True, True, True)
    assert dict(status.facts)["next run"] == "2026-11-22T23:35:10Z"
    assert not SCHEDULER.status(dataclasses.replace(schedule, offset=20)).current


def test_a_timer_that_is_not_enabled_is_found(host: Host, schedule: Schedule) -> None:
    SCHEDULER.plan_install(schedule).apply()
    pairs = installed_pairs(schedule)
    assert not list(check_host(schedule, pairs))

    (host.notes / f"on-{TIMER}").unlink()
    assert [f.rule.name for f in check_host(schedule, pairs)] == ["timer-not-enabled"]


@pytest.mark.skipif(
    Path("/var/lib/systemd/linger", ME).exists(), reason="this user lingers on this machine"
)
def test_a_user_whose_timers_end_with_the_login_is_told_so(host: Host, schedule: Schedule) -> None:
    host.linger("no")
    plan = SCHEDULER.plan_install(schedule)
    plan.apply()

    assert f"loginctl enable-linger {ME}" in plan.notes[0]
    found = list(check_host(schedule, installed_pairs(schedule)))
    assert [f.rule.name for f in found] == ["user-without-linger"]


def test_drop_ins_and_templates_are_read_as_systemd_reads_them(
    host: Host, schedule: Schedule
) -> None:
    texts = render(schedule)
    host.units.mkdir(parents=True)
    for name, text in texts.items():
        (host.units / re.sub("@default", "@", name)).write_text(text)
    for folder, file, text in (
        ("ai-tradebot@.service.d", "10-a.conf", "TimeoutStartSec=1s"),
        (f"{SERVICE}.d", "20-b.conf", "TimeoutStartSec=2s"),
    ):
        (host.units / folder).mkdir()
        (host.units / folder / file).write_text(f"[Service]\n{text}\n")

    (pair,) = installed_pairs(schedule)

    assert pair.timer.origin == str(host.units / "ai-tradebot@.timer")
    assert pair.service.span("Service", "TimeoutStartSec") == 2
    assert "service-timeout-short" in [f.rule.name for f in SCHEDULER.check(schedule)]


def test_the_wakeups_are_those_of_what_is_installed(host: Host, schedule: Schedule) -> None:
    from datetime import UTC, datetime

    SCHEDULER.plan_install(dataclasses.replace(schedule, cadence=3600)).apply()
    begin = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)

    assert next(SCHEDULER.wakeups(schedule, begin)).isoformat() == "2026-01-01T01:00:00+00:00"
    found = next(SCHEDULER.wakeups(schedule, begin, rendered=True))
    assert found.isoformat() == "2026-01-01T00:05:00+00:00"
