"""Whatever a log call is given, and whoever listens: no exception, and no audit line is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tradebot.observability import Session, get_logger, log_event, setup_logging
from tradebot.observability.line import LogLine

Lines = Callable[[], list[LogLine]]


class NoTruth:
    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")


class EmptyError(Exception):
    """One that is false in itself, as an exception that is also a list may be."""

    def __len__(self) -> int:
        return 0


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("somebody else's")


class RaisingFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("somebody else's")


def test_adapters_of_any_kind_may_be_nested(session: Session, lines: Lines) -> None:
    plain = logging.LoggerAdapter(logging.getLogger("a"), {"k": 1, "j": 1})
    log_event("log_message", "1", logger=logging.LoggerAdapter(plain, {"j": 2}))
    log_event("log_message", "2", logger=logging.LoggerAdapter(get_logger("a", k=1), {"j": 2}))
    get_logger(plain, j=2).info("3")
    log_event("log_message", "4", logger=get_logger(plain, j=2))

    for line in lines():
        assert line.component == "a"
        assert (line.fields["k"], line.fields["j"]) == ("1", "2")
    assert [line.fields["msg"] for line in lines()] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: log_event("log_message", "x", level=20.5),  # type: ignore[arg-type]
        lambda: log_event("log_message", "x", logger=[]),  # type: ignore[arg-type]
        lambda: log_event(["a"], "x"),  # type: ignore[arg-type]
        lambda: log_event("log_message", NoTruth()),  # type: ignore[arg-type]
        lambda: get_logger("a").info("x", extra={1: "v"}),  # type: ignore[dict-item]
    ],
    ids=["level", "logger", "event", "message", "extra"],
)
def test_nonsense_costs_at_most_its_own_fields(
    folder: Path, bare_root: str, call: Callable[[], Any]
) -> None:
    with setup_logging(folder, console=False):
        call()
    assert (folder / "bot.log").read_text().count("\n") == 1


def test_an_exception_that_is_false_is_shown(session: Session, lines: Lines) -> None:
    log_event("unexpected_exception", exc_info=EmptyError("what happened"))
    assert lines()[0].fields["exc_msg"] == "what happened"


@contextmanager
def in_the_way(what: logging.Handler | logging.Filter) -> Iterator[logging.Logger]:
    logger = logging.getLogger("tradebot.in_the_way")
    add: Any = logger.addHandler if isinstance(what, logging.Handler) else logger.addFilter
    remove: Any = logger.removeHandler if isinstance(what, logging.Handler) else logger.removeFilter
    add(what)
    try:
        yield logger
    finally:
        remove(what)


@pytest.mark.parametrize("what", [Raising(), RaisingFilter()], ids=["handler", "filter"])
def test_a_handler_of_somebody_else_that_raises_costs_no_line(
    session: Session, lines: Lines, what: logging.Handler | logging.Filter
) -> None:
    with in_the_way(what) as logger:
        assert log_event("unexpected_exception", "what happened", logger=logger)
        log_event("log_message", "and this", logger=logger)

    assert [line.component for line in lines()] == ["in_the_way"] * 2
    assert [line.fields["msg"] for line in lines()] == ["what happened", "and this"]


def test_a_level_on_our_handler_keeps_ordinary_lines_back_and_no_audit_line(
    session: Session, lines: Lines
) -> None:
    ours = session._recorder.handlers[0]
    ours.setLevel(logging.CRITICAL)
    for attached in (False, True):
        handler = logging.NullHandler()
        if attached:
            logging.getLogger().addHandler(handler)
        try:
            assert log_event("unexpected_exception", "kept")
            log_event("log_message", "kept back")
            get_logger("a").info("kept back")
        finally:
            logging.getLogger().removeHandler(handler)

    assert [line.fields["msg"] for line in lines()] == ["kept", "kept"]


def test_a_value_that_is_equal_and_another_is_written_anew(session: Session, lines: Lines) -> None:
    fields: dict[str, Any] = {"count": 1}
    logger = get_logger("a")
    logger.extra = fields
    logger.info("x")
    fields["count"] = True
    logger.info("x")

    assert [line.fields["count"] for line in lines()] == ["1", "true"]
