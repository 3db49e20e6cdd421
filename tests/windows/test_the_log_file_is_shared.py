"""bot.log on Windows: append only, open to renames, and in use by programs that share less."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.windows import windows
from tradebot.errors import StorageError
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import parse
from tradebot.observability.rotation import LOCK_NAME
from tradebot.observability.system_files import open_for_append

pytestmark = windows

NOON = 1_765_972_800.0  # 2025-12-17T12:00:00Z
DAY = 86_400.0

_KEEP_OPEN = """
import sys
file = open(sys.argv[1], "rb")
print("open", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_program_has_open(path: Path) -> Iterator[None]:
    """As a program does that thinks of no others: without sharing the right to delete."""
    with subprocess.Popen(
        [sys.executable, "-c", _KEEP_OPEN, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield
        finally:
            process.communicate("\n")


if sys.platform == "win32":
    import ctypes
    import msvcrt

    def write_at_the_beginning(fd: int, data: bytes) -> None:
        handle, written = msvcrt.get_osfhandle(fd), ctypes.c_ulong()
        overlapped = (ctypes.c_ubyte * 32)()  # offset 0, no event
        done = ctypes.windll.kernel32.WriteFile(
            ctypes.c_void_p(handle), data, len(data), ctypes.byref(written), overlapped
        )
        assert (done, written.value) == (1, len(data))

    def test_a_write_that_names_another_place_goes_to_the_end_too(path: Path) -> None:
        """The descriptor has the right to append and no other: the kernel finds the end, not we."""
        fd = open_for_append(path)
        try:
            for number in range(3):
                write_at_the_beginning(fd, b"%d\n" % number)
        finally:
            os.close(fd)
        assert path.read_bytes() == b"0\n1\n2\n"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)


def messages(path: Path) -> list[str]:
    return [parse(line).fields["msg"] for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.log"


def test_the_position_after_a_write_is_the_size_with_the_lines_of_others(path: Path) -> None:
    one, two = open_for_append(path), open_for_append(path)
    try:
        os.write(one, b"of another\n")
        os.write(two, b"mine\n")
        assert os.lseek(two, 0, os.SEEK_CUR) == path.stat().st_size == 16
    finally:
        os.close(one)
        os.close(two)


def test_an_open_file_can_be_renamed_and_its_name_is_free_at_once(path: Path) -> None:
    fd = open_for_append(path)
    try:
        moved = path.rename(path.with_name("bot.log.1"))
        os.write(fd, b"still mine\n")
        assert not path.exists()
        os.close(open_for_append(path))
        assert moved.read_bytes() == b"still mine\n"
        assert path.read_bytes() == b""
    finally:
        os.close(fd)


def test_a_child_does_not_get_the_file(path: Path) -> None:
    fd = open_for_append(path)
    try:
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


def test_a_device_is_refused() -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_for_append(Path("NUL"))


def test_a_link_is_refused(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.touch()
    try:
        path.symlink_to(elsewhere)
    except OSError:
        pytest.skip("this user may not make links")
    if not path.is_symlink():
        pytest.skip("Wine says that it made a link, and did not")
    with pytest.raises(OSError, match="it is a link"):
        open_for_append(path)


def test_a_folder_in_its_place_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "bot.log").mkdir()
    with pytest.raises(StorageError, match=r"LOG_DIR: .*bot\.log cannot be written"):
        setup_logging(tmp_path, console=False)


@pytest.mark.parametrize("mode", ["time", "size"])
def test_while_another_program_has_it_open_lines_go_on_and_the_next_start_moves_it(
    tmp_path: Path, mode: str
) -> None:
    now = NOON

    def clock() -> float:
        return now

    folder = tmp_path / "logs"
    live = folder / "bot.log"
    with setup_logging(folder, console=False, now=clock, rotation_mode=mode, max_bytes=500):
        assert log_event("log_message", "before", padding="filled " * 20)
        with another_program_has_open(live):
            for number in range(5):
                now += DAY
                assert log_event("log_message", f"meanwhile {number}", padding="filled " * 20)
            assert names(folder) == ["bot.log"]
        assert messages(live) == ["before", *(f"meanwhile {number}" for number in range(5))]

    with another_program_has_open(live):  # a start, too, goes on with the file that it finds
        with setup_logging(folder, console=False, now=clock, rotation_mode=mode, max_bytes=500):
            assert log_event("log_message", "at a start")
        assert names(folder) == ["bot.log"]

    with setup_logging(folder, console=False, now=clock, rotation_mode=mode, max_bytes=500):
        assert log_event("log_message", "afterwards")
    moved = "bot.log.2025-12-17" if mode == "time" else "bot.log.1"
    assert names(folder) == ["bot.log", moved]
    assert messages(live) == ["afterwards"]
    assert len(messages(folder / moved)) == 7


def test_a_file_that_another_process_moved_is_followed(tmp_path: Path) -> None:
    now = NOON
    live = tmp_path / "bot.log"
    with setup_logging(tmp_path, console=False, now=lambda: now):
        assert log_event("log_message", "one")
        moved = live.rename(tmp_path / "somebody_moved_it")
        for number in range(5):
            now += 1.1
            assert log_event("log_message", f"number {number}")
    assert [*messages(moved), *messages(live)] == ["one", *(f"number {n}" for n in range(5))]
    assert messages(live)[-1] == "number 4"


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii"])
def test_a_console_that_cannot_show_a_letter_loses_no_line(tmp_path: Path, encoding: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom tradebot.observability import log_event, setup_logging\n"
            "with setup_logging(sys.argv[1]):\n"
            "    assert log_event('log_message', 'Z\\u00fcrich \\u2014 \\u682a \\U0001f4c8')\n",
            str(tmp_path / "logs"),
        ],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert b"rich" in done.stderr
    assert messages(tmp_path / "logs" / "bot.log") == ["Zürich — 株 📈"]
