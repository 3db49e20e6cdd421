"""The file itself: who may read it, what happens when it cannot be written."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.windows import posix
from tradebot.errors import StorageError
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import parse
from tradebot.observability.rotation import LOCK_NAME


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_only_the_owner_may_read_it(folder: Path) -> None:
    old = os.umask(0)
    try:
        with setup_logging(folder / "deeper", console=False, rotation_mode="size", max_bytes=100):
            log_event("log_message")
            log_event("log_message")
    finally:
        os.umask(old)
    assert mode(folder / "deeper") == 0o700
    assert {path.name: mode(path) for path in (folder / "deeper").iterdir()} == {
        "bot.log": 0o600,
        "bot.log.1": 0o600,
        "bot.log.2": 0o600,
        LOCK_NAME: 0o600,
    }


@posix
def test_what_was_left_open_to_others_is_closed(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log").touch()
    folder.chmod(0o755)  # whatever the umask is
    (folder / "bot.log").chmod(0o644)
    with setup_logging(folder, console=False):
        pass
    assert mode(folder) == 0o700
    assert mode(folder / "bot.log") == 0o600


@posix
def test_a_folder_shared_with_something_else_keeps_its_mode(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "somebody-elses.txt").touch()
    with setup_logging(folder, console=False):
        pass
    assert mode(folder) == 0o755


@posix
def test_a_new_folder_is_not_open_to_others_even_for_a_moment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    mkdir = Path.mkdir

    def watched(self: Path, *args: Any, **more: Any) -> None:
        mkdir(self, *args, **more)
        if self == folder:
            modes.append(mode(self))

    monkeypatch.setattr(Path, "mkdir", watched)
    old = os.umask(0)
    try:
        with setup_logging(folder, console=False):
            pass
    finally:
        os.umask(old)
    assert modes[0] == 0o700


def a_file_in_the_way(folder: Path) -> None:
    folder.write_text("a file")


def a_folder_called_bot_log(folder: Path) -> None:
    (folder / "bot.log").mkdir(parents=True)


def a_link_called_bot_log(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log").symlink_to(folder / "elsewhere")


def a_pipe_called_bot_log(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "bot.log")


def a_link_in_the_place_of_the_lock(folder: Path) -> None:
    folder.mkdir()
    (folder / LOCK_NAME).symlink_to(folder / "elsewhere")


@pytest.mark.parametrize(
    "hinder",
    [
        a_file_in_the_way,
        a_folder_called_bot_log,
        pytest.param(a_link_called_bot_log, marks=posix),
        pytest.param(a_pipe_called_bot_log, marks=posix),
        pytest.param(a_link_in_the_place_of_the_lock, marks=posix),
    ],
)
def test_a_folder_that_cannot_be_used_is_a_typed_error(
    folder: Path, hinder: Callable[[Path], None]
) -> None:
    hinder(folder)
    with pytest.raises(StorageError, match=r"LOG_DIR: .*bot\.log cannot be written") as caught:
        setup_logging(folder, console=False)
    assert caught.value.exit_code == 74
    assert log_event("log_message") is False
    assert not (folder / "elsewhere").exists()


@posix
def test_a_pipe_that_somebody_reads_is_no_log_file_either(folder: Path) -> None:
    a_pipe_called_bot_log(folder)
    reader = os.open(folder / "bot.log", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(StorageError, match="not a regular file"):
            setup_logging(folder, console=False)
    finally:
        os.close(reader)


class BrokenWrite:
    """Stands in for `os.write`: a disk that is full, or takes part of a line only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.behaviour: Callable[[bytes], int | OSError] | None = None
        self._real = os.write
        monkeypatch.setattr(os, "write", self)

    def __call__(self, fd: int, data: bytes) -> int:
        answer = None if self.behaviour is None else self.behaviour(data)
        if isinstance(answer, OSError):
            raise answer
        return self._real(fd, data if answer is None else data[:answer])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EBADF])
def test_an_outage_is_one_note_and_one_line_afterwards(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: int,
) -> None:
    disk = BrokenWrite(monkeypatch)
    with setup_logging(folder, console=False):
        assert log_event("log_message", "before")
        for outage in range(2):
            disk.behaviour = lambda data: OSError(number, os.strerror(number))
            for _ in range(5):
                assert log_event("log_message", "content nobody may see twice") is False
            disk.behaviour = None
            assert log_event("log_message", f"after {outage}")

    lines = [parse(line) for line in (folder / "bot.log").read_text().splitlines()]
    assert [(line.event, line.fields.get("count")) for line in lines] == [
        ("log_message", None),
        ("log_lines_lost", "5"),
        ("log_message", None),
        ("log_lines_lost", "5"),
        ("log_message", None),
    ]
    notes = capfd.readouterr().err.splitlines()
    assert len(notes) == 2
    assert str(folder / "bot.log") in notes[0]
    assert os.strerror(number) in notes[0]
    assert "content" not in notes[0]


def test_a_torn_line_is_ended_and_written_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = BrokenWrite(monkeypatch)
    answers: list[int | None] = [30]

    def tear_once(data: bytes) -> int:
        return answers.pop() or len(data) if answers else len(data)

    with setup_logging(folder, console=False):
        disk.behaviour = tear_once
        assert log_event("log_message", "torn") is True
        assert log_event("log_message", "next") is True

    fragment, torn, following = (folder / "bot.log").read_text().splitlines()
    assert len(fragment) == 30
    assert parse(torn).fields["msg"] == "torn"
    assert parse(following).fields["msg"] == "next"


def test_a_line_torn_for_good_does_not_spoil_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = BrokenWrite(monkeypatch)
    with setup_logging(folder, console=False):
        disk.behaviour = lambda data: 30
        assert log_event("log_message", "one") is False
        failures = iter([10])
        disk.behaviour = lambda data: next(failures, OSError(errno.ENOSPC, "full"))
        assert log_event("log_message", "two") is False
        disk.behaviour = None
        assert log_event("log_message", "three") is True

    text = (folder / "bot.log").read_text()
    whole = [
        parse(line) for line in text.splitlines() if line.startswith("20") and "run_id" in line
    ]
    assert [line.fields.get("msg", line.fields.get("count")) for line in whole] == ["2", "three"]


def test_what_was_lost_at_the_end_is_said_when_closing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = BrokenWrite(monkeypatch)
    session = setup_logging(folder, console=False)
    disk.behaviour = lambda data: OSError(errno.ENOSPC, "full")
    assert log_event("startup_begin") is False
    disk.behaviour = None
    session.close()
    [line] = (folder / "bot.log").read_text().splitlines()
    assert parse(line).fields["count"] == "1"


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@posix
def test_a_really_full_device(folder: Path) -> None:
    """A limit on the file's size makes the kernel refuse, in the middle of a line."""
    done = run(
        """
        import resource, sys
        from tradebot.observability import log_event, setup_logging
        with setup_logging(sys.argv[1], console=False):
            log_event("log_message", "first")
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            answers = [log_event("log_message", f"number {n}") for n in range(50)]
            assert answers.count(False) > 40, answers
            resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, resource.RLIM_INFINITY))
            assert log_event("log_message", "last")
        print(answers.count(True), answers.count(False))
        """,
        str(folder),
    )
    assert done.returncode == 0, done.stderr
    reached, lost = map(int, done.stdout.split())
    lines = []
    fragments = 0
    for text in (folder / "bot.log").read_text().splitlines():
        try:
            lines.append(parse(text))
        except ValueError:
            fragments += 1
    assert [line.fields["msg"] for line in lines if "msg" in line.fields] == [
        "first",
        *(f"number {number}" for number in range(reached)),
        "last",
    ]
    assert sum(int(line.fields.get("count", 0)) for line in lines) == lost
    assert fragments <= 2
    assert len(done.stderr.splitlines()) == 1


@posix
def test_a_forked_child_writes_whole_lines_of_its_own(folder: Path) -> None:
    done = run(
        """
        import os, signal, sys, threading
        from tradebot.observability import log_event, setup_logging
        with setup_logging(sys.argv[1], console=False):
            stop = threading.Event()
            def chatter():
                while not stop.is_set():
                    log_event("log_message", "from a thread")
            thread = threading.Thread(target=chatter)
            thread.start()
            ended = []
            while len(ended) < 20 and not any(ended):
                child = os.fork()
                if child == 0:
                    signal.alarm(20)  # one that waits for a lock of its parent's ends, too
                    os._exit(0 if log_event("log_message", "from a child") else 9)
                ended.append(os.waitpid(child, 0)[1])
            stop.set()
            thread.join()
            assert not any(ended), ended
        """,
        str(folder),
    )
    assert done.returncode == 0, done.stderr
    texts = [parse(line).fields["msg"] for line in (folder / "bot.log").read_text().splitlines()]
    assert texts.count("from a child") == 20


def test_threads_write_whole_lines(folder: Path) -> None:
    def work(name: int) -> None:
        for number in range(300):
            log_event("log_message", f"{name} {number}")

    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=5000, backup_count=0):
        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [
        parse(line).fields["msg"]
        for path in folder.glob("bot.log*")
        for line in path.read_text().splitlines()
    ]
    assert sorted(found) == sorted(f"{name} {n}" for name in range(4) for n in range(300))


def test_a_fragment_of_another_process_does_not_swallow_the_next_line(folder: Path) -> None:
    with setup_logging(folder, console=False):
        assert log_event("log_message", "first")
    with (folder / "bot.log").open("a", encoding="utf-8") as file:
        file.write("2026-03-02T10:00:00.000Z | INFO  | a process that was kil")
    with setup_logging(folder, console=False):
        assert log_event("log_message", "second")
    lines = (folder / "bot.log").read_text(encoding="utf-8").splitlines()
    assert parse(lines[-1]).fields["msg"] == "second"
    assert len(lines) == 3
