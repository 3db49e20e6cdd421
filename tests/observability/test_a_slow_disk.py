"""LOG_QUEUE=true before a disk that takes its time: who waits, and what every ending leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.log_folder import Writers, lines_of, texts
from support.native import LogDisk, preloaded

START = """
    import os, signal, sys, threading, time
    from pathlib import Path
    from tradebot.observability import log_event, setup_logging
    folder = Path(sys.argv[1])
    session = setup_logging(folder, console=False, queue=True)
    def lines():
        return [line.split("msg=")[1] for line in (folder / "bot.log").read_text().splitlines()]
    def say(numbers):
        for number in numbers:
            assert log_event("log_message", f"n{number}") is False
    def writes_begun():
        return int.from_bytes(Path(os.environ["TEST_LOG_DISK"]).read_bytes()[12:], sys.byteorder)
    def hang_in(number):
        # until the disk has that line in its hands
        before = writes_begun()
        say([number])
        while writes_begun() == before:
            time.sleep(0.005)
    def on_alarm(act):
        # as soon as the main thread waits for its audit line
        def look(signal_number, frame):
            while frame and frame.f_code.co_name != "wait":
                frame = frame.f_back
            if frame:
                act()
            else:
                signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
"""


@pytest.fixture
def disk(tmp_path: Path) -> LogDisk:
    return LogDisk(tmp_path)


def run(folder: Path, disk: LogDisk, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(START) + textwrap.dedent(program), str(folder)],
        env=preloaded(disk),
        capture_output=True,
        text=True,
        timeout=100,
    )


def written(folder: Path) -> list[str]:
    return [line.fields["msg"] for line in lines_of(folder / "bot.log")]


def test_calls_come_back_before_the_disk_and_an_audit_line_with_it(
    folder: Path, disk: LogDisk
) -> None:
    disk.obey(milliseconds=50)
    done = run(
        folder,
        disk,
        """
        say(range(200))
        there = len(lines())
        assert there < 200, "each line was waited for"
        # The rest of the test need not wait for it.
        with open(os.environ["TEST_LOG_DISK"], "r+b") as orders:
            orders.write(bytes(4))
        assert log_event("log_message", "audit", level="WARN") is True
        assert lines() == [f"n{number}" for number in range(200)] + ["audit"]
        say(range(200, 210))
        assert lines()[:201] == [f"n{number}" for number in range(200)] + ["audit"]
        """,
    )
    assert done.returncode == 0, done.stderr
    assert len(written(folder)) == 211


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("", 0),
        ("sys.exit(7)", 7),
        ("raise RuntimeError('nobody catches this')", 1),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM),
        ("session.flush(); os._exit(3)", 3),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); os.kill(os.getpid(), 15)", 5),
    ],
)
def test_every_ending_waits_for_the_disk(
    folder: Path, disk: LogDisk, ending: str, code: int
) -> None:
    disk.obey(milliseconds=5)
    done = run(folder, disk, "say(range(60))\n" + ending)
    assert done.returncode == code, done.stderr
    assert [text for text in written(folder) if text.startswith("n")][:60] == [
        f"n{number}" for number in range(60)
    ]


def test_a_signal_between_two_lines_loses_and_doubles_nothing(folder: Path, disk: LogDisk) -> None:
    """SIGTERM comes while the main thread waits for an audit line, in the midst of the queue."""
    disk.obey(milliseconds=5)
    done = run(
        folder,
        disk,
        """
        say(range(40))
        on_alarm(lambda: os.kill(os.getpid(), signal.SIGTERM))
        log_event("log_message", "audit", level="WARN")
        os.kill(os.getpid(), signal.SIGTERM)  # so slow a machine that it was not seen waiting
        time.sleep(60)
        """,
    )
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert written(folder) == [*(f"n{number}" for number in range(40)), "audit"]


def test_a_handler_may_log_while_its_thread_waits(folder: Path, disk: LogDisk) -> None:
    disk.obey(milliseconds=5)
    done = run(
        folder,
        disk,
        """
        handled = []
        def handle():
            handled.append(log_event("log_message", "handler", level="WARN"))
        say(range(40))
        on_alarm(handle)
        assert log_event("log_message", "interrupted", level="WARN") is True
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not handled:  # so slow a machine that it was not seen waiting
            handle()
        assert handled == [True]
        """,
    )
    assert done.returncode == 0, done.stderr
    assert written(folder) == [*(f"n{number}" for number in range(40)), "interrupted", "handler"]


def test_a_killed_process_leaves_every_audit_line_whose_call_came_back(
    folder: Path, disk: LogDisk
) -> None:
    folder.mkdir()
    disk.obey(milliseconds=2)
    writers = Writers(folder, preloaded(disk))
    for name in ("a", "b"):
        writers.start(name, session={"queue": True}, pause=0, audit_every=7)
    writers.wait_for_more(30)
    for name in ("a", "b"):
        writers.kill(name)
    counted = texts(folder)
    assert set(counted.values()) == {1}
    for name in ("a", "b"):
        answers = writers.told(name)
        audit = {text for text in answers if int(text.split()[1]) % 7 == 0}
        assert {text for text, reached in answers.items() if reached} == audit
        assert audit <= set(counted)
        numbers = sorted(int(text.split()[1]) for text in counted if text.startswith(name))
        assert numbers == list(range(len(numbers)))


def test_a_disk_that_hangs_is_said_once_and_does_not_hang_the_end(
    folder: Path, disk: LogDisk
) -> None:
    done = run(
        folder,
        disk,
        """
        from tradebot.observability import queueing
        queueing._PATIENCE_SECONDS = 0.2
        assert log_event("log_message", "before", level="WARN") is True
        with open(os.environ["TEST_LOG_DISK"], "r+b") as orders:
            orders.write((600_000).to_bytes(4, sys.byteorder))
        hang_in("secret content")
        say(["secret content"] * 2)
        """,
    )
    assert done.returncode == 0, done.stderr
    [note] = done.stderr.splitlines()
    assert "3 log lines" in note
    assert str(folder / "bot.log") in note
    assert "secret" not in note
    assert written(folder) == ["before"]


def test_a_slow_disk_is_waited_for_as_long_as_it_takes_lines(folder: Path, disk: LogDisk) -> None:
    """All of it takes longer than the patience with a disk that takes none."""
    disk.obey(milliseconds=75)
    done = run(
        folder,
        disk,
        """
        from tradebot.observability import queueing
        queueing._PATIENCE_SECONDS = 2.5
        say(range(40))
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert written(folder) == [f"n{number}" for number in range(40)]


def test_a_hanging_disk_does_not_keep_the_process_from_being_stopped(
    folder: Path, disk: LogDisk
) -> None:
    disk.obey(milliseconds=600_000)
    done = run(
        folder,
        disk,
        """
        from tradebot.observability import queueing
        queueing._PATIENCE_SECONDS = 0.2
        hang_in(0)
        say(range(1, 5))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        """,
    )
    assert done.returncode == -signal.SIGTERM
    assert "5 log lines" in done.stderr
    assert written(folder) == []


def test_the_shim_is_at_work(folder: Path, disk: LogDisk) -> None:
    """Else the tests above would prove nothing."""
    assert run(folder, disk, "say(range(3)); session.close()").returncode == 0
    assert disk.begun == 3
    assert (folder / "bot.log").stat().st_size
