"""Each thing wrong with a crontab is found under its name; what is rendered has none of them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import pytest

from support.program import ROOT
from tradebot.deploy.cron import checks, rules, table
from tradebot.deploy.cron.machine import Machine
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.cron.runbook import BLOCKS
from tradebot.deploy.cron.scheduler import Cron
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.rules import Finding, is_approved
from tradebot.errors import UsageError

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program with folders of the test's own, whose Python is content with everything."""
    (tmp_path / "state/default").mkdir(parents=True)
    (tmp_path / "main.py").touch()
    python = tmp_path / "bin/python3"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return replace(posix_program(str(tmp_path)), python=PurePosixPath(python))


@pytest.fixture
def schedule(program: Program) -> Schedule:
    return example_schedule(EVERY_FIVE_MINUTES, program)


def findings(text: str, schedule: Schedule, zone: ZoneInfo = NEW_YORK) -> list[Finding]:
    return list(checks.check_tables([Table("crontab of bob", text)], schedule, zone, NOW))


def names(found: list[Finding]) -> set[str]:
    return {finding.rule.name for finding in found} - {rules.NO_KILL.name}


@pytest.mark.parametrize(
    ("example", "narrow"),
    [(EVERY_FIVE_MINUTES, False), (WEEKDAY_WINDOW, False), (WEEKDAY_WINDOW, True)],
)
@pytest.mark.parametrize(("cadence", "offset"), [(60.0, 0.0), (480.0, 40.0), (14400.0, 0.0)])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Australia/Lord_Howe"])
def test_what_is_rendered_is_approved(
    program: Program, example: Example, narrow: bool, cadence: float, offset: float, zone: str
) -> None:
    schedule = example_schedule(example, program, narrow=narrow, cadence=cadence)
    schedule = replace(schedule, offset=offset)
    found = findings(table.rendered(schedule, ZoneInfo(zone), NOW), schedule, ZoneInfo(zone))
    assert names(found) == set()
    assert is_approved(found)


def test_cron_itself_has_no_time_out_and_that_is_said(schedule: Schedule) -> None:
    text = table.rendered(schedule, UTC, NOW)
    assert [finding.rule for finding in findings(text, schedule)] == [rules.NO_KILL]
    limited = text.replace("cron.lock ", "cron.lock timeout -k 15 285 ")
    assert findings(limited, schedule) == []


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert re.search(old, text), f"{old} is not in {text}"
        return re.sub(old, lambda _: new, text, count=1)

    return change


def above(line: str) -> Callable[[str], str]:
    return lambda text: f"{line}\n{text}"


def to_the_run(more: str) -> Callable[[str], str]:
    """At the end of the line that starts it."""

    def change(text: str) -> str:
        return re.sub(r"(?m)(--single-cycle.*)$", lambda found: found[1] + more, text, count=1)

    return change


BROKEN: list[tuple[str, Callable[[str], str]]] = [
    ("cron-not-installed", swap(r"(?m)^\*/5.*$", "# nothing")),
    ("cron-not-installed", swap(r"(?m)^\*/5", "#*/5")),
    ("cron-final-newline", lambda text: text.splitlines()[1]),
    ("cron-line-too-long", swap("LOG_", "A=" + "x" * 1000 + " LOG_")),
    ("cron-percent", swap("LOG_CONSOLE_LEVEL=ERROR", "A=$(date +%F) LOG_CONSOLE_LEVEL=ERROR")),
    ("cron-word", swap(r"\*/5 \* \* \* \*", "@hourly")),
    ("cron-word", swap(r"\*/5 \* \* \* \*", "@reboot")),
    ("cron-fixed-hours", swap(r"\*/5 \*", "*/5 0-23")),
    ("cron-fixed-hours", swap(r"\*/5 \*", "*/5 1")),
    ("cron-fixed-hours", swap(r"\*/5 \*", "*/5 2-4")),
    ("cron-slots-missed", swap(r"\*/5 ", "*/10 ")),
    ("cron-slots-missed", swap(r"\* \* \* LOG", "* * 1-5 LOG")),
    ("cron-slots-missed", swap("LOG_", "sleep 200 && LOG_")),
    ("cron-cadence-differs", swap(r"\*/5 ", "* ")),
    ("cron-cadence-differs", swap(r"\*/5 ", "*/3 ")),
    ("cron-time-zone-line", above("CRON_TZ=America/New_York")),
    ("cron-time-zone-line", above("TZ = 'Europe/London'")),
    ("cron-shell", above("SHELL=/usr/bin/fish")),
    ("cron-no-flock", swap(r"/usr/bin/flock -n -o -E 75 \S+ ", "")),
    ("cron-flock-on-run-lock", swap("/default/cron.lock", "/default/LOCAL/run.lock")),
    ("cron-flock-waits", swap("flock -n -o", "flock -o")),
    ("cron-flock-waits", swap("flock -n -o", "flock -w 10 -o")),
    ("cron-flock-inherited", swap("-n -o -E 75", "-nE75")),
    ("cron-flock-code", swap("-n -o -E 75", "-n -o")),
    ("cron-flock-code", swap("-n -o -E 75", "--nonblock --close --conflict-exit-code 1")),
    ("cron-relative-path", swap(r"\S+/main.py", "main.py")),
    ("cron-relative-path", swap(r" \S+/python\S*", " python3")),
    ("cron-program-missing", swap(r"\S+/main.py", "/nowhere/main.py")),
    ("cron-program-missing", swap(r" \S+/python\S* ", " /nowhere/bin/python3 ")),
    ("cron-not-scheduled", swap(" --scheduled", "")),
    ("cron-not-single-cycle", swap(" --single-cycle", "")),
    ("cron-double-jitter", swap("LOG_", r"sleep $((RANDOM \% 15)); LOG_")),
    ("cron-random-in-sh", swap("LOG_", r"sleep $((RANDOM \% 15)); LOG_")),
    ("cron-sources-env", swap("LOG_", ". /opt/ai-tradebot/.env; LOG_")),
    ("cron-sources-env", swap("LOG_", "set -a; source ./.env && LOG_")),
    ("cron-output-lost", to_the_run(" >/dev/null 2>&1")),
    ("cron-output-lost", to_the_run(" 2>/dev/null")),
    ("cron-output-lost", above('MAILTO=""')),
    ("cron-two-lines", lambda text: text + text.splitlines()[1] + "\n"),
    ("cron-line-end", lambda text: text.replace("\n", "\r\n")),
    ("cron-dry-run", swap("--scheduled", "--scheduled --dry-run")),
]


@pytest.mark.parametrize(("name", "change"), BROKEN)
def test_what_is_wrong_is_found(
    schedule: Schedule, name: str, change: Callable[[str], str]
) -> None:
    text = table.rendered(schedule, NEW_YORK, NOW)
    found = findings(change(text), schedule)
    assert name in names(found)
    assert not is_approved(found)
    (first, *_) = [finding for finding in found if finding.rule.name == name]
    assert "bob" in first.what or name in ("cron-slots-missed", "cron-not-installed")


def test_a_python_without_the_packages_is_found(schedule: Schedule, tmp_path: Path) -> None:
    """A link to the same interpreter, but outside the environment that has them."""
    for python, lacks in ((sys.executable, False), (tmp_path / "python3", True)):
        if lacks:
            (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
        there = replace(
            schedule.program, python=PurePosixPath(python), entry=(str(ROOT / "main.py"),)
        )
        mine = replace(schedule, program=there)
        found = findings(table.rendered(mine, NEW_YORK, NOW), mine)
        assert ("cron-wrong-python" in names(found)) == lacks
        assert lacks == any("lacks the package" in finding.what for finding in found)


def test_hours_of_ones_own_are_fine_where_clocks_leave_them_alone(program: Program) -> None:
    schedule = example_schedule(WEEKDAY_WINDOW, program)
    text = table.rendered(schedule, NEW_YORK, NOW).replace("*/5 * * * *", "*/5 9-16 * * 1-5")
    assert names(findings(text, schedule)) == {"cron-login-lost"}
    everywhere = example_schedule(EVERY_FIVE_MINUTES, program)
    whole = table.rendered(everywhere, UTC, NOW).replace("*/5 *", "*/5 0-23")
    assert names(findings(whole, everywhere, ZoneInfo("UTC"))) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("*/15 * * * *", "0 3 * * *"),
        ("tradebot auth keepalive", "echo auth keepalive"),
        ("auth keepalive --env-file=/opt/ai-tradebot/.env", "auth keepalive --env-file=/x.env"),
        ("auth keepalive", "auth status"),
    ],
)
def test_a_line_that_does_not_keep_the_login_is_not_taken_for_one(
    program: Program, old: str, new: str
) -> None:
    hourly = example_schedule(EVERY_FIVE_MINUTES, program, cadence=3600)
    text = table.rendered(hourly, UTC, NOW).replace(str(program.home), "/opt/ai-tradebot")
    hourly = replace(hourly, program=posix_program())
    zone = ZoneInfo("UTC")
    assert "cron-login-lost" not in names(findings(text, hourly, zone))
    assert text.count(old) == 1
    assert "cron-login-lost" in names(findings(text.replace(old, new), hourly, zone))


def test_a_login_that_ends_over_the_weekend_is_found(program: Program) -> None:
    schedule = example_schedule(WEEKDAY_WINDOW, program, narrow=True)
    run, _ = table.rendered(schedule, NEW_YORK, NOW).splitlines()[1:3]
    assert "cron-login-lost" in names(findings(f"{run}\n", schedule))


def test_an_offset_that_the_line_does_not_wait_for_is_found(program: Program) -> None:
    schedule = replace(example_schedule(EVERY_FIVE_MINUTES, program), offset=20.0)
    text = table.rendered(schedule, NEW_YORK, NOW)
    assert names(findings(text, schedule)) == set()
    early = findings(text.replace("sleep 20 && ", ""), schedule)
    assert "cron-slots-missed" in names(early)


@pytest.mark.parametrize(
    "line",
    [
        "*/5 * * * * cd {home} && .venv/bin/python main.py --single-cycle",
        "*/5 * * * * nice -n 5 {home}/.venv/bin/python {home}/main.py --single-cycle",
        "*/5 * * * * /usr/bin/flock -n /tmp/x -c '{home}/.venv/bin/python {home}/main.py'",
        "*/5 * * * * INSTANCE=default {home}/.venv/bin/tradebot run --single-cycle",
        "*/5\t*  * * *\tsleep 5; {home}/.venv/bin/python -m tradebot --scheduled",
        "*/5 * * * * flock -n /tmp/x bash -lc '. ~/.env && {home}/main.py --single-cycle'",
    ],
)
def test_a_line_written_by_hand_is_recognised(line: str) -> None:
    schedule = example_schedule(EVERY_FIVE_MINUTES, posix_program())
    found = findings(line.format(home="/opt/ai-tradebot") + "\n", schedule)
    assert "cron-not-installed" not in names(found)
    assert names(found) & {"cron-not-scheduled", "cron-not-single-cycle"}


@pytest.mark.parametrize(
    "line",
    [
        "*/5 * * * * INSTANCE=paper /opt/ai-tradebot/.venv/bin/python /opt/ai-tradebot/main.py",
        "*/5 * * * * /opt/other/.venv/bin/python /opt/other/main.py --single-cycle",
        "*/5 * * * * /opt/ai-tradebot/.venv/bin/python /opt/ai-tradebot/main.py --env-file=/x",
        "*/5 * * * * grep main.py /var/log/syslog",
        "INSTANCE=paper\n*/5 * * * * /opt/ai-tradebot/.venv/bin/python /opt/ai-tradebot/main.py",
        "*/5 * * * * /opt/ai-tradebot/.venv/bin/tradebot auth keepalive",
        "*/5 * * * * echo 'torn",
    ],
)
def test_a_line_of_another_bot_is_left_alone(line: str) -> None:
    schedule = example_schedule(EVERY_FIVE_MINUTES, posix_program())
    assert names(findings(f"{line}\n", schedule)) == {"cron-not-installed"}


def test_a_line_in_two_crontabs_is_found_with_both_places(schedule: Schedule) -> None:
    text = table.rendered(schedule, NEW_YORK, NOW)
    system = table.rendered(schedule, NEW_YORK, NOW, "bob")
    both = [Table("crontab of bob", text), Table("/etc/cron.d/x", system, system=True)]
    found = list(checks.check_tables(both, schedule, NEW_YORK, NOW))
    (two,) = [finding for finding in found if finding.rule is rules.TWO_LINES]
    assert two.what == "crontab of bob line 2, /etc/cron.d/x line 2"


def test_a_file_that_cron_would_not_read_is_found(tmp_path: Path) -> None:
    good, dotted = tmp_path / "ai-tradebot-default", tmp_path / "ai-tradebot.default"
    for path in (good, dotted):
        path.write_text("")
        path.chmod(0o644)
    mine = [] if os.geteuid() == 0 else ["cron-file-ignored"]
    assert [finding.rule.name for finding in checks.check_file(good)] == mine
    assert "letters" in next(checks.check_file(dotted)).what
    good.chmod(0o664)
    assert "644" in list(checks.check_file(good))[-1].what


def test_an_env_file_for_everybody_is_found(schedule: Schedule) -> None:
    path = Path(str(schedule.program.env_file))
    path.write_text("")
    path.chmod(0o640)
    assert list(checks.check_env_file(schedule)) == []
    path.chmod(0o644)
    assert [finding.rule.name for finding in checks.check_env_file(schedule)] == [
        "cron-env-file-readable"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look at it as another user would")
def test_an_env_file_that_the_bots_user_cannot_read_is_found(schedule: Schedule) -> None:
    path = Path(str(schedule.program.env_file))
    path.write_text("")
    path.chmod(0o600)
    assert list(checks.check_env_file(schedule)) == []
    (found,) = checks.check_env_file(replace(schedule, user="nobody"))
    assert found.rule is rules.ENV_UNREADABLE


def test_folders_that_the_user_cannot_write_are_found(schedule: Schedule, tmp_path: Path) -> None:
    assert list(checks.check_folders(schedule, installed=True)) == []
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        found = list(checks.check_folders(replace(schedule, user="nobody"), installed=True))
        assert {finding.rule for finding in found} == {rules.NOT_WRITABLE}
        assert "nobody cannot write" in found[0].what
    missing = list(checks.check_folders(replace(schedule, user="not-there"), installed=True))
    assert "there is no user not-there" in missing[0].what


def test_a_lock_without_its_folder_is_found_once_installed(schedule: Schedule) -> None:
    fresh = replace(schedule, instance="fresh")
    assert list(checks.check_folders(fresh, installed=False)) == []
    (found,) = checks.check_folders(fresh, installed=True)
    assert found.rule is rules.NOT_WRITABLE
    assert "flock does not make it" in found.what


def machine(root: Path, *, daemon: bool, mailer: bool) -> Machine:
    """A machine's files, as many as are looked at."""
    (root / "etc/cron.d").mkdir(parents=True)
    (root / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/London")
    if daemon:
        (root / "proc/42").mkdir(parents=True)
        (root / "proc/42/status").write_text("Name:\tcron\nUid:\t0\t0\t0\t0\nNSpid:\t42\n")
        (root / "proc/self").mkdir()
        (root / "proc/self/status").write_text("NSpid:\t43\n")
        (root / "proc/42/environ").write_bytes(b"A=b\0TZ=America/New_York\0")
    if mailer:
        (root / "usr/sbin").mkdir(parents=True)
        (root / "usr/sbin/sendmail").touch()
    return Machine(root)


def test_the_machine_is_looked_at_too(schedule: Schedule, tmp_path: Path) -> None:
    there = machine(tmp_path / "there", daemon=True, mailer=True)
    assert {str(there.zone()), there.daemon()} == {"America/New_York", 42}
    assert names(Cron(there).check(schedule, rendered=True)) == set()
    bare = machine(tmp_path / "bare", daemon=False, mailer=False)
    assert str(bare.zone()) == "Europe/London"
    assert names(Cron(bare).check(schedule, rendered=True)) == {"cron-no-mail"}


def test_wake_ups_are_told_in_utc_with_the_rest_of_the_minute(
    schedule: Schedule, tmp_path: Path
) -> None:
    cron = Cron(machine(tmp_path / "there", daemon=True, mailer=True))
    late = replace(schedule, offset=80.0)
    since = datetime(2026, 11, 1, 5, 56, 20, tzinfo=UTC)  # New York's second one o'clock is near
    coming = islice(cron.wakeups(late, since, rendered=True), 3)
    assert [f"{at:%H:%M:%S%z}" for at in coming] == [
        "05:56:20+0000",
        "06:01:20+0000",
        "06:06:20+0000",
    ]


def test_a_cadence_that_cron_cannot_keep_is_said_to_be_one(
    schedule: Schedule, tmp_path: Path
) -> None:
    cron = Cron(machine(tmp_path / "there", daemon=True, mailer=True))
    quick = replace(schedule, cadence=30.0)
    with pytest.raises(UsageError, match="SCHEDULE_CADENCE"):
        cron.check(quick, rendered=True)
    with pytest.raises(UsageError, match="SCHEDULE_CADENCE"):
        next(cron.wakeups(quick, NOW, rendered=True))


def test_an_enabled_timer_of_the_same_name_is_found(schedule: Schedule, tmp_path: Path) -> None:
    there = machine(tmp_path / "there", daemon=True, mailer=True)
    wants = there.root / "etc/systemd/system/timers.target.wants"
    wants.mkdir(parents=True)
    (wants / "ai-tradebot@other.timer").symlink_to("/nowhere")
    assert names(Cron(there).check(schedule, rendered=True)) == set()
    (wants / "ai-tradebot@default.timer").symlink_to("/nowhere")
    assert names(Cron(there).check(schedule, rendered=True)) == {"cron-beside-systemd"}


def test_every_rule_is_in_the_runbook_and_has_a_name_of_its_own() -> None:
    page = BLOCKS["cron-findings"]()
    assert all(f"`{rule.name}`" in page for rule in rules.RULES)
    assert len({rule.name for rule in rules.RULES}) == len(rules.RULES)
