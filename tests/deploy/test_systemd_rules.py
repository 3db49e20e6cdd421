"""Each way in which units can be wrong is found, named, and said with what happens and what to do.

The rendered units break none of the rules; here they are broken in one place at a time, as by hand.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from support.unit_files import ME, NOW, Change, add, findings, names, program_in, put, swap
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    EXAMPLES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
)
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.rules import Severity, is_approved
from tradebot.deploy.systemd import lint, rules_command, rules_options, rules_settings
from tradebot.deploy.systemd.checks import RULES, check
from tradebot.deploy.systemd.installed import pair_of
from tradebot.deploy.systemd.units import render

ANOTHER = "daemon"
TRIED_ELSEWHERE = (rules_command.RULES, rules_options.RULES, rules_settings.RULES)
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return program_in(tmp_path)


@pytest.fixture
def schedule(program: Program) -> Schedule:
    return example_schedule(EVERY_FIVE_MINUTES, program, user=ME, system=True)


BROKEN_TIMERS = [
    ("timer-not-calendar", put("OnCalendar", None)),
    ("timer-not-calendar", swap("OnCalendar=*-*-* *:00/5:00 UTC", "OnUnitActiveSec=5min")),
    ("timer-calendar-unreadable", put("OnCalendar", "every five minutes")),
    ("timer-not-utc", put("OnCalendar", "*-*-* *:00/5:00 Europe/London")),
    ("timer-not-utc", put("OnCalendar", "*-*-* *:00/5:00")),
    ("timer-misses-slots", put("OnCalendar", "*-*-* *:00/10:00 UTC")),
    ("timer-misses-slots", put("OnCalendar", "Mon..Fri *-*-* *:00/5:00 UTC")),
    ("timer-misses-slots", put("OnCalendar", "*-*-* *:04/5:00 UTC")),
    ("timer-extra-wakeups", put("OnCalendar", "*-*-* *:*:00 UTC")),
    ("timer-persistent", put("Persistent", "true")),
    ("timer-accuracy", put("AccuracySec", None)),
    ("timer-accuracy", put("AccuracySec", "1min")),
    ("timer-jitter-late", put("RandomizedDelaySec", "2min 10s")),
    ("timer-defer-unknown", put("DeferReactivation", "true")),
    ("timer-misses-slots", put("OnCalendar", "*-06..08-* *:00/5:00 UTC")),
    ("timer-ends", put("OnCalendar", "2026-*-* *:00/5:00 UTC")),
    ("timer-ends", put("OnCalendar", "2026..2030-*-* *:00/5:00 UTC")),
    ("timer-not-utc", put("OnCalendar", "*:0/5 Etc/GMT+1")),
    ("timer-calendar-unreadable", put("OnCalendar", "*:0/5 etc/utc")),
    ("timer-other-service", swap("Unit=ai-tradebot", "Unit=other")),
]
BROKEN_SERVICES = [
    ("timer-jitter-late", put("RestartSec", "3min")),
    ("timer-jitter-twice", swap("--jitter-seconds-max=0", "--jitter-seconds-max=15")),
    (
        "timer-jitter-twice",
        swap("--jitter-seconds-max=0", "--jitter-seconds-max=0 --jitter-seconds-max 9"),
    ),
    ("service-not-oneshot", put("Type", "exec")),
    ("service-start-limit", put("StartLimitIntervalSec", "60")),
    ("service-start-limit", put("StartLimitIntervalSec", None)),
    ("service-runtime-max", put("RuntimeMaxSec", "285s")),
    ("service-start-limit", add("[Unit]\nStartLimitInterval=60\nStartLimitBurst=2")),
    ("service-start-limit", add("[Service]\nStartLimitInterval=60\nStartLimitBurst=2")),
    ("service-no-timeout", put("TimeoutStartSec", None)),
    ("service-timeout-short", add("[Service]\nTimeoutSec=5")),
    ("service-no-timeout", put("TimeoutStartSec", "infinity")),
    ("service-timeout-short", put("TimeoutStartSec", "4min")),
    ("service-timeout-long", put("TimeoutStartSec", "10min")),
    ("service-restart-refused", put("Restart", "always")),
    ("service-no-restart", put("Restart", None)),
    ("service-restarts-in-vain", put("RestartPreventExitStatus", "64 77 78")),
    ("service-false-failures", put("SuccessExitStatus", "3 75")),
    ("service-hidden-failures", put("SuccessExitStatus", "3 75 143 69")),
    ("service-hidden-failures", add("[Service]\nSuccessExitStatus=CONFIG NOPERM")),
    ("service-hidden-failures", add("[Service]\nSuccessExitStatus=SIGKILL")),
    ("service-hidden-failures", swap("ExecStart=", "ExecStart=-")),
    ("service-no-restart", add("[Service]\nRestartPreventExitStatus=UNAVAILABLE 70")),
    ("service-restarts-in-vain", add("[Service]\nRestartForceExitStatus=NOPERM")),
    ("service-filter-kills", put("SystemCallErrorNumber", None)),
    ("user-unknown", put("User", "nobody-of-this-name")),
    ("secret-in-unit", put("Environment", "SAXO_APP_SECRET=abc")),
    ("variable-overridden", put("Environment", "SAXO_ENV=LIVE")),
    ("env-file-missing", put("EnvironmentFile", "/nowhere/.env")),
    ("env-file-optional", put("EnvironmentFile", "-/nowhere/.env")),
    ("credential-missing", put("LoadCredential", "SAXO_APP_KEY:/nowhere/key")),
    ("working-directory-missing", put("WorkingDirectory", "/nowhere")),
    ("folder-read-only", put("ReadWritePaths", None)),
    ("folder-hidden", put("PrivateTmp", "yes")),
]
LINTED = [
    ("systemd-verify", put("TimeoutStrtSec", "285s")),
    ("systemd-verify", put("RestartSec", "soon")),
    ("service-exposed", swap("SystemCallFilter=@system-service\n", "")),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
@pytest.mark.parametrize("system", [True, False], ids=["system", "user"])
@pytest.mark.parametrize("cadence", [60, 300, 3600])
def test_the_rendered_units_are_approved(
    program: Program, example: Example, system: bool, cadence: int
) -> None:
    schedule = example_schedule(
        example, program, user=ME if system else None, system=system, cadence=cadence
    )

    assert findings(schedule) == []


@pytest.mark.parametrize("system", [True, False], ids=["system", "user"])
def test_the_rendered_units_of_a_narrowed_schedule_are_approved(
    program: Program, system: bool
) -> None:
    schedule = example_schedule(
        WEEKDAY_WINDOW, program, user=ME if system else None, system=system, narrow=True
    )

    assert findings(schedule) == []


@pytest.mark.parametrize(
    "zone", ["utc", "Utc", "Etc/UCT", "UCT", "Etc/GMT", "GMT0", "Universal", "Etc/Greenwich"]
)
def test_utc_has_many_names(schedule: Schedule, zone: str) -> None:
    assert findings(schedule, timer=put("OnCalendar", f"*:0/5 {zone}")) == []


@pytest.mark.parametrize(("rule", "change"), BROKEN_TIMERS)
def test_what_is_wrong_with_a_timer_is_found(schedule: Schedule, rule: str, change: Change) -> None:
    assert rule in names(findings(schedule, timer=change))


@pytest.mark.parametrize(("rule", "change"), BROKEN_SERVICES)
def test_what_is_wrong_with_a_service_is_found(
    schedule: Schedule, rule: str, change: Change
) -> None:
    assert rule in names(findings(schedule, service=change))


@needs_systemd
@pytest.mark.parametrize(("rule", "change"), LINTED)
def test_what_systemd_itself_objects_to_is_found(
    schedule: Schedule, rule: str, change: Change
) -> None:
    if rule == "service-exposed":
        change = swap("ProtectSystem=strict\n", "")
        more = swap("CapabilityBoundingSet=\n", "")
        found = findings(schedule, service=lambda text: more(change(text)))
    else:
        found = findings(schedule, service=change)

    assert rule in names(found)


@needs_systemd
def test_a_rendered_unit_of_the_machine_exposes_little(schedule: Schedule) -> None:
    texts = render(schedule, version=252, now=NOW)
    name = schedule.name
    found = [(unit, texts[unit], "test") for unit in (f"{name}.timer", f"{name}.service")]

    score = lint.exposure(pair_of(found))

    assert score is not None
    assert score <= lint.MOST_EXPOSURE


def test_a_window_that_is_not_covered_is_found_but_the_rest_of_the_day_may_be_left_out(
    program: Program,
) -> None:
    schedule = example_schedule(WEEKDAY_WINDOW, program, user=ME, system=True)
    enough = put("OnCalendar", "Mon..Fri *-*-* 13..20:00/5:00 UTC")
    in_winter_only = put("OnCalendar", "Mon..Fri *-*-* 14..20:00/5:00 UTC")

    assert "timer-misses-slots" not in names(findings(schedule, timer=enough))
    assert "timer-misses-slots" in names(findings(schedule, timer=in_winter_only))


def test_an_old_systemd_refuses_a_second_try(schedule: Schedule) -> None:
    assert "service-restart-too-new" in names(findings(schedule, version=244))
    assert "service-restart-too-new" not in names(findings(schedule, version=245))


def test_a_new_systemd_knows_how_to_defer(schedule: Schedule) -> None:
    change = put("DeferReactivation", "true")

    assert "timer-defer-unknown" not in names(findings(schedule, timer=change, version=257))


def test_the_setting_for_the_jitter_counts_when_the_command_does_not_say(
    schedule: Schedule,
) -> None:
    assert schedule.program.env_file is not None
    change = swap(" --jitter-seconds-max=0", "")
    without = names(findings(schedule, service=change))
    with Path(schedule.program.env_file).open("a") as file:
        file.write("SCHEDULER_JITTER_SECONDS=20s\n")

    assert "timer-jitter-twice" not in without
    assert "timer-jitter-twice" in names(findings(schedule, service=change))


def test_secrets_that_others_can_read_are_found(schedule: Schedule) -> None:
    assert schedule.program.env_file is not None
    Path(schedule.program.env_file).chmod(0o640)

    found = findings(schedule)

    assert names(found) == {"env-file-open"}
    assert found[0].remedy == f"chmod 600 {schedule.program.env_file}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can name another user's files")
def test_what_the_service_user_cannot_reach_is_found(schedule: Schedule) -> None:
    found = names(findings(dataclasses.replace(schedule, user=ANOTHER)))

    assert {"env-file-unreadable", "folder-not-writable"} <= found


@pytest.mark.skipif(os.getuid() != 0, reason="only root can name another user's files")
def test_a_file_that_only_systemd_reads_may_be_roots(schedule: Schedule, tmp_path: Path) -> None:
    secrets = tmp_path / "paper.env"
    secrets.write_text("SAXO_APP_SECRET=not-one\n")
    secrets.chmod(0o600)
    Path(schedule.program.home, ".env").unlink()

    found = findings(
        dataclasses.replace(schedule, user=ANOTHER), service=put("EnvironmentFile", str(secrets))
    )

    assert "env-file-unreadable" not in names(found)


def test_nothing_installed_is_an_error(schedule: Schedule) -> None:
    found = list(check(schedule, [], version=252, now=NOW))

    assert names(found) == {"not-installed"}
    assert not is_approved(found)


def test_a_secret_is_never_repeated(schedule: Schedule) -> None:
    change = put("Environment", "SAXO_APP_SECRET=hunter2hunter2")

    for finding in findings(schedule, service=change):
        assert "hunter2" not in "\n".join(finding.lines())


def test_every_rule_says_what_happens_and_what_to_do() -> None:
    for rule in RULES:
        assert rule.consequence.endswith(".") or rule.consequence.endswith(")"), rule.name
        assert len(rule.remedy) > 10, rule.name
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_every_rule_is_tried() -> None:
    tried = {rule for rule, _ in [*BROKEN_TIMERS, *BROKEN_SERVICES, *LINTED]}
    by_hand = {
        "not-installed", "service-restart-too-new", "env-file-open",
        "env-file-unreadable", "folder-not-writable",
        # Seen with a systemd that answers: test_systemd_install.py.
        "timer-not-enabled", "user-without-linger",
        # test_systemd_keeps_the_login.py, test_systemd_hand_made_units.py
        "login-gap", "systemd-not-asked",
    }  # fmt: skip

    # test_systemd_hand_made_units.py
    elsewhere = {rule.name for rules in TRIED_ELSEWHERE for rule in rules}
    assert tried | by_hand == {rule.name for rule in RULES} - elsewhere


def test_only_what_is_no_danger_is_a_note() -> None:
    notes = {rule.name for rule in RULES if rule.severity is Severity.NOTE}

    assert notes == {"timer-extra-wakeups", "service-no-restart"}
