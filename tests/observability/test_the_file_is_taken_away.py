"""bot.log is removed, renamed, replaced or locked away under processes that write to it.

Of a line of the audit trail the answer True means: it is in a file that somebody can find.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.log_folder import Writers, lines_of, names, texts, until
from support.program import unmeasured
from support.small_disk import run_on_small_disk
from support.windows import posix
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import parse

pytestmark = posix
WRITERS = ("a", "b", "c")


@pytest.fixture
def writers(folder: Path) -> Iterator[Writers]:
    folder.mkdir()
    writers = Writers(folder)
    yield writers
    for name in list(writers.running):
        writers.kill(name)


def a_moment_later() -> None:
    """A removal and a line within the same millisecond have no order."""
    time.sleep(0.002)


def say(text: str) -> bool:
    return log_event("log_message", text, level="WARN")


def messages(path: Path) -> list[str]:
    return [line.fields["msg"] for line in lines_of(path) if "msg" in line.fields]


@pytest.mark.parametrize("queue", [False, True])
def test_the_next_audit_line_after_a_removal_is_in_a_new_file(folder: Path, queue: bool) -> None:
    with setup_logging(folder, console=False, queue=queue):
        for number in range(3):
            assert say(f"before {number}")
            (folder / "bot.log").unlink()
            a_moment_later()
            assert say(f"after {number}")
            assert messages(folder / "bot.log") == [f"after {number}"]
        shutil.rmtree(folder)
        a_moment_later()
        assert say("without a folder")
        assert messages(folder / "bot.log") == ["without a folder"]


def test_several_processes_and_a_file_that_is_removed_again_and_again(writers: Writers) -> None:
    for name in WRITERS:
        writers.start(name)
    writers.wait_for_more(20)
    for _ in range(5):
        (writers.folder / "bot.log").unlink(missing_ok=True)
        a_moment_later()
        begun = {name: len(writers.told(name)) for name in WRITERS}
        writers.wait_for_more(20)
        told = {name: writers.told(name) for name in WRITERS}
        there = texts(writers.folder)
        for name in WRITERS:
            # One call was under way when the file went.
            later = [text for text in told[name] if int(text.split()[1]) > begun[name]]
            assert later
            assert {there[text] for text in later} == {1}
    writers.stop()


def test_a_file_that_is_renamed_keeps_its_lines_and_is_followed(writers: Writers) -> None:
    for name in WRITERS:
        writers.start(name)
    writers.wait_for_more(20)
    (writers.folder / "bot.log").rename(writers.folder / "bot.log.old")
    until(
        lambda: (
            (writers.folder / "bot.log").exists()
            and {text.split()[0] for text in messages_so_far(writers.folder / "bot.log")}
            == set(WRITERS)
        )
    )
    writers.stop()
    told = {text: reached for name in WRITERS for text, reached in writers.told(name).items()}
    assert set(told.values()) == {True}
    counted = texts(writers.folder)
    assert set(counted) == set(told)
    assert set(counted.values()) == {1}


def messages_so_far(path: Path) -> list[str]:
    whole = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [parse(line[:-1]).fields["msg"] for line in whole if line.endswith("\n")]


def test_a_file_that_is_emptied_in_place_has_no_hole(folder: Path) -> None:
    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=10_000):
        for number in range(20):
            assert say(f"before {number}")
        os.truncate(folder / "bot.log", 0)
        assert say("after")
        assert messages(folder / "bot.log") == ["after"]
        assert names(folder) == ["bot.log"]


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def take_away_folder(path: Path) -> None:
    path.rmdir()


@pytest.mark.parametrize(("put", "take"), [(a_folder, take_away_folder), (a_link, Path.unlink)])
def test_something_else_in_its_place(
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    put: Callable[[Path], None],
    take: Callable[[Path], None],
) -> None:
    class Time:
        now = 1_765_972_800.0

        def __call__(self) -> float:
            self.now += 1.2  # a look around before each line
            return self.now

    live = folder / "bot.log"
    with setup_logging(folder, console=False, now=Time()):
        assert say("one")
        live.rename(folder / "moved")
        put(live)
        assert [say("two"), say("three"), say("four")] == [True] * 3
        assert messages(folder / "moved") == ["one", "two", "three", "four"]
        assert capfd.readouterr().err == ""

        (folder / "moved").unlink()
        assert log_event("log_message", "an ordinary line") is False
        assert [say("secret content") for _ in range(4)] == [False] * 4
        [note] = capfd.readouterr().err.splitlines()
        assert str(live) in note
        assert "secret" not in note

        take(live)
        assert say("five")
    lost, five = lines_of(live)
    assert (lost.event, lost.fields["count"]) == ("log_lines_lost", "5")
    assert five.fields["msg"] == "five"
    assert not (folder / "elsewhere").exists()


def test_permissions_that_are_taken_away_while_it_runs() -> None:
    """As somebody who is not root. Nothing is lost; the file moves when that is allowed again."""
    done = run_as_nobody(
        """
        from tradebot.errors import StorageError
        class Time:
            now = 1_765_972_800.0
            def __call__(self):
                self.now += 1.2
                return self.now
        now = Time()
        session = setup_logging(folder, console=False, now=now)
        assert say("one")
        os.chmod(folder + "/bot.log", 0)
        assert say("two") and say("three")
        os.chmod(folder + "/bot.log", 0o600)
        os.chmod(folder, 0)
        assert say("four")
        os.chmod(folder, 0o500)
        now.now += 86_400
        assert say("five, the day after") and say("six")
        os.chmod(folder, 0o700)
        now.now += 60
        assert say("seven")
        assert sorted(os.listdir(folder)) == [
            ".bot-log-rotation.lock", "bot.log", "bot.log.2025-12-17",
        ]
        session.close()
        with open(folder + "/bot.log") as live, open(folder + "/bot.log.2025-12-17") as old:
            assert live.read().count("seven") == 1
            text = old.read()
            for word in ("one", "two", "three", "four", "five", "six"):
                assert text.count(word) == 1, word
        os.chmod(folder, 0o500)
        try:
            setup_logging(folder, console=False)
        except StorageError as error:
            print(error)
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "cannot be written (Permission denied): choose a folder" in done.stdout


def run_as_nobody(program: str) -> subprocess.CompletedProcess[str]:
    start = """
    import os, sys, tempfile
    from tradebot.observability import log_event, setup_logging
    def say(text):
        return log_event("log_message", text, level="WARN")
    # Whatever is imported late is read now, as the user that may read it.
    with setup_logging(sys.argv[1] + "/first", console=False):
        assert say("warm")
    folder = sys.argv[1] + "/logs"
    if os.geteuid() == 0:
        os.chmod(sys.argv[1], 0o777)
        os.setgid(65534)
        os.setuid(65534)
    """
    with tempfile.TemporaryDirectory(prefix="tradebot-nobody-") as place:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(program), place],
            env=unmeasured(),  # what it measured it could not write at its end
            capture_output=True,
            text=True,
            timeout=60,
        )


def test_a_read_only_file_system_is_a_typed_error(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    done = run_on_small_disk(
        disk,
        textwrap.dedent(
            """
            import subprocess
            from tradebot.errors import StorageError
            from tradebot.observability import setup_logging
            subprocess.run(["mount", "-o", "remount,ro,bind", sys.argv[1]], check=True)
            try:
                setup_logging(sys.argv[1] + "/logs", console=False)
            except StorageError as error:
                print(int(error.exit_code), error)
            """
        ),
        str(disk),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("74 LOG_DIR: ")
    assert "Read-only file system" in done.stdout


def test_what_others_may_read_is_closed_when_it_is_opened_again(folder: Path) -> None:
    with setup_logging(folder, console=False):
        assert say("one")
        (folder / "bot.log").unlink()
        (folder / "bot.log").touch(mode=0o644)
        a_moment_later()
        assert say("two")
        assert stat.S_IMODE((folder / "bot.log").stat().st_mode) == 0o600
        assert messages(folder / "bot.log") == ["two"]
