"""Lines that start the bot in time and are wrong all the same; and good ones written otherwise."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import pytest

from tradebot.deploy.cron import checks
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Severity

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
FLOCK = "/usr/bin/flock -n -o -E 75 {home}/state/default/cron.lock "
RUN = "{home}/bin/python3 {home}/main.py --single-cycle --scheduled"
GOOD = FLOCK + RUN
SECRET = "hunter2hunter2"


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    """A bot in a folder of the test's own, whose Python is content with everything."""
    python = tmp_path / "bin/python3"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    for name in ("main.py", "bin/tradebot"):
        (tmp_path / name).touch()
    program = replace(posix_program(str(tmp_path)), python=PurePosixPath(python))
    return example_schedule(EVERY_FIVE_MINUTES, program, cadence=900)


def findings(command: str, schedule: Schedule, above: str = "") -> list[Finding]:
    """Every quarter of an hour, between our markers."""
    home = str(schedule.program.home)
    text = (
        f"{above}# BEGIN ai-tradebot@default\n*/15 * * * * {command}\n# END ai-tradebot@default\n"
    )
    table = Table("crontab of bob", text.replace("{home}", home))
    return list(checks.check_tables([table], schedule, ZoneInfo("UTC"), NOW))


def names(found: list[Finding]) -> set[str]:
    return {f.rule.name for f in found if f.rule.severity is not Severity.NOTE}


APPROVED = [
    GOOD,
    "cd {home} && exec /usr/bin/flock -n -o -E 75 state/cron.lock bin/python3 main.py "
    "--single-cycle --scheduled",
    "cd {home} || exit 1; " + GOOD,
    FLOCK + "sh -c 'cd {home} && exec bin/python3 -u main.py --single-cycle --scheduled'",
    "nice -n 5 timeout -k 15 -s TERM 765 " + GOOD,
    "timeout 20m " + GOOD,
    "timeout 0 " + GOOD,
    "export LOG_LEVEL=DEBUG; mkdir -p /tmp/x && " + GOOD,
    "echo begins; " + GOOD + " >>/tmp/out 2>&1 || true; echo ends",
    "{ " + GOOD + " 2>&1; } | logger -t bot",
    "INSTANCE=default DRY_RUN=false SCHEDULE_CADENCE=300 " + GOOD,
    "STATE_DIR={home}/state " + GOOD,
    "SAXO_APP_SECRET=$(cat /etc/secret) " + GOOD,
    GOOD + " --env-file={home}/.env",
    FLOCK + "{home}/bin/tradebot run --single-cycle --scheduled",
]


@pytest.mark.parametrize("command", APPROVED)
def test_a_good_line_written_otherwise_is_approved(schedule: Schedule, command: str) -> None:
    assert names(findings(command, schedule)) == set()


REFUSED = [
    ("cron-second-start", GOOD + "; {home}/bin/python3 -u {home}/main.py --single-cycle"),
    ("cron-not-scheduled", GOOD + "; {home}/bin/python3 -u {home}/main.py --single-cycle"),
    ("cron-second-start", GOOD + " || " + GOOD),
    ("cron-second-start", FLOCK + "bash -c '" + RUN + "; " + RUN + "'"),
    ("cron-flock-shared", GOOD.replace("-n", "-s -n")),
    ("cron-flock-shared", GOOD.replace("-n", "--shared -n")),
    ("cron-flock-shared", GOOD.replace("-n", "-un")),
    ("cron-timeout-short", "timeout 5 " + GOOD),
    ("cron-timeout-short", FLOCK + "timeout -s KILL 12m " + RUN),
    ("cron-runs-only-if", "false && " + GOOD),
    ("cron-runs-only-if", "test -f /there && cd {home} && " + GOOD),
    ("cron-runs-only-if", '[ "$(date +\\%u)" -gt 5 ] || ' + GOOD),
    ("cron-runs-only-if", "true || " + GOOD),
    ("cron-runs-only-if", "if test -f /there; then " + GOOD + "; fi"),
    ("cron-runs-only-if", "test -f /there || exit 0; " + GOOD),
    ("cron-runs-only-if", "if [ -f /there ]; then exit; fi; " + GOOD),
    ("cron-runs-only-if", "false && ( cd {home}; " + GOOD + " )"),
    ("cron-runs-only-if", "false && { cd {home}; " + GOOD + "; }"),
    ("cron-runs-only-if", "sh -c 'test -f /there && " + GOOD + "'"),
    ("cron-settings-differ", "INSTANCE=other " + GOOD),
    ("cron-settings-differ", "env STATE_DIR=/elsewhere " + GOOD),
    ("cron-settings-differ", "export SCHEDULE_CADENCE=1h; " + GOOD),
    ("cron-settings-differ", "DRY_RUN=true " + GOOD),
    ("cron-settings-differ", "SCHEDULE_CADENCE=often " + GOOD),
    ("cron-settings-differ", GOOD + " --env-file=/etc/other.env"),
    ("cron-dry-run", GOOD + " --dry-run"),
    ("cron-other-program", GOOD.replace("{home}/main.py", "/opt/another/main.py")),
    ("cron-other-program", FLOCK + "/opt/another/bin/tradebot run --single-cycle --scheduled"),
    ("cron-secret", f"SAXO_APP_SECRET={SECRET} " + GOOD),
    ("cron-secret", f"env SAXO_ACCESS_TOKEN='{SECRET}' " + GOOD),
    ("cron-secret", FLOCK + f'sh -c "SAXO_APP_KEY={SECRET} ' + RUN + '"'),
]


@pytest.mark.parametrize(("name", "command"), REFUSED)
def test_a_line_that_looks_right_is_found_out(schedule: Schedule, name: str, command: str) -> None:
    found = findings(command, schedule)
    assert name in names(found), found
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("cron-settings-differ", "INSTANCE=other"),
        ("cron-settings-differ", "DRY_RUN = 'true'"),
        ("cron-settings-differ", "LOG_DIR=/elsewhere"),
        ("cron-secret", f"SAXO_APP_SECRET={SECRET}"),
    ],
)
def test_a_setting_above_the_line_counts_too(schedule: Schedule, name: str, setting: str) -> None:
    found = findings(GOOD, schedule, f"{setting}\n")
    assert names(found) == {name}
    assert SECRET not in str(found)


def test_what_is_in_the_env_file_does_not_differ(schedule: Schedule) -> None:
    line = "SCHEDULE_CADENCE=1h " + GOOD
    Path(str(schedule.program.env_file)).write_text("SCHEDULE_CADENCE=60m\n")
    assert names(findings(line, schedule)) == set()
    Path(str(schedule.program.env_file)).write_text("SCHEDULE_CADENCE=30m\n")
    assert names(findings(line, schedule)) == {"cron-settings-differ"}


def test_a_dry_run_that_is_asked_about_is_no_finding_and_a_real_one_then_is(
    schedule: Schedule,
) -> None:
    asked = replace(schedule, dry_run=True)
    assert names(findings(GOOD + " --dry-run", asked)) == set()
    assert names(findings(GOOD, asked)) == {"cron-settings-differ"}


@pytest.mark.parametrize(
    "job",
    [
        "python3 ~/heating/main.py >>~/heating.log",
        "python3 $HOME/heating/main.py --scheduled",
        "cd heating && python3 main.py",
        "/usr/bin/python3 -m tradebot --single-cycle",
        "python3 heating/main.py",
    ],
)
def test_another_main_py_is_not_ours(schedule: Schedule, job: str) -> None:
    """Not even where the bot's own folder is called like the start of its path."""
    text = f"INSTANCE=default\n0 4 * * * {job}\n*/15 * * * * {GOOD}\n"
    table = Table("crontab of bob", text.replace("{home}", str(schedule.program.home)))
    found = list(checks.check_tables([table], schedule, ZoneInfo("UTC"), NOW))
    assert names(found) == set()


@pytest.mark.parametrize(
    "run",
    [
        "~/bin/python3 ~/main.py",
        "$HOME/bin/python3 ${HOME}/main.py",
        "cd ~ && bin/python3 main.py",
        "sh -c 'cd $HOME; exec bin/python3 main.py'",
    ],
)
def test_a_path_from_the_users_home_is_ours(schedule: Schedule, run: str) -> None:
    """Without markers; HOME as the crontab has it."""
    home = str(schedule.program.home)
    text = f"HOME={home}\n*/15 * * * * {run} --single-cycle\n"
    found = list(checks.check_tables([Table("c", text)], schedule, ZoneInfo("UTC"), NOW))
    assert "cron-not-scheduled" in names(found)
    assert "cron-program-missing" not in names(found)


def _who_runs(folder: Path) -> tuple[str, Path]:
    """A Python that notes which user it runs as."""
    note = folder / "note"
    note.touch()
    note.chmod(0o666)
    return f"#!/bin/sh\nid -u >>{note}\n", note


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could run another user's program as root")
@pytest.mark.parametrize("system", [True, False])
def test_root_asks_a_program_only_as_the_user_who_runs_it(system: bool) -> None:
    """A folder of its own: nobody may not enter the usual one."""
    home = Path(tempfile.mkdtemp())
    try:
        home.chmod(0o755)
        python, note = home / "python3", home / "note"
        text, note = _who_runs(home)
        python.write_text(text)
        python.chmod(0o755)
        (home / "main.py").touch()
        program = replace(posix_program(str(home)), python=PurePosixPath(python))
        mine = example_schedule(
            EVERY_FIVE_MINUTES, program, user="nobody", system=system, cadence=900
        )
        user = "nobody " if system else ""
        line = f"*/15 * * * * {user}{python} {home}/main.py --single-cycle --scheduled\n"
        table = Table("/etc/cron.d/x", line, system, None if system else "nobody")
        assert "cron-no-flock" in names(
            list(checks.check_tables([table], mine, ZoneInfo("UTC"), NOW))
        )
        seen = set(note.read_text().split())
    finally:
        shutil.rmtree(home)
    import pwd

    assert seen == {str(pwd.getpwnam("nobody").pw_uid)}


def test_a_strangers_program_is_not_even_asked(schedule: Schedule, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    text, note = _who_runs(other)
    (other / "python3").write_text(text)
    (other / "python3").chmod(0o755)
    (other / "main.py").touch()
    command = f"{other}/python3 {other}/main.py --single-cycle --scheduled"
    assert "cron-other-program" in names(findings(command, schedule))
    assert note.read_text() == ""
    found = findings(command.replace(f"{other}/main", "{home}/main"), schedule)
    assert "cron-other-program" not in names(found)
    assert note.read_text() != ""
