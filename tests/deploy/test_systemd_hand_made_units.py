"""Units changed by hand: what stops, blinds or doubles the bot is found, the rest is let be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from support.unit_files import ME, NOW, Change, add, findings, names, program_in, put, swap
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, is_approved
from tradebot.deploy.systemd import rules_command, rules_options, rules_settings
from tradebot.deploy.systemd.checks import check
from tradebot.deploy.systemd.installed import pair_of
from tradebot.deploy.systemd.scheduler import SCHEDULER
from tradebot.deploy.systemd.units import render

COMMANDS = [
    ("command-missing", swap("bin/python", "bin/python4")),
    ("command-missing", swap("main.py", "mein.py")),
    ("command-missing", put("ExecStart", None)),
    ("command-not-scheduled", swap(" --scheduled", "")),
    ("command-not-single-cycle", swap(" --single-cycle", "")),
    ("command-several", add("[Service]\nExecStart=/bin/true")),
    ("command-several", swap("--jitter-seconds-max=0", "--jitter-seconds-max=0 ; /bin/true")),
    ("command-not-scheduled", add("[Service]\nExecStart=/opt/bot/main.py --single-cycle")),
    ("command-other-program", swap("ExecStart=", "ExecStart=/bin/echo ")),
    ("command-other-program", add("[Service]\nExecStart=/bin/true")),
    ("command-other-env-file", swap("--scheduled", "--scheduled --env-file=/etc/passwd")),
    ("command-other-env-file", swap("--scheduled", "--scheduled --env-file /etc/passwd")),
    ("command-dry-run", swap("--scheduled", "--scheduled --dry-run")),
    ("dry-run", swap("--scheduled", "--scheduled --dry-run")),
]
OPTIONS = [
    ("service-remains-active", "[Service]\nRemainAfterExit=yes"),
    ("starts-only-if", "[Service]\nExecCondition=/bin/false"),
    ("starts-only-if", "[Unit]\nConditionPathExists=/nowhere"),
    ("starts-only-after", "[Unit]\nAssertPathExists=/nowhere"),
    ("starts-only-after", "[Service]\nExecStartPre=/bin/false"),
    ("service-no-network", "[Service]\nPrivateNetwork=yes"),
    ("service-no-network", "[Service]\nIPAddressDeny=any"),
    ("service-no-network", "[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX"),
    ("service-no-network", "[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=none"),
    ("service-no-network", "[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=~AF_INET"),
    ("service-no-network", "[Service]\nSystemCallFilter=\nSystemCallFilter=@basic-io"),
    ("service-starved", "[Service]\nMemoryMax=1M"),
    ("service-starved", "[Service]\nMemoryMax=1048576"),
    ("service-starved", "[Service]\nMemoryLimit=64M"),
    ("service-starved", "[Service]\nCPUQuota=1%"),
    ("service-other-root", "[Service]\nRootDirectory=/srv/chroot"),
    ("service-other-root", "[Service]\nRootImage=/srv/image"),
    ("service-hard-stop", "[Service]\nKillSignal=SIGKILL"),
    ("service-hard-stop", "[Service]\nKillSignal=9"),
    ("service-hard-stop", "[Service]\nTimeoutStopSec=1ms"),
    ("service-hard-stop", "[Service]\nTimeoutSec=5"),
    ("service-never-killed", "[Service]\nTimeoutStopSec=0"),
    ("service-never-killed", "[Service]\nTimeoutStopSec=infinity"),
    ("service-never-killed", "[Service]\nSendSIGKILL=no"),
    ("service-never-killed", "[Service]\nKillMode=none"),
    ("variable-differs", "[Service]\nEnvironment=INSTANCE=other"),
    ("variable-differs", "[Service]\nEnvironment=STATE_DIR=/elsewhere"),
    ("variable-differs", "[Service]\nEnvironment=SCHEDULE_CADENCE=1h"),
    ("variable-differs", "[Service]\nEnvironment=TRADING_HOURS_MODE=fixed"),
    ("variable-differs", "[Service]\nEnvironment=DRY_RUN=false"),
]
FINE = [
    "[Service]\nMemoryMax=500M\nCPUQuota=50%",
    "[Service]\nMemoryMax=10%",
    "[Service]\nMemoryMax=1M\nMemoryMax=infinity",
    "[Unit]\nOnFailure=mail@%n.service",
    "[Unit]\nStartLimitIntervalSec=\nStartLimitInterval=0",
    "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=0",
    "[Service]\nSuccessExitStatus=\nSuccessExitStatus=3 TEMPFAIL 143 SIGTERM",
    "[Service]\nRestartPreventExitStatus=\nRestartPreventExitStatus=USAGE NOPERM CONFIG 124",
    "[Service]\nTimeoutSec=290\nTimeoutStopSec=1min 5s",
    "[Service]\nTimeoutSec=5\nTimeoutStartSec=285\nTimeoutStopSec=30",
    "[Service]\nKillSignal=SIGINT",
    "[Service]\nExecStartPre=-/bin/sleep 1",
    "[Unit]\nConditionPathExists=/nowhere\nConditionPathExists=",
    "[Service]\nIPAddressDeny=any\nIPAddressAllow=any",
    "[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=~AF_PACKET AF_NETLINK",
    "[Service]\nSystemCallFilter=@network-io @file-system",
    "[Service]\nRemainAfterExit=no\nPrivateNetwork=no\nRootDirectory=/",
    "[Service]\nEnvironment=LOG_RETENTION_DAYS=90 PYTHONUNBUFFERED=1",
    "[Service]\nEnvironment=SCHEDULE_CADENCE=300 INSTANCE=default STATE_DIR=state DRY_RUN=true",
]


@pytest.fixture(autouse=True)
def no_linter(monkeypatch: pytest.MonkeyPatch) -> None:
    """What systemd's own tools find is another matter: here they are not installed."""
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    return example_schedule(EVERY_FIVE_MINUTES, program_in(tmp_path), user=ME, system=True)


def started(schedule: Schedule, command: str) -> Change:
    """ExecStart= as a drop-in replaces it."""
    home = str(schedule.program.home)
    return add(f"[Service]\nExecStart=\nExecStart={command.replace('HOME', home)}")


@pytest.mark.parametrize(("rule", "change"), COMMANDS)
def test_what_is_wrong_with_the_command_is_found(
    schedule: Schedule, rule: str, change: Change
) -> None:
    assert rule in names(findings(schedule, service=change))


@pytest.mark.parametrize(("rule", "text"), OPTIONS)
def test_an_option_that_stops_or_misleads_the_bot_is_found(
    schedule: Schedule, rule: str, text: str
) -> None:
    found = findings(schedule, service=add(text))

    assert rule in names(found)
    option = text.splitlines()[-1].partition("=")[0]
    named = text.rpartition("=")[2] if option == "Environment" else option
    assert any(named in finding.what for finding in found if finding.rule.name == rule)
    assert not is_approved(found)


@pytest.mark.parametrize("text", FINE)
def test_an_option_that_does_no_harm_is_let_be(schedule: Schedule, text: str) -> None:
    assert findings(schedule, service=add(text)) == []


def test_a_condition_of_the_timer_is_found(schedule: Schedule) -> None:
    found = findings(schedule, timer=add("[Unit]\nConditionPathExists=/nowhere"))

    assert names(found) == {"starts-only-if"}


@pytest.mark.parametrize(
    "command",
    [
        '"HOME/bin/python" main.py --single-cycle --scheduled --jitter-seconds-max=0',
        '"HOME/bin/python" -u -B main.py --scheduled --single-cycle --jitter-seconds-max 0',
        '"HOME/bin/python" -m tradebot --single-cycle --scheduled --jitter-seconds-max=0',
        '"HOME/bin/python" -X dev -W error main.py --single-cycle --scheduled',
        '/usr/bin/env LOG_LEVEL=DEBUG "HOME/bin/python" main.py --single-cycle --scheduled',
        '/usr/bin/nice -n 5 "HOME/bin/python" main.py --single-cycle --scheduled',
        '@"HOME/bin/python" bot main.py --single-cycle --scheduled --env-file .env',
    ],
)
def test_the_same_bot_may_be_started_in_other_words(schedule: Schedule, command: str) -> None:
    assert findings(schedule, service=started(schedule, command)) == []


@pytest.mark.parametrize(
    "command",
    [
        '"HOME/bin/python" /srv/other/main.py --single-cycle --scheduled',
        '/usr/bin/env -i "HOME/bin/python" main.py --single-cycle --scheduled',
        "/usr/bin/env LOG_LEVEL=DEBUG /bin/echo main.py --single-cycle --scheduled",
        '"HOME/bin/python" -c main.py --single-cycle --scheduled',
        '"HOME/bin/python" -c pass --single-cycle --scheduled',
        '"HOME/bin/python" --single-cycle --scheduled',
        '/bin/sh -c "exec HOME/bin/python main.py --single-cycle --scheduled"',
        '/bin/echo "HOME/bin/python" main.py --single-cycle --scheduled',
        "python3 main.py --single-cycle --scheduled",
    ],
)
def test_another_program_is_found(schedule: Schedule, command: str) -> None:
    found = names(findings(schedule, service=started(schedule, command)))

    assert found & {"command-other-program", "command-missing"}


def test_the_main_py_of_another_clone_is_another_bot(schedule: Schedule, tmp_path: Path) -> None:
    other = tmp_path / "main.py"
    other.write_text("")
    command = f'"HOME/bin/python" {other} --single-cycle --scheduled'

    found = names(findings(schedule, service=started(schedule, command)))

    assert found == {"command-other-program"}


def test_what_env_sets_is_judged_as_if_the_unit_set_it(schedule: Schedule) -> None:
    bot = '"HOME/bin/python" main.py --single-cycle --scheduled'
    other = findings(schedule, service=started(schedule, f"/usr/bin/env INSTANCE=other {bot}"))
    secret = findings(
        schedule, service=started(schedule, f"/usr/bin/env SAXO_APP_SECRET=hunter2 {bot} --dry-run")
    )
    elsewhere = started(schedule, "/usr/bin/env SAXO_APP_SECRET=hunter2 /bin/echo")
    gone = started(schedule, '/usr/bin/env A=B "HOME/bin/python" /nowhere/main.py')

    assert names(other) == {"variable-differs"}
    assert "secret-in-unit" in names(secret)
    for finding in (*secret, *findings(schedule, service=elsewhere)):
        assert "hunter2" not in "\n".join(finding.lines())
    assert "command-missing" in names(findings(schedule, service=gone))


def test_a_dry_run_is_approved_when_asked_for_and_its_lack_is_found(schedule: Schedule) -> None:
    dry = dataclasses.replace(schedule, dry_run=True)

    assert findings(dry) == []
    assert names(findings(dry, service=swap(" --dry-run", ""))) == {"command-not-dry-run"}


def test_a_file_that_is_asked_for_must_be_named_by_the_unit(
    schedule: Schedule, tmp_path: Path
) -> None:
    other = tmp_path / "paper.env"
    other.write_text("SAXO_ENV=SIM\nSCHEDULE_CADENCE=5m\n")
    asked = dataclasses.replace(
        schedule,
        program=dataclasses.replace(schedule.program, env_file=other, env_file_given=True),
    )
    without = swap(f" --env-file={other}", "")

    assert findings(asked) == []
    assert findings(asked, service=without) == []
    assert "command-other-env-file" in names(
        findings(asked, service=lambda text: put("EnvironmentFile", None)(without(text)))
    )


def test_the_settings_of_a_file_that_only_the_unit_names_are_compared(
    schedule: Schedule, tmp_path: Path
) -> None:
    other = tmp_path / "paper.env"
    other.write_text("SAXO_ENV=SIM\nSCHEDULE_CADENCE=15m\nLOG_RETENTION_DAYS=9\n")

    found = findings(schedule, service=put("EnvironmentFile", str(other)))

    assert names(found) == {"variable-differs"}
    assert "SCHEDULE_CADENCE is 15m, asked was for the default" in found[0].what


def test_an_instance_that_the_unit_does_not_name_is_found(schedule: Schedule) -> None:
    paper = dataclasses.replace(schedule, instance="paper", variables={"INSTANCE": "paper"})

    assert findings(paper) == []
    assert names(findings(paper, service=put("Environment", None))) == {"variable-differs"}


def test_a_users_unit_may_name_its_home(
    schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = dataclasses.replace(schedule, system=False, user=None)
    texts = render(mine, version=252, now=NOW)
    place = f"{tmp_path}/.config/systemd/user"
    units = [
        (name, texts[name].replace(str(tmp_path), "%h"), f"{place}/{name}")
        for name in (f"{mine.name}.timer", f"{mine.name}.service")
    ]
    assert "%h" in units[1][1]

    assert list(check(mine, [pair_of(units)], version=252, now=NOW)) == []


@pytest.fixture
def installed(schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user's units, who has no systemctl that answers."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "systemd" / "user"
    folder.mkdir(parents=True)
    mine = dataclasses.replace(schedule, system=False, user=None)
    for name, text in render(mine, version=252, now=NOW).items():
        (folder / name).write_text(text)
    return folder


def judged(schedule: Schedule) -> list[Finding]:
    return SCHEDULER.check(dataclasses.replace(schedule, system=False, user=None))


def test_a_systemd_that_cannot_be_asked_is_not_taken_for_one_that_agrees(
    schedule: Schedule, installed: Path
) -> None:
    wants = installed / "timers.target.wants"
    wants.mkdir()
    assert names(judged(schedule)) == {"systemd-not-asked", "timer-not-enabled"}

    (wants / f"{schedule.name}.timer").symlink_to(installed / f"{schedule.name}.timer")
    found = judged(schedule)

    assert names(found) == {"systemd-not-asked"}
    assert "`systemctl --user` does not answer: " in found[0].what
    assert not is_approved(found)


def test_what_is_only_rendered_needs_no_systemd_to_ask(schedule: Schedule) -> None:
    mine = dataclasses.replace(schedule, system=False, user=None)

    assert SCHEDULER.check(mine, rendered=True) == []


@pytest.mark.parametrize(
    "folder", ["service.d", "ai-.service.d", "ai-@.service.d", "ai-@default.service.d"]
)
def test_a_drop_in_for_many_units_counts(schedule: Schedule, installed: Path, folder: str) -> None:
    (installed / folder).mkdir()
    (installed / folder / "a.conf").write_text("[Service]\nTimeoutStartSec=infinity\n")

    assert "service-no-timeout" in names(judged(schedule))


def test_of_two_drop_ins_of_one_name_the_closest_counts(
    schedule: Schedule, installed: Path
) -> None:
    for folder, value in (("service.d", "infinity"), (f"{schedule.name}.service.d", "285s")):
        (installed / folder).mkdir()
        (installed / folder / "a.conf").write_text(f"[Service]\nTimeoutStartSec={value}\n")

    assert "service-no-timeout" not in names(judged(schedule))


def test_every_rule_about_commands_options_and_settings_is_tried() -> None:
    rules = (*rules_command.RULES, *rules_options.RULES, *rules_settings.RULES)
    tried = {rule for rule, _ in [*COMMANDS, *OPTIONS]}

    assert {rule.name for rule in rules} - tried == {"command-not-dry-run"}
