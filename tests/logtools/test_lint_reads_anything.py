"""Files, folders, standard input, rubbish: lint reads it, or says what it could not read."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from support.log_lines import line
from tradebot.cli import main
from tradebot.logtools import lint_paths
from tradebot.logtools.linting.fragments import is_beginning
from tradebot.logtools.linting.lint import lint
from tradebot.logtools.reading.sources import log_files

SOUND = line()
WRONG = line("count=many")


def command(*arguments: str, **more: str | None) -> Result:
    text = more.pop("input", None)
    return CliRunner().invoke(main, ["logs", "lint", *arguments], input=text, env=more)


def file(path: Path, *lines: str) -> str:
    content = "".join(lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def test_nothing_wrong_exits_with_0_and_says_what_was_read(tmp_path: Path) -> None:
    path = file(tmp_path / "bot.log", SOUND, SOUND)
    done = command(path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"read: {path}: 2 lines, {len(SOUND) * 2} bytes",
        "2 lines in 1 file: no problems, no notes",
    ]


def test_problems_exit_with_1_and_name_file_and_line(tmp_path: Path) -> None:
    path = file(tmp_path / "bot.log", SOUND, WRONG, WRONG, WRONG)
    done = command(path, "--max", "2")
    assert done.exit_code == 1
    first, second, *summary = done.stdout.splitlines()
    assert first.startswith(f"{path}:2: wrong_type: count is not of the declared type: integer (")
    assert second.startswith(f"{path}:3: wrong_type")
    assert summary[1:] == [
        "problem: wrong_type: 3, 1 of them not shown",
        "4 lines in 1 file: 3 problems, no notes",
    ]


def test_notes_are_no_problems(tmp_path: Path) -> None:
    done = command(file(tmp_path / "x", line("colour=green")))
    assert done.exit_code == 0
    assert "1 note" in done.stdout


def test_a_folder_is_its_log_files_from_the_oldest_on(tmp_path: Path) -> None:
    names = [
        "bot.log.10", "bot.log.2", "bot.log.1.gz",
        "bot.log.2025-12-16", "bot.log.2025-12-16.2.gz", "bot.log.2025-12-16.10", "bot.log",
    ]  # fmt: skip
    for name in (*reversed(names), ".bot-log-rotation.lock", "other.log", "bot.log.old"):
        file(tmp_path / name, SOUND)
    (tmp_path / "bot.log.3").mkdir()
    assert [Path(path).name for path in log_files(str(tmp_path))] == names
    done = command(str(tmp_path))
    assert done.exit_code == 0
    assert "7 lines in 7 files" in done.stdout


def test_without_a_file_it_is_the_log_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    path = file(tmp_path / "logs" / "bot.log", SOUND)
    done = command(LOG_DIR=str(tmp_path / "logs"))
    assert done.exit_code == 0
    assert f"read: {path}: 1 line" in done.stdout


def test_standard_input() -> None:
    assert command("-", input=SOUND).exit_code == 0
    done = command("-", input=SOUND + WRONG)
    assert done.exit_code == 1
    assert done.stdout.startswith("-:2: wrong_type")


def test_json_is_one_document(tmp_path: Path) -> None:
    path = file(tmp_path / "x", WRONG)
    document = json.loads(command(path, "--output", "json").stdout)
    assert document["findings"][0]["file"] == path
    assert document["findings"][0]["line"] == 1
    assert document["findings"][0]["kind"] == "wrong_type"
    assert document["findings"][0]["severity"] == "problem"
    assert document["files"] == [{"name": path, "lines": 1, "bytes": len(WRONG)}]
    assert (document["problems"], document["counts"]) == (1, {"wrong_type": 1})


def test_jsonl_is_one_object_per_finding_and_the_summary_last(tmp_path: Path) -> None:
    done = command(file(tmp_path / "x", WRONG, line("colour=green")), "--output", "jsonl")
    found = [json.loads(text) for text in done.stdout.splitlines()]
    assert [one["type"] for one in found] == ["finding", "finding", "summary"]
    assert (found[2]["lines"], found[2]["problems"], found[2]["notes"]) == (2, 1, 1)


@pytest.mark.parametrize("output", ["text", "json", "jsonl"])
def test_what_cannot_be_read_exits_with_2_and_the_rest_is_read(tmp_path: Path, output: str) -> None:
    (tmp_path / "empty").mkdir()
    whole = file(tmp_path / "whole.gz", *[SOUND] * 2000)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(Path(whole).read_bytes()[:-20])
    no_gzip = tmp_path / "no.gz"
    no_gzip.write_text("plain")
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(Path(whole).read_bytes()[:40] + b"\xff" * 40)
    missing = tmp_path / "missing"
    nowhere = [missing, no_gzip / "x", tmp_path / ("x" * 300)]
    paths = [cut, no_gzip, damaged, tmp_path / "empty", *nowhere]
    sound = file(tmp_path / "sound", SOUND)
    done = command(*map(str, paths), sound, "--output", output)
    assert done.exit_code == 2
    for path, told in zip(paths, done.stderr.splitlines(), strict=True):
        assert told.startswith(f"tradebot: cannot be read: {path}: ")
    assert "no bot.log" in done.stderr
    assert sound in done.stdout
    assert not any(str(path) in done.stdout for path in nowhere) or output != "text"


def test_the_last_line_of_the_text_counts_what_could_not_be_read(tmp_path: Path) -> None:
    cut = Path(file(tmp_path / "cut.gz", SOUND))
    cut.write_bytes(cut.read_bytes()[:-9])
    for unread in (cut, tmp_path / "missing", tmp_path):
        for more in ([], [file(tmp_path / "sound", SOUND)]):
            done = command(str(unread), *more)
            assert done.exit_code == 2
            assert done.stdout.endswith(": no problems, no notes; 1 could not be read\n")
    assert "no lines in no files: no problems" in command(str(tmp_path / "missing")).stdout


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = Path(file(tmp_path / "x", SOUND))
    path.chmod(0)
    done = command(str(path))
    assert done.exit_code == 2
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("argument", ["--max=-1", "--output=xml", "--maximum=3"])
def test_wrong_use_exits_with_2(argument: str) -> None:
    assert command(argument).exit_code == 2


def test_an_empty_file_has_no_lines_and_nothing_wrong(tmp_path: Path) -> None:
    done = command(file(tmp_path / "bot.log"))
    assert done.exit_code == 0
    assert "no lines in 1 file" in done.stdout


def test_one_line_of_many_megabytes_and_a_log_of_many_lines_cost_little_memory(
    tmp_path: Path,
) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as stream:
        stream.truncate(100_000_000)  # a hole: zeros that take no room on the disk
    many = tmp_path / "many"
    with many.open("w", encoding="utf-8") as stream:
        stream.writelines(line(f'msg="line {number} of many"') for number in range(30_000))
    program = (
        "import resource, sys\n"
        "from tradebot.logtools import lint_paths\n"
        "report = lint_paths(sys.argv[1:])\n"
        "print(report.lines, report.problems)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    pytest.importorskip("resource", reason="measures memory by POSIX's getrusage")
    peaks: list[int] = []
    for arguments in ([], [str(huge)], [str(many)]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        told, peak = done.stdout.splitlines()
        assert told == ["0 0", "1 1", "30000 0"][len(peaks)]
        peaks.append(int(peak))
    # KiB; the lines of `many`, kept, would be more
    assert max(peaks) - peaks[0] < 12_000


@given(st.lists(st.binary(max_size=80).map(lambda data: data.replace(b"\n", b" "))))
def test_rubbish_is_told_and_never_raised(lines: list[bytes]) -> None:
    report = lint(data + b"\n" for data in lines)
    assert report.lines == len(lines)
    assert sum(report.counts.values()) >= len([data for data in lines if data])


@given(st.data())
def test_a_sound_line_that_was_tampered_with_never_raises(data: st.DataObject) -> None:
    sound = line('symbol=AAPL:xnas note="a \\"b\\" \\u2028" msg="some text"').encode()
    begin = data.draw(st.integers(0, len(sound)))
    end = data.draw(st.integers(begin, len(sound)))
    lint([sound[:begin] + data.draw(st.binary(max_size=6)) + sound[end:]])


def test_every_beginning_of_a_line_is_taken_for_one() -> None:
    text = line('order_id=12 note=a.b msg="a \\"q\\" \\n \\u2028 ü b" stack="x\\\\y"').rstrip("\n")
    assert not [text[:end] for end in range(1, len(text)) if not is_beginning(text[:end])]
    for other in ("", "Traceback", "2025-12-17 07:12", text + "\r", text.replace("INFO ", "INFO")):
        assert not is_beginning(other)


def test_the_report_says_what_it_read(tmp_path: Path) -> None:
    path = file(tmp_path / "bot.log", SOUND, "\n", SOUND)
    report = lint_paths([path])
    assert [(one.name, one.lines, one.bytes) for one in report.files] == [
        (path, 3, len(SOUND) * 2 + 1)
    ]
    assert not report.unreadable
