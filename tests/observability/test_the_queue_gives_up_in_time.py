"""LOG_QUEUE=true and a disk that hangs, a writer that is hindered, a machine without threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tradebot.observability import log_event, queueing, setup_logging
from tradebot.observability.files import BotLog
from tradebot.observability.queueing import QueuedLog
from tradebot.observability.rotation import Policy


@pytest.fixture
def log(folder: Path) -> BotLog:
    return BotLog(folder, Policy(), lambda event, fields: b"", lambda: 0.0)


@pytest.fixture
def hanging(log: BotLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueuedLog]:
    """A queue before a disk that takes nothing until the end of the test."""
    monkeypatch.setattr(queueing, "_PATIENCE_SECONDS", 0.05)
    go, write = threading.Event(), log.write
    monkeypatch.setattr(log, "write", lambda *a, **k: go.wait(20) and write(*a, **k))
    queued = QueuedLog(log)
    yield queued
    go.set()
    queued.close()


def test_a_disk_that_hangs_is_said_once(
    hanging: QueuedLog, capfd: pytest.CaptureFixture[str]
) -> None:
    hanging.write(b"one\n", 0, now=False)
    assert [hanging.flush() for _ in range(3)] == [False] * 3
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_after_the_end_nobody_waits_for_a_disk_that_hangs(hanging: QueuedLog) -> None:
    hanging.write(b"one\n", 0, now=False)
    hanging.close()
    answers: list[bool] = []
    late = threading.Thread(
        target=lambda: answers.append(hanging.write(b"late\n", 0, now=True)), daemon=True
    )
    late.start()
    late.join(5)
    assert answers == [False]


class Mark:
    """A mark that the writer does not reach, except after so many waits."""

    def __init__(self, queued: QueuedLog, lines: list[int]) -> None:
        self.queued = queued
        self.lines = lines
        """How many lines are written during each wait."""

    def wait(self, seconds: float) -> bool:
        if not self.lines:
            return True
        self.queued._written += self.lines.pop(0)
        return False


@pytest.mark.parametrize(
    ("lines", "left", "all_written"),
    [([1, 1, 1, 1], [], True), ([0, 1], [1], False), ([1, 0, 1], [1], False)],
    ids=["slow", "hangs at once", "hangs after a line"],
)
def test_patience_begins_anew_with_each_line_and_only_then(
    log: BotLog,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[int],
    left: list[int],
    all_written: bool,
) -> None:
    queued = QueuedLog(log)
    mark: Any = Mark(queued, lines)
    with monkeypatch.context() as patched:
        patched.setattr(queued, "_put_mark", lambda: mark)
        assert queued.flush() is all_written
    assert lines == left
    queued.close()


def test_a_line_that_breaks_the_writer_does_not_end_it(log: BotLog) -> None:
    queued = QueuedLog(log)
    nonsense: Any = "no bytes"
    assert queued.write(nonsense, 0, now=True) is False
    assert queued.write(b"fine\n", 0, now=True) is True
    queued.close()


def test_the_writer_itself_does_not_wait_for_room(
    log: BotLog, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """A destructor that logs may run in the writer's thread, and that one would wait for itself."""
    write = log.write
    queued = QueuedLog(log, limit=3)

    def write_and_destroy(data: bytes, *args: Any, **more: Any) -> bool:
        if data == b"first\n":
            for number in range(5):
                queued.write(b"%d\n" % number, 0, now=False)
        return write(data, *args, **more)

    monkeypatch.setattr(log, "write", write_and_destroy)
    queued.write(b"first\n", 0, now=False)
    assert queued.flush() is True
    queued.close()
    assert (folder / "bot.log").read_bytes() == b"first\n0\n1\n2\n3\n4\n"


def test_without_another_thread_lines_are_written_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with setup_logging(folder, console=False, queue=True):
        assert log_event("log_message", "x") is True
