"""LOG_QUEUE=true loses nothing on any exit but SIGKILL, and keeps the order of the lines."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.windows import posix
from tradebot.observability import log_event, setup_logging
from tradebot.observability.files import BotLog
from tradebot.observability.line import parse
from tradebot.observability.queueing import QueuedLog
from tradebot.observability.rotation import Policy

PROGRAM = """
    import os, signal, sys, threading, time
    from tradebot.observability import get_logger, log_event, setup_logging
    session = setup_logging(sys.argv[1], console=False, queue=True)
    for number in range(2000):
        log_event("log_message", f"number {number}")
"""


def messages(folder: Path) -> list[str]:
    return [
        parse(line).fields["msg"]
        for line in (folder / "bot.log").read_text().splitlines()
        if "msg" in parse(line).fields
    ]


def run(folder: Path, ending: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(ending), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("", 0),
        ("session.close()", 0),
        ("sys.exit(7)", 7),
        ("raise RuntimeError('nobody catches this')", 1),
        ("session.flush(); os._exit(3)", 3),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", -signal.SIGTERM, marks=posix
        ),
        ("threading.Thread(target=sys.exit).start()", 0),
    ],
)
def test_every_ending_writes_what_waits(folder: Path, ending: str, code: int) -> None:
    done = run(folder, ending)
    assert done.returncode == code, done.stderr
    written = [text for text in messages(folder) if text.startswith("number")]
    assert written == [f"number {number}" for number in range(2000)]


@posix
def test_sigterm_belongs_to_whoever_took_it_first(folder: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import signal; signal.signal(signal.SIGTERM, lambda *_: print('mine'))\n"
            + textwrap.dedent(PROGRAM)
            + "os.kill(os.getpid(), signal.SIGTERM); session.close()",
            str(folder),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "mine\n")


def test_a_session_gives_sigterm_back(folder: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with setup_logging(folder, console=False, queue=True):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


@posix
def test_a_forked_child_writes_at_once_and_repeats_nothing(folder: Path) -> None:
    done = run(
        folder,
        """
        child = os.fork()
        if child == 0:
            reached = log_event("log_message", "from the child")
            session.close()
            os._exit(0 if reached else 9)
        assert os.waitpid(child, 0)[1] == 0
        """,
    )
    assert done.returncode == 0, done.stderr
    # From 3.12 on Python warns of a fork beside a thread, and warnings are logged, too.
    written = [text for text in messages(folder) if "DeprecationWarning" not in text]
    assert written.count("from the child") == 1
    assert len(written) == 2001


class Gate:
    """A BotLog that can be told to wait, as a slow disk does."""

    def __init__(self, log: BotLog) -> None:
        self.open = threading.Event()
        self.lines: list[bytes] = []
        self._log = log
        self._write = log.write
        log.write = self  # type: ignore[method-assign]

    def __call__(
        self, data: bytes, when: float, *, droppable: bool = False, now: bool = True
    ) -> bool:
        self.open.wait(30)
        self.lines.append(data)
        return True


@pytest.fixture
def slow(folder: Path) -> Iterator[tuple[QueuedLog, Gate]]:
    log = BotLog(folder, Policy(), lambda event, fields: b"", lambda: 0.0)
    gate = Gate(log)
    queued = QueuedLog(log, limit=10)
    yield queued, gate
    gate.open.set()
    queued.close()


def test_an_ordinary_line_does_not_wait_for_the_disk(slow: tuple[QueuedLog, Gate]) -> None:
    queued, gate = slow
    for number in range(9):
        assert queued.write(b"%d" % number, 0, now=False) is False
    assert gate.lines == []
    gate.open.set()
    queued.flush()
    assert gate.lines == [b"%d" % number for number in range(9)]


def test_whoever_finds_the_queue_full_writes_it_out(slow: tuple[QueuedLog, Gate]) -> None:
    queued, gate = slow
    writer = threading.Thread(
        target=lambda: [queued.write(b"%d" % number, 0, now=False) for number in range(50)]
    )
    writer.start()
    writer.join(0.2)
    assert writer.is_alive(), "the bound was not kept"
    gate.open.set()
    writer.join()
    queued.flush()
    assert gate.lines == [b"%d" % number for number in range(50)]


def test_an_audit_line_writes_what_came_before_it_first(slow: tuple[QueuedLog, Gate]) -> None:
    queued, gate = slow
    for number in range(5):
        queued.write(b"%d" % number, 0, now=False)
    gate.open.set()
    assert queued.write(b"audit", 0, now=True) is True
    assert gate.lines == [b"0", b"1", b"2", b"3", b"4", b"audit"]


def test_several_threads_lose_nothing_and_keep_their_order(folder: Path) -> None:
    def work(name: int) -> None:
        for number in range(500):
            level = "WARN" if number % 50 == 0 else "INFO"
            assert log_event("log_message", f"{name} {number}", level=level) is (level == "WARN")

    with setup_logging(folder, console=False, queue=True):
        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    written = messages(folder)
    for name in range(4):
        own = [text for text in written if text.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(500)]
    assert len(written) == 2000


def test_a_line_that_the_writer_thread_just_missed_is_written_when_closing(folder: Path) -> None:
    log = BotLog(folder, Policy(), lambda event, fields: b"", lambda: 0.0)
    queued = QueuedLog(log)
    queued._lines.put(None)
    queued._thread.join()
    queued.write(b"late\n", 0, now=False)
    queued._closed = True
    assert queued.write(b"later\n", 0, now=True) is True
    queued.close()
    assert (folder / "bot.log").read_bytes() == b"late\nlater\n"


def test_after_closing_nothing_is_written_any_more(folder: Path) -> None:
    log = BotLog(folder, Policy(), lambda event, fields: b"", lambda: 0.0)
    queued = QueuedLog(log)
    queued.close()
    assert queued.write(b"late\n", 0, now=False) is False
    assert queued.write(b"late\n", 0, now=True) is False
    assert (folder / "bot.log").read_bytes() == b""


@posix
def test_sigterm_writes_what_waits_behind_a_slow_disk(folder: Path) -> None:
    program = """
        import os, signal, sys, time
        from tradebot.observability import log_event, setup_logging
        from tradebot.observability.files import BotLog

        fast = BotLog.write

        def slow(*arguments, **more):
            time.sleep(0.001)
            return fast(*arguments, **more)

        BotLog.write = slow
        setup_logging(sys.argv[1], console=False, queue=True)
        for number in range(300):
            log_event("log_message", f"number {number}")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert messages(folder) == [f"number {number}" for number in range(300)]
