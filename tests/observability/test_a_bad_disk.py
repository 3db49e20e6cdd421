"""The kernel refuses a write, or takes part of it: one note, an exact count, no torn line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.log_folder import lines_of
from support.native import LogDisk, preloaded
from tradebot.observability.line import parse

START = """
    import struct, sys
    from tradebot.observability import log_event, setup_logging
    import os
    def disk(milliseconds=0, error=0, halves=0):
        with open(os.environ["TEST_LOG_DISK"], "r+b") as orders:
            orders.write(struct.pack("iii", milliseconds, error, halves))
    def say(text):
        return log_event("log_message", text, level="WARN")
    session = setup_logging(sys.argv[1], console=False, queue=sys.argv[2] == "queue")
"""


@pytest.fixture
def disk(tmp_path: Path) -> LogDisk:
    return LogDisk(tmp_path)


def run(folder: Path, disk: LogDisk, program: str, mode: str) -> subprocess.CompletedProcess[str]:
    text = textwrap.dedent(START) + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", text, str(folder), mode],
        env=preloaded(disk),
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize("mode", ["direct", "queue"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EDQUOT, errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses(folder: Path, disk: LogDisk, number: int, mode: str) -> None:
    done = run(
        folder,
        disk,
        f"""
        assert say("before")
        for outage in range(2):
            disk(error={number})
            assert [say("secret content") for _ in range(5)] == [False] * 5
            disk()
            assert say(f"after {{outage}}")
        """,
        mode,
    )
    assert done.returncode == 0, done.stderr
    assert [
        (line.event, line.fields.get("count") or line.fields["msg"])
        for line in lines_of(folder / "bot.log")
    ] == [
        ("log_message", "before"),
        ("log_lines_lost", "5"),
        ("log_message", "after 0"),
        ("log_lines_lost", "5"),
        ("log_message", "after 1"),
    ]
    notes = done.stderr.splitlines()
    assert len(notes) == 2
    assert all(os.strerror(number) in note for note in notes)
    assert "secret" not in done.stderr


def test_what_was_refused_until_the_end_is_still_said(folder: Path, disk: LogDisk) -> None:
    done = run(
        folder,
        disk,
        f"""
        disk(error={errno.EIO})
        assert say("lost") is False
        disk()
        """,
        "direct",
    )
    assert done.returncode == 0, done.stderr
    [line] = lines_of(folder / "bot.log")
    assert (line.event, line.fields["count"]) == ("log_lines_lost", "1")


def test_half_a_line_is_ended_and_the_line_written_whole(folder: Path, disk: LogDisk) -> None:
    done = run(
        folder,
        disk,
        """
        disk(halves=1)
        assert say("torn once") is True
        assert say("next") is True
        disk(halves=2)
        assert say("torn twice") is False
        assert say("last") is True
        """,
        "direct",
    )
    assert done.returncode == 0, done.stderr
    whole, fragments = [], 0
    for text in (folder / "bot.log").read_text(encoding="utf-8").splitlines():
        try:
            line = parse(text)
        except ValueError:
            fragments += 1
            continue
        if "run_id" in line.fields and ("msg" in line.fields or "count" in line.fields):
            whole.append(line.fields.get("msg") or line.fields["count"])
        else:
            fragments += 1
    assert whole == ["torn once", "next", "1", "last"]
    assert fragments == 3


@pytest.mark.parametrize("times", [1, 2])
def test_a_line_that_lacks_only_its_newline_is_not_written_twice(
    folder: Path, disk: LogDisk, times: int
) -> None:
    done = run(
        folder,
        disk,
        f"""
        disk(halves=-{times})
        assert say("one") is True
        assert say("two") is True
        """,
        "direct",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.fields["msg"] for line in lines_of(folder / "bot.log")] == ["one", "two"]


def test_a_fragment_of_a_process_that_ended_does_not_swallow_a_running_ones_line(
    folder: Path, disk: LogDisk
) -> None:
    done = run(
        folder,
        disk,
        """
        import time
        assert say("first")
        if os.fork() == 0:
            # What a process leaves that is killed while the disk takes half of its line.
            fd = os.open(session.path, os.O_WRONLY | os.O_APPEND)
            os.write(fd, b"2026-03-02T10:00:00.000Z | INFO  | half a li")
            os._exit(0)
        os.wait()
        time.sleep(1.1)
        assert say("second")
        """,
        "direct",
    )
    assert done.returncode == 0, done.stderr
    first, fragment, second = (folder / "bot.log").read_text(encoding="utf-8").splitlines()
    assert parse(first).fields["msg"] == "first"
    assert fragment.endswith("half a li")
    assert parse(second).fields["msg"] == "second"
