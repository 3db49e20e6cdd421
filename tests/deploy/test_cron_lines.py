"""The schedule as a crontab's lines: every slot has its minute, every word arrives as it is."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.deploy.cron import table, times
from tradebot.deploy.cron.invocation import invocations
from tradebot.deploy.cron.parsed import Job, Table
from tradebot.deploy.cron.quoting import passed_on, quote
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Schedule
from tradebot.errors import UsageError
from tradebot.scheduling.hours import open_intervals
from tradebot.scheduling.slots import first_slot_after

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
ZONES = ("UTC", "America/New_York", "Europe/London", "Asia/Tokyo", "Asia/Kathmandu", "Asia/Kolkata",
         "Australia/Lord_Howe")  # fmt: skip
HOSTILE = ("a b", "it's", 'say "x"', "50%", "%", "tab\\%le", "back\\slash", "two\\\\", "$HOME",
           "`id`", "æøå ☂", "a;b", "-x", "#", "*", "\\", "!", "a&b|c>d")  # fmt: skip


def jobs(schedule: Schedule, zone: str = "UTC") -> list[Job]:
    text = table.rendered(schedule, ZoneInfo(zone), NOW)
    return list(Table("crontab", text).jobs())


def example(**changes: object) -> Schedule:
    return replace(example_schedule(EVERY_FIVE_MINUTES, posix_program()), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("cadence", "offset"),
    [(60, 0), (300, 0), (300, 80), (480, 20), (900, 0), (3600, 600), (5400, 0), (14400, 0),
     (86400, 3600)],
)  # fmt: skip
def test_every_slot_has_a_start_at_its_very_beginning(
    zone: str, cadence: float, offset: float
) -> None:
    """Over the autumn night of New York, London and Lord Howe, and the days around it."""
    job = jobs(example(cadence=float(cadence), offset=float(offset)), zone)[0]
    [found] = invocations(job.command)
    # Two days around a change of each zone: the first week of October, and the last and November's.
    for begin in (datetime(2026, 10, 3, 8, tzinfo=UTC), datetime(2026, 10, 31, 8, tzinfo=UTC),
                  datetime(2026, 10, 24, 8, tzinfo=UTC)):  # fmt: skip
        end = begin + timedelta(days=1, hours=6)
        started = set(
            takewhile(
                lambda at, end=end: at < end,  # type: ignore[misc]
                times.wakeups([(job, found.delay)], begin, ZoneInfo(zone)),
            )
        )
        slot = first_slot_after(begin, cadence, offset)
        while slot < end:
            assert slot in started
            slot += timedelta(seconds=cadence)


def test_hours_are_named_only_where_no_clock_ever_changes() -> None:
    daily = example(cadence=14400.0)
    assert jobs(daily, "Asia/Tokyo")[0].fields == "0 1-23/4 * * *"
    assert jobs(daily, "Europe/London")[0].fields == "0 * * * *"
    assert jobs(example(), "Europe/London")[0].fields == "*/5 * * * *"


def test_a_narrow_schedule_names_the_days_as_the_daemon_counts_them() -> None:
    narrow = example_schedule(WEEKDAY_WINDOW, posix_program(), narrow=True)
    days = {zone: jobs(narrow, zone)[0].fields.split()[4] for zone in ZONES}
    assert days["UTC"] == days["America/New_York"] == days["Europe/London"] == "1-5"
    assert days["Asia/Tokyo"] == "1-6"
    assert days["Australia/Lord_Howe"] == "2-6"


@pytest.mark.parametrize("zone", ZONES)
def test_a_narrow_schedule_leaves_out_no_slot_of_the_window(zone: str) -> None:
    schedule = example_schedule(WEEKDAY_WINDOW, posix_program(), narrow=True, cadence=900)
    until = NOW + timedelta(days=21)
    started = set(
        takewhile(
            lambda at: at < until,
            times.wakeups([(jobs(schedule, zone)[0], 0.0)], NOW, ZoneInfo(zone)),
        )
    )
    slot = first_slot_after(NOW, 900)
    window = list(open_intervals(NOW, until, schedule.hours))
    wanted = set()
    while slot < until:
        if any(begin <= slot < end for begin, end in window):
            wanted.add(slot)
        slot += timedelta(minutes=15)
    assert len(wanted) > 300
    assert wanted <= started
    assert len(started) < 21 * 96  # narrower than the whole week


def test_the_rest_of_a_minute_is_slept_before_the_run() -> None:
    (job,) = jobs(example(offset=80.0))
    assert job.fields == "1-59/5 * * * *"
    assert job.command.startswith("sleep 20 && ")
    assert jobs(example(offset=60.0))[0].command.startswith("LOG_CONSOLE_LEVEL=")
    # A part of a second is rounded up: early would be the slot before.
    assert jobs(example(offset=19.5))[0].command.startswith("sleep 20 && ")


@pytest.mark.parametrize("cadence", [1.0, 30.0, 90.0, 150.0])
def test_what_is_no_whole_number_of_minutes_is_refused_with_advice(cadence: float) -> None:
    with pytest.raises(UsageError, match=r"SCHEDULE_CADENCE: .* systemd"):
        jobs(example(cadence=cadence))


def test_a_line_for_the_login_comes_with_pauses_and_has_a_lock_of_its_own() -> None:
    assert len(jobs(example())) == 1
    run, keepalive = jobs(example_schedule(WEEKDAY_WINDOW, posix_program(), narrow=True))
    assert keepalive.fields == "*/15 * * * *"
    assert " /opt/ai-tradebot/.venv/bin/tradebot auth keepalive" in keepalive.command
    assert "/cron.lock " in run.command
    assert "/cron-keepalive.lock " in keepalive.command


def test_the_lock_is_never_the_bots_own() -> None:
    (job,) = jobs(example(instance="paper"))
    assert "-n -o -E 75 /opt/ai-tradebot/state/paper/cron.lock " in job.command
    assert "run.lock" not in job.command


def test_variables_and_an_env_file_of_ones_own_are_in_the_line() -> None:
    program = replace(
        posix_program(), env_file=posix_program().home / "my %.env", env_file_given=True
    )
    (job,) = jobs(example(program=program, variables={"INSTANCE": "paper"}, dry_run=True))
    assert job.command.startswith("INSTANCE=paper LOG_CONSOLE_LEVEL=ERROR /usr/bin/flock ")
    assert job.command.endswith("--dry-run '--env-file=/opt/ai-tradebot/my \\%.env'")


@pytest.mark.parametrize("word", HOSTILE)
def test_a_word_arrives_through_cron_and_sh_as_it_was(word: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = passed_on(f"printf '\\%s' {quote(word)}")
    assert not command.is_cut
    done = subprocess.run(["/bin/sh", "-c", command.command], capture_output=True, timeout=30)
    out.write_bytes(done.stdout)
    assert out.read_text(encoding="utf-8") == word


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab\\%'\" $"), max_size=12))
def test_no_two_backslashes_stand_together(word: str) -> None:
    """Some crons make one of two, some do not: what both leave alone is right for both."""
    written = quote(word)
    assert "\\\\" not in written
    assert not passed_on(written).is_cut


@pytest.mark.parametrize("folder", ["a\nb", "a\rb", "a\tb", "a\x7fb", "a\udc80b"])
def test_what_no_line_can_hold_is_refused(folder: str) -> None:
    with pytest.raises(UsageError, match="rename"):
        jobs(example(program=posix_program(f"/opt/{folder}")))


def test_a_whole_path_of_hostile_folders_stays_one_word_each() -> None:
    home = "/srv/" + " ".join(HOSTILE)
    (job,) = jobs(example(program=posix_program(home)))
    [found] = invocations(job.command)
    assert not found.is_cut
    assert found.python == f"{home}/.venv/bin/python"
    assert found.entry == (f"{home}/main.py",)
    assert found.locks[0].file == f"{home}/state/default/cron.lock"
