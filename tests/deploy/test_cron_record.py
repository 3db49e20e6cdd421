"""What cron's own record says, and when the machine was off."""

from __future__ import annotations

import json
import shutil
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tradebot.deploy.cron.machine import Machine
from tradebot.deploy.cron.record import remarks
from tradebot.deploy.cron.runbook import lines_of
from tradebot.deploy.cron.syslog_lines import from_file, from_journal
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program

SCHEDULE = example_schedule(EVERY_FIVE_MINUTES, posix_program())
COMMAND = lines_of(SCHEDULE).splitlines()[1].split(maxsplit=5)[5]
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine in New York."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/America/New_York")
    (tmp_path / "var/log").mkdir(parents=True)
    return Machine(tmp_path)


def said(machine: Machine) -> list[str]:
    return [
        f"{remark.begin:%H:%M:%S} {remark.text}"
        for remark in remarks(machine, SCHEDULE, SINCE, UNTIL)
    ]


def test_starts_and_failures_are_read_from_syslog(machine: Machine) -> None:
    (machine.root / "var/log/syslog").write_text(
        "Jan  1 07:00:00 host cron[1]: (CRON) INFO (pidfile fd = 3)\n"
        f"Jan  1 07:05:01 host CRON[26]: (root) CMD ({COMMAND})\n"
        "Jan  1 07:05:01 host CRON[27]: (root) CMD (something else)\n"
        "Jan  1 07:05:02 host CRON[24]: (CRON) error (grandchild #26 failed with exit status 75)\n"
        "Jan  1 07:05:02 host CRON[25]: (CRON) error (grandchild #27 failed with exit status 1)\n"
        "Jan  1 07:06:00 host sshd[3]: not ours\n"
        "Jan  1 19:00:00 host CRON[28]: (root) CMD (on the next day, in UTC)\n"
    )
    assert said(machine) == [
        "12:00:00 the cron daemon was started",
        "12:05:01 cron started it (pid 26)",
        "12:05:02 cron: pid 26 failed with exit status 75",
    ]


def test_the_newer_form_of_a_time_is_read_and_nothing_is_said_twice(machine: Machine) -> None:
    line = f"2026-01-01T13:05:01.25+01:00 host CROND[26]: (root) CMD ({COMMAND})\n"
    (machine.root / "var/log/syslog").write_text(line)
    (machine.root / "var/log/cron").write_text(line)
    (machine.root / "var/log/cron.1").write_bytes(b"\xff\xfe torn\n")
    assert said(machine) == ["12:05:01 cron started it (pid 26)"]


def test_another_instance_in_the_same_folder_is_told_apart(machine: Machine) -> None:
    other = COMMAND.replace("/default/", "/paper/")
    (machine.root / "var/log/cron").write_text(
        f"2026-01-01T12:05:01Z host CROND[26]: (root) CMD ({other})\n"
    )
    assert said(machine) == []


def test_a_line_by_hand_is_known_by_its_program(machine: Machine) -> None:
    (machine.root / "var/log/cron").write_text(
        "2026-01-01T12:05:01Z host CROND[26]: (bob) CMD (python3 /opt/ai-tradebot/main.py)\n"
        "2026-01-01T12:05:01Z host CROND[27]: (bob) CMD (python3 /opt/other/main.py)\n"
    )
    assert said(machine) == ["12:05:01 cron started it (pid 26)"]


def test_where_there_is_no_record_nothing_is_said(machine: Machine) -> None:
    assert said(machine) == []


def test_a_time_without_a_year_is_of_the_year_that_it_can_be() -> None:
    lines = [f"{stamp} h cron[1]: x" for stamp in ("Dec 31 23:00:00", "Jan  1 01:00:00")]
    until = datetime(2026, 1, 1, 12, tzinfo=UTC)
    found = [entry.at for entry in from_file(lines, ZoneInfo("Europe/Berlin"), until)]
    assert found == [datetime(2025, 12, 31, 22, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]


def test_the_journals_objects_are_read_and_torn_ones_left_out() -> None:
    whole = {
        "__REALTIME_TIMESTAMP": "1767268800000000",
        "MESSAGE": f"(root) CMD ({COMMAND})",
        "SYSLOG_IDENTIFIER": "CRON",
        "_PID": "26",
    }
    binary = {**whole, "MESSAGE": [1, 2, 3]}
    text = "\n".join([json.dumps(whole), json.dumps(binary), '{"MESSAGE": ', "[]"])
    (entry,) = from_journal(text)
    assert (entry.at, entry.pid) == (datetime(2026, 1, 1, 12, tzinfo=UTC), 26)
    assert COMMAND in entry.text


@pytest.mark.skipif(shutil.which("last") is None, reason="no `last` on this machine")
def test_the_time_that_the_machine_was_off_is_known(machine: Machine) -> None:
    def record(kind: int, user: bytes, at: datetime) -> bytes:
        """One of utmp's records: a boot, or (as a user of its own) the end of one."""
        layout = "hi32s4s32s256shhiii4i20s"
        when = int(at.timestamp())
        return struct.pack(
            layout, kind, 0, b"~", b"~~", user, b"6.1", 0, 0, 0, when, 0, *[0] * 4, b""
        )

    hour = timedelta(hours=1)
    (machine.root / "var/log/wtmp").write_bytes(
        record(2, b"reboot", SINCE - hour)
        + record(1, b"shutdown", SINCE + 3 * hour)
        + record(2, b"reboot", SINCE + 5 * hour)
    )
    (off,) = remarks(machine, SCHEDULE, SINCE, UNTIL)
    assert off.text == "the machine was off"
    assert (off.begin, off.end) == (SINCE + 3 * hour, SINCE + 5 * hour)
    assert remarks(machine, SCHEDULE, SINCE + 6 * hour, UNTIL) == []
