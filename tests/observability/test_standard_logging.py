"""Levels, handlers and filters: an event behaves as the standard `logging` promises."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tradebot.observability import (
    CorrelationFilter,
    Session,
    bind,
    log_event,
    register_secret,
    setup_logging,
)
from tradebot.observability.line import LogLine, parse
from tradebot.vocabulary import CATALOGUE

Lines = Callable[[], list[LogLine]]


def test_levels_thin_out_everything_but_the_audit_trail(folder: Path, bare_root: str) -> None:
    with setup_logging(
        folder, level="ERROR", console_level="FATAL", catalogue=CATALOGUE, console=False
    ):
        assert log_event("marketdata_fetch_begin", instruments=1) is False
        assert log_event("startup_begin") is True
        assert log_event("settings_warning") is True
        assert log_event("http_request", level="DEBUG") is False
        logging.getLogger("lib").warning("a library's warning")
    events = [parse(line).event for line in (folder / "bot.log").read_text().splitlines()]
    assert events == ["startup_begin", "settings_warning"]


def test_debug_lines_appear_when_asked_for(folder: Path, bare_root: str) -> None:
    with setup_logging(folder, level="DEBUG", catalogue=CATALOGUE, console=False):
        with bind(http_method="GET", http_url_path="/a", http_status=200):
            assert log_event("http_request", latency_ms=1.5)
        assert log_event("startup_begin", level="nonsense")
    levels = [parse(line).level for line in (folder / "bot.log").read_text().splitlines()]
    assert levels == ["DEBUG", "WARN"]


def test_handlers_of_others_see_the_event_masked(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger().addHandler(caplog.handler)
    register_secret("hunter2hunter2")
    log_event("cycle_begin", "with hunter2hunter2", slot="2025-12-17T07:10:00Z")
    logging.getLogger().removeHandler(caplog.handler)

    record = caplog.records[-1]
    assert record.getMessage() == "cycle_begin"
    assert vars(record)["fields"] == {"slot": "2025-12-17T07:10:00Z", "msg": "with ***"}
    assert vars(record)["cycle_id"] == 42
    assert "hunter2" not in str(vars(record))


def test_filters_of_others_are_respected(session: Session, lines: Lines) -> None:
    logger = logging.getLogger("filtered")
    logger.addFilter(lambda record: record.getMessage() != "cycle_begin")
    try:
        assert log_event("cycle_begin", logger=logger) is False
        assert log_event("startup_begin", logger=logger) is True
    finally:
        logger.filters.clear()
    assert [line.event for line in lines()] == ["startup_begin"]


def test_the_audit_trail_survives_that_somebody_takes_our_handlers_away(
    session: Session, lines: Lines
) -> None:
    root = logging.getLogger()
    handlers = list(root.handlers)
    root.handlers.clear()
    try:
        assert log_event("startup_begin") is True
        assert log_event("marketdata_fetch_begin", instruments=1) is False
    finally:
        root.handlers[:] = handlers
    assert [line.event for line in lines()] == ["startup_begin"]


def test_a_handler_of_ones_own_can_have_the_correlation_fields(session: Session) -> None:
    filter_ = CorrelationFilter()
    record = logging.makeLogRecord({"name": "x"})
    assert filter_.filter(record)
    assert vars(record)["cycle_id"] == 42
    session.close()
    assert filter_.filter(record)
    assert vars(record)["cycle_id"] == "-"


def test_without_a_session_events_become_masked_records(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with bind(zone="a"):
        reached = log_event("whatever", "a text", access_token="abc", exc_info=ValueError("x"))
    assert reached is False
    message = caplog.records[-1].getMessage()
    assert message.startswith("whatever zone=a exc_type=ValueError exc_msg=x stack=")
    assert message.endswith('access_token=*** msg="a text"')
    assert caplog.records[-1].name == __name__


def test_two_keys_that_are_written_alike_are_told_apart(folder: Path, bare_root: str) -> None:
    with setup_logging(folder, console=False):
        logging.getLogger("theirs").warning("text", extra={"a-b": 1, "a_b": 2})
    line = parse((folder / "bot.log").read_text(encoding="utf-8").splitlines()[-1])
    assert sorted(line.fields[key] for key in line.fields if key.startswith("a_b")) == ["1", "2"]
