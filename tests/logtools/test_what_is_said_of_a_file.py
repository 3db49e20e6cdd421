"""From when to when a file is, what of it was read, and what of it was no line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from support.log_lines import line
from support.report_page import Nowhere
from tradebot.logtools.main import main
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.folder import Span, days_of, log_of, missing_days, span_of, within


def at(day: str, time: str) -> str:
    return line().replace("2025-12-17T07:12:03.214Z", f"{day}T{time}Z")


@pytest.fixture
def of_several_writers(tmp_path: Path) -> Path:
    """Neither is the first line the earliest one, nor the last one the latest."""
    path = tmp_path / "bot.log"
    path.write_text(
        at("2025-12-17", "00:00:00.007")
        + at("2025-12-16", "23:59:59.998")
        + at("2025-12-17", "12:00:00.000") * 1000
        + at("2025-12-18", "00:00:00.001")
        + at("2025-12-17", "23:59:59.999")
    )
    return path


def test_lines_of_several_processes_at_its_ends(of_several_writers: Path) -> None:
    (file,) = log_of([str(of_several_writers)])
    assert span_of(file) == Span("2025-12-16T23:59:59.998Z", "2025-12-18T00:00:00.001Z")
    assert [str(day) for day in days_of(file)] == ["2025-12-16", "2025-12-17", "2025-12-18"]
    for since, until in (("2025-12-18T00:00:00.000Z", ""), ("", "2025-12-17T00:00:00.000Z")):
        assert list(within([file], since, until)) == [file]
        assert len(list(entries([file], Selection(since, until), Notes()))) == 1


def test_a_time_that_never_was_says_nothing_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    path.write_text(
        at("0000-00-00", "00:00:00.000")
        + at("2025-12-17", "12:00:00.000")
        + at("2025-12-18", "12:00:00.000")
        + at("9999-99-99", "99:99:99.999")
    )
    (file,) = log_of([str(path)])
    assert span_of(file) == Span("2025-12-17T12:00:00.000Z", "2025-12-18T12:00:00.000Z")
    assert len(days_of(file)) == 2


def test_what_a_compressed_file_is_called_and_begins_with(tmp_path: Path) -> None:
    data = gzip.compress(
        (at("2025-12-16", "23:59:59.998") + at("2025-12-17", "09:00:00.000")).encode()
    )
    named = tmp_path / "bot.log.2025-12-17.gz"
    numbered = tmp_path / "bot.log.1.gz"
    damaged = tmp_path / "bot.log.2025-12-18.gz"
    last = tmp_path / "bot.log.9999-12-31.gz"
    for path in (named, numbered):
        path.write_bytes(data)
    for path in (damaged, last):
        path.write_bytes(b"no such file")
    spans = {file.name: span_of(file) for file in log_of([str(tmp_path)])}
    assert spans == {
        named.name: Span("2025-12-16T23:59:59.998Z", "2025-12-18T23:59:59.999Z"),
        numbered.name: Span("2025-12-16T23:59:59.998Z", ""),
        damaged.name: Span("2025-12-18T00:00:00.000Z", "2025-12-19T23:59:59.999Z"),
        last.name: Span("9999-12-31T00:00:00.000Z", ""),
    }
    assert missing_days(log_of([str(named), str(damaged)])) == []


def test_what_could_not_be_opened_was_not_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "bot.log.2025-12-17.gz"
    damaged.write_bytes(b"no such file")
    assert main(["orders", "--logs", str(tmp_path)], Nowhere()) == 2
    notes = capfd.readouterr().err
    assert "read: nothing\n" in notes
    assert f"cannot be read: {damaged}: not a whole gzip file" in notes
    assert "not read" not in notes
    (tmp_path / "bot.log").write_text("")
    assert main(["orders", "--logs", str(tmp_path)], Nowhere()) == 2
    assert "read: bot.log (0 bytes)\n" in capfd.readouterr().err


def test_a_line_that_is_being_written_is_not_foreign(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    path.write_text("of another program\n" + line(event="startup_begin") + line()[:90])
    notes = Notes()
    found = entries(log_of([str(path)]), Selection(), notes)
    assert [entry.event for entry in found] == ["startup_begin"]
    assert notes.odd == {"foreign": 1, "unfinished": 1}


@pytest.mark.parametrize("time", ["-99999999d", "-9999999999999999999999d", "-3w", "-2"])
def test_a_time_before_now_is_never_taken_for_an_option(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], time: str
) -> None:
    (tmp_path / "bot.log").write_text(line())
    for option in ("--since", "--until"):
        with pytest.raises(SystemExit) as end:
            main(["show", option, time, "--logs", str(tmp_path)], Nowhere())
        assert end.value.code == 2
        assert f"{option}: '{time}' is no time that is understood" in capfd.readouterr().err
