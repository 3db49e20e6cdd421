"""What is a warning, or nobody declared, is written whatever LOG_LEVEL says and way it takes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tradebot.observability import log_event, register_secret, setup_logging
from tradebot.observability.assembly import Assembler
from tradebot.observability.line import LogLine, parse
from tradebot.vocabulary import CATALOGUE

ERRORS = pytest.mark.parametrize("error", [None, ValueError("x")], ids=["plain", "exception"])


def lines(folder: Path) -> list[LogLine]:
    return [parse(line) for line in (folder / "bot.log").read_text("utf-8").splitlines()]


@ERRORS
def test_a_call_that_raises_the_level_to_warn(
    folder: Path, bare_root: str, error: ValueError | None
) -> None:
    with setup_logging(folder, level="FATAL", catalogue=CATALOGUE, console=False):
        assert log_event("marketdata_fetch_begin", instruments=1, exc_info=error) is False
        assert log_event("marketdata_fetch_begin", level="WARN", instruments=1, exc_info=error)
    assert [line.level for line in lines(folder)] == ["WARN"]


@ERRORS
def test_an_event_nobody_declared(folder: Path, bare_root: str, error: ValueError | None) -> None:
    with setup_logging(folder, level="FATAL", catalogue=CATALOGUE, console=False):
        assert log_event("moon_landed", exc_info=error)
    assert [line.event for line in lines(folder)] == ["log_message"]


def test_a_librarys_warning_is_not_dropped_beyond_the_limit(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log.2025-12-16").write_bytes(b"x" * 1_100_000)
    with setup_logging(folder, console=False, max_total_mb=1):
        logging.getLogger("lib").warning("kept")
        logging.getLogger("lib").info("dropped")
    said = [line.fields.get("msg") for line in lines(folder)]
    assert "kept" in said
    assert "dropped" not in said


def test_last_words_hold_no_name_that_nobody_declared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with setup_logging(folder, console=False):
        monkeypatch.setattr(Assembler, "layout", broken)
        assert log_event("not a name\nat all") is False
    assert [line.event for line in lines(folder)] == ["log_message"]


def test_without_a_session_the_name_of_an_event_is_masked_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    register_secret("hunter2hunter2")
    caplog.set_level(logging.DEBUG)
    log_event("hunter2hunter2")
    [record] = caplog.records
    assert "hunter2" not in caplog.text + str(vars(record))


def test_the_console_may_hear_more_than_the_file(folder: Path, bare_root: str) -> None:
    shown: list[str] = []

    def show(level: int, line: str) -> None:
        shown.append(line)

    with setup_logging(folder, console_level="DEBUG", console=show):
        logging.getLogger("lib").debug("one")
        log_event("log_message", "two", level="DEBUG")
    assert [parse(line.rstrip("\n")).fields["msg"] for line in shown] == ["one", "two"]
    assert lines(folder) == []
