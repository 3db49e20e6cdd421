"""What systemd's journal tells about a gap: the timer stood still, the machine was off, a kill.

Here `journalctl` prints entries that a real one has printed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program
from tradebot.deploy.systemd.scheduler import SCHEDULER

SCHEDULE = example_schedule(EVERY_FIVE_MINUTES, posix_program(), user="tradebot", system=True)
SINCE = datetime(2026, 11, 22, 20, tzinfo=UTC)
UNTIL = datetime(2026, 11, 22, 23, tzinfo=UTC)
TIMER, SERVICE = f"{SCHEDULE.name}.timer", f"{SCHEDULE.name}.service"
STARTED = "39f53479d3a045ac8e11786248231fbf"
STOPPED = "9d1aaa27d60140bd96365438aad20286"
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
SLEEPS = "6bbd95ee977941e497c48be27c254128"
WAKES = "8811e6df2a8e40f58a94cea26f8ebf14"
ONE_BOOT = " 0 bf9b0ae0a0b84ad8 Sun 2026-11-22 09:00:00 UTC\N{EM DASH}Sun 2026-11-22 23:30:00 UTC\n"
Journal = Callable[..., list[tuple[datetime, datetime, str]]]

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")


def at(minute: int, message: str, **fields: str) -> str:
    moment = SINCE + timedelta(minutes=minute)
    stamp = str(round(moment.timestamp() * 1e6))
    return json.dumps({"__REALTIME_TIMESTAMP": stamp, "MESSAGE_ID": message, **fields})


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Asks for the record of these entries: (begin, end, text) each."""

    def ask(
        *entries: str, boots: str = ONE_BOOT, complaint: str = "", shown: str = ""
    ) -> list[tuple[datetime, datetime, str]]:
        scripts = {
            "journalctl": 'case "$*" in *list-boots*) cat boots ;; *) cat entries; cat said >&2 ;; '
            "esac; [ -s entries ]",
            "systemctl": "cat shown",
        }
        contents = {
            "boots": boots, "entries": "".join(f"{line}\n" for line in entries),
            "said": complaint, "shown": shown,
        }  # fmt: skip
        for name, text in contents.items():
            (tmp_path / name).write_text(text)
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return [(r.begin, r.end, r.text) for r in SCHEDULER.record(SCHEDULE, SINCE, UNTIL)]

    return ask


def minute(count: int) -> datetime:
    return SINCE + timedelta(minutes=count)


def test_a_quiet_time_has_no_remarks(journal: Journal) -> None:
    assert journal(shown="ActiveState=active\n") == []


def test_a_timer_that_was_stopped_for_a_while(journal: Journal) -> None:
    found = journal(at(10, STOPPED, UNIT=TIMER), at(25, STARTED, UNIT=TIMER))

    assert found == [(minute(10), minute(25), f"{TIMER} was stopped")]


def test_a_timer_that_was_only_started_later(journal: Journal) -> None:
    assert journal(at(25, STARTED, UNIT=TIMER)) == [(SINCE, minute(25), f"{TIMER} was stopped")]


def test_a_timer_that_is_still_stopped(journal: Journal) -> None:
    assert journal(at(10, STOPPED, UNIT=TIMER)) == [(minute(10), UNTIL, f"{TIMER} was stopped")]


def test_a_timer_that_was_stopped_long_before(journal: Journal) -> None:
    shown = "ActiveState=inactive\nInactiveEnterTimestamp=Sat 2026-11-21 08:00:00 UTC\n"

    assert journal(shown=shown) == [(SINCE, UNTIL, f"{TIMER} is stopped")]


@pytest.mark.parametrize(
    ("result", "word"),
    [("timeout", "TimeoutStartSec"), ("oom-kill", "memory"), ("resources", "could not be started")],
)
def test_a_run_that_systemd_ended_or_could_not_start(
    journal: Journal, result: str, word: str
) -> None:
    ((begin, end, text),) = journal(at(7, FAILED, UNIT=SERVICE, UNIT_RESULT=result))

    assert begin == end == minute(7)
    assert word in text


def test_a_program_that_was_not_there(journal: Journal) -> None:
    message = "Main process exited, code=exited, status=203/EXEC"
    entry = at(5, EXITED, UNIT=SERVICE, EXIT_CODE="exited", EXIT_STATUS="203", MESSAGE=message)

    assert journal(entry) == [(minute(5), minute(5), "a run could not be started: status=203/EXEC")]


def test_an_exit_code_of_the_bots_own_is_its_journals_business(journal: Journal) -> None:
    exited = at(5, EXITED, UNIT=SERVICE, EXIT_CODE="exited", EXIT_STATUS="69")

    assert journal(exited, at(5, FAILED, UNIT=SERVICE, UNIT_RESULT="exit-code")) == []


def test_a_machine_that_slept(journal: Journal) -> None:
    found = journal(at(30, SLEEPS), at(90, WAKES))

    assert found == [(minute(30), minute(90), "the machine was asleep")]


@pytest.mark.parametrize("gap", ["\N{EM DASH}", " "], ids=["before-254", "since-254"])
def test_a_machine_that_was_off(journal: Journal, gap: str) -> None:
    boots = (
        "IDX BOOT ID FIRST ENTRY LAST ENTRY\n"
        f"-1 aa Sun 2026-11-22 09:00:00 UTC{gap}Sun 2026-11-22 20:30:00 UTC\n"
        f" 0 bb Sun 2026-11-22 21:00:00 UTC{gap}Sun 2026-11-22 23:30:00 UTC\n"
    )

    assert journal(boots=boots) == [(minute(30), minute(60), "the machine was off")]


def test_a_journal_that_does_not_reach_back_says_so(journal: Journal) -> None:
    boots = " 0 bb Sun 2026-11-22 21:00:00 UTC\N{EM DASH}Sun 2026-11-22 23:30:00 UTC\n"

    ((begin, end, text),) = journal(boots=boots)
    assert (begin, end) == (SINCE, minute(60))
    assert "does not reach back" in text


@pytest.mark.parametrize(
    "hint",
    [
        "Hint: You are currently not seeing messages from other users and the system.",
        "Hint: You are currently not seeing messages from the system.\n"
        "No journal files were opened due to insufficient permissions.",
    ],
)
def test_a_user_who_may_not_read_the_journal_is_told_how(journal: Journal, hint: str) -> None:
    ((_, _, text),) = journal(complaint=hint)
    assert "systemd-journal" in text


def test_without_a_journal_there_is_no_record(journal: Journal) -> None:
    ((_, _, text),) = journal(complaint="No journal files were found.", boots="")

    assert text == "no record: there is no journal on this machine"
