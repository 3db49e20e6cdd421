"""A log that is damaged, foreign, elsewhere or moving while it is read: what can be read is."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.trace_desk import (
    REFERENCE,
    RUN,
    all_lines,
    line,
    order_lines,
    trace_command,
    write,
)
from tradebot.logtools.reading import blocks as reading
from tradebot.logtools.reading.blocks import Notes, blocks
from tradebot.logtools.reading.folder import LogFile, log_of
from tradebot.logtools.reading.scan import lines_with
from tradebot.logtools.reading.sources import log_files
from tradebot.logtools.stories.journal_side import Known
from tradebot.logtools.tracing.subjects import subject_of
from tradebot.logtools.tracing.trace import Trace, Tracer

Capture = pytest.CaptureFixture[bytes]
ORDER_LINES = order_lines("17T07:12:03")


def raw(capture: Capture, folder: Path, *more: str) -> list[str]:
    answer = trace_command(capture, REFERENCE, "--output", "raw", "--logs", str(folder), *more)
    return answer.text.splitlines()


# -- what may stand in a file -------------------------------------------------------------------


def test_rubbish_between_the_lines(tmp_path: Path, capfdbinary: Capture) -> None:
    rubbish = [
        b"\x00\xff\xfe\x1b[31m" * 50, b"", b"Traceback (most recent call last):",
        f"{REFERENCE} alone".encode(), f"external_reference={REFERENCE}".encode(),
        b"x" * 300_000, b"\xf0\x28\x8c\x28 " + REFERENCE.encode(),
    ]  # fmt: skip
    parts: list[bytes] = []
    for number, text in enumerate(ORDER_LINES):
        parts += [text.encode(), *rubbish[number::2]]
    (tmp_path / "bot.log").write_bytes(b"\n".join(parts) + b"\n")
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(tmp_path), "--output", "raw")
    assert answer.text.splitlines() == ORDER_LINES
    assert "foreign line" in answer.notes
    assert "too long line" in answer.notes


def test_a_last_line_that_is_not_whole(tmp_path: Path, capfdbinary: Capture) -> None:
    text = "\n".join([*ORDER_LINES, ORDER_LINES[-1][: len(ORDER_LINES[-1]) - 40]])
    (tmp_path / "bot.log").write_bytes(text.encode())
    assert raw(capfdbinary, tmp_path)[:4] == ORDER_LINES


def test_windows_newlines_are_kept_byte_for_byte(tmp_path: Path, capfdbinary: Capture) -> None:
    write(tmp_path / "bot.log", ORDER_LINES, end="\r\n")
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(tmp_path), "--output", "raw")
    assert answer.out == (tmp_path / "bot.log").read_bytes()
    told = trace_command(capfdbinary, REFERENCE, "--logs", str(tmp_path))
    assert "filled, 10 of 10 filled at 101.25" in told.text
    assert "\r" not in told.text


def test_control_characters_do_not_reach_a_terminal(tmp_path: Path, capfdbinary: Capture) -> None:
    evil = line("17T07:12:04", "log_message", external_reference=REFERENCE, msg='"\\u001b]0;x"')
    write(tmp_path / "bot.log", [*ORDER_LINES, evil])
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(tmp_path))
    assert b"\x1b" not in answer.out
    assert "msg=" in answer.text


@pytest.mark.parametrize("size", [64, 1000, reading.BLOCK_BYTES])
def test_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(reading, "BLOCK_BYTES", size)
    lines = [line(f"17T07:{n // 60:02d}:{n % 60:02d}", "log_message", n=str(n)) for n in range(600)]
    path = write(tmp_path / "bot.log", lines)
    (file,) = log_of([str(path)])
    notes = Notes()
    data = b"".join(block.data for block in blocks(file, notes))
    assert data == path.read_bytes()
    assert notes.read == {str(path): len(data)}
    for number in (0, 7, 299, 599):
        found = list(lines_with(file, [f" n={number}\n".encode().strip(b"\n")], notes))
        assert (data.index(lines[number].encode()), lines[number].encode(), True) in found
    many = [f" n={number}".encode() for number in range(100, 110)]
    assert [found.raw.decode() for found in lines_with(file, many, notes)] == lines[100:110]


def test_many_needles_without_a_common_beginning(tmp_path: Path) -> None:
    lines = [line("17T07:12:03", f"event_{letter}") for letter in "abcdefgh"]
    (file,) = log_of([str(write(tmp_path / "bot.log", lines))])
    needles = [f"event_{letter}"[place:].encode() for place, letter in enumerate("abcdef")]
    found = [found.raw.decode() for found in lines_with(file, needles, Notes())]
    assert found == lines[:6]


# -- folders ------------------------------------------------------------------------------------


def test_files_rotated_by_size(tmp_path: Path, capfdbinary: Capture) -> None:
    for number, text in enumerate(reversed(ORDER_LINES)):
        write(tmp_path / (f"bot.log.{number}" if number else "bot.log"), [text])
    assert raw(capfdbinary, tmp_path) == ORDER_LINES


@pytest.mark.parametrize("end", ["nothing", "empty"])
def test_a_folder_without_a_log(tmp_path: Path, capfdbinary: Capture, end: str) -> None:
    folder = tmp_path / end
    if end == "empty":
        folder.mkdir()
        answer = trace_command(capfdbinary, REFERENCE, "--logs", str(folder))
        assert answer.code == 2
        assert "there is no bot.log" in answer.notes
    else:
        answer = trace_command(capfdbinary, REFERENCE, "--logs", str(folder))
        assert answer.code == 2
        assert "there is no such file or folder" in answer.notes


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="root may read everything, and Windows has other permissions",
)
def test_a_file_that_may_not_be_read(tmp_path: Path, capfdbinary: Capture) -> None:
    write(tmp_path / "bot.log", [line("18T07:12:03", "cycle_begin")])
    write(tmp_path / "bot.log.2025-12-17", ORDER_LINES).chmod(0)
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(tmp_path))
    assert answer.code == 2
    assert "Permission denied" in answer.notes


def test_not_found_where_a_file_is_damaged_is_no_answer(
    tmp_path: Path, capfdbinary: Capture
) -> None:
    write(tmp_path / "bot.log", [line("18T07:12:03", "cycle_begin")])
    whole = gzip.compress("\n".join(ORDER_LINES * 50).encode(), mtime=0)
    (tmp_path / "bot.log.2025-12-17.gz").write_bytes(whole[: len(whole) // 2])
    answer = trace_command(capfdbinary, "ATB-20251217-0712-AAAAAAAAAA", "--logs", str(tmp_path))
    assert answer.code == 2
    assert "not a whole gzip file" in answer.notes
    (tmp_path / "bot.log.2025-12-16.gz").write_bytes(b"no gzip")
    again = trace_command(capfdbinary, "ATB-20251217-0712-AAAAAAAAAA", "--logs", str(tmp_path))
    assert "bot.log.2025-12-16.gz: not a whole gzip file" in again.notes


# -- a log that moves ---------------------------------------------------------------------------


def rotate(folder: Path) -> None:
    """As the bot does at midnight, and goes on writing."""
    (folder / "bot.log").rename(folder / "bot.log.2025-12-18")
    write(folder / "bot.log", [line("19T00:00:01", "cycle_begin")])


def compress(folder: Path) -> None:
    path = folder / "bot.log.2025-12-17"
    path.with_name("bot.log.2025-12-17.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def rotate_by_size(folder: Path) -> None:
    (folder / "bot.log.1").rename(folder / "bot.log.2")
    (folder / "bot.log").rename(folder / "bot.log.1")
    write(folder / "bot.log", [line("19T00:00:01", "cycle_begin")])


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    write(tmp_path / "bot.log.1", [line("16T00:00:01", "cycle_begin"), ORDER_LINES[0]])
    write(tmp_path / "bot.log.2025-12-17", ORDER_LINES[1:3])
    write(tmp_path / "bot.log", ORDER_LINES[3:])
    return tmp_path


def trace_of(files: list[LogFile], notes: Notes) -> Trace:
    subject = subject_of(REFERENCE)
    assert subject is not None
    return Tracer(files, notes, {REFERENCE: Known()}).trace(subject)


@pytest.mark.parametrize("move", [rotate, compress, rotate_by_size])
def test_what_was_listed_is_found_under_its_new_name(
    moving: Path, move: Callable[[Path], None]
) -> None:
    files = log_of([str(moving)])
    move(moving)
    notes = Notes()
    trace = trace_of(files, notes)
    assert [entry.raw.decode() for entry in trace.entries] == ORDER_LINES
    assert notes.unreadable == []


def test_a_rotation_in_the_middle_of_the_listing(
    moving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = [rotate]

    def list_and_rotate(path: str) -> list[str]:
        names = log_files(path)
        if pending:
            pending.pop()(moving)
        return names

    monkeypatch.setattr("tradebot.logtools.reading.folder.log_files", list_and_rotate)
    trace = trace_of(log_of([str(moving)]), Notes())
    assert [entry.raw.decode() for entry in trace.entries] == ORDER_LINES


def test_what_was_deleted_is_told(moving: Path) -> None:
    files = log_of([str(moving)])
    (moving / "bot.log.2025-12-17").unlink()
    notes = Notes()
    trace = trace_of(files, notes)
    assert [entry.raw.decode() for entry in trace.entries] == [ORDER_LINES[0], ORDER_LINES[3]]
    assert [problem.rpartition(": ")[2] for problem in notes.unreadable] == [
        "it was removed while the log was being read"
    ]


@pytest.mark.skipif(os.name == "nt", reason="there an open file keeps its name")
def test_a_rotation_in_the_middle_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK_BYTES", 256)
    lines = [line("18T07:12:03", "log_message", n=str(number)) for number in range(100)]
    write(tmp_path / "bot.log", lines)
    (file,) = log_of([str(tmp_path)])
    found: Iterator[reading.Block] = blocks(file, Notes())
    data = next(found).data
    rotate(tmp_path)
    data += b"".join(block.data for block in found)
    assert data.decode().splitlines() == lines
    assert len(all_lines(tmp_path)) == 101


# -- elsewhere ----------------------------------------------------------------------------------


def test_a_copied_folder_and_bare_python(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", [*ORDER_LINES, line("17T07:12:09", "cycle_end", exit_code="0")])
    script = Path(__file__).parents[2] / "scripts" / "log_tools.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), "trace", REFERENCE, RUN, "--logs", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert "filled, 10 of 10 filled at 101.25" in done.stdout
    assert f"run {RUN}: ran, exit code 0" in done.stdout


def test_what_could_not_be_read_is_not_among_what_was(tmp_path: Path, capfdbinary: Capture) -> None:
    for day in range(15, 18):
        write(tmp_path / f"bot.log.2025-12-{day}", [line(f"{day}T07:12:03", "startup_begin")])
    (tmp_path / "bot.log.2025-12-14.gz").write_bytes(b"no such file")
    answer = trace_command(capfdbinary, "ATB-20251217-0712-AAAAAAAAAA", "--logs", str(tmp_path))
    assert answer.code == 2
    assert "not found in 3 of 4 files" in answer.notes


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell's redirections")
def test_the_script_where_nobody_reads_it(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", ORDER_LINES)
    script = Path(__file__).parents[2] / "scripts" / "log_tools.py"
    asked = f"'{sys.executable}' '{script}' show --logs ."
    ends = {">&-": (0, ""), "2>&- >&-": (0, "")}
    if Path("/dev/full").exists():
        ends[">/dev/full"] = (2, "the output cannot be written: No space left")
    for where, (code, told) in ends.items():
        done = subprocess.run(
            ["sh", "-c", f"{asked} {where}"], cwd=tmp_path, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
