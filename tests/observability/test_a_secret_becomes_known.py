"""From the moment `register_secret` has returned, no line has the secret, whatever was remembered,
whoever else was logging at that moment, and whatever a record brings with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradebot.observability import (
    Session,
    bind,
    get_logger,
    log_event,
    register_secret,
    setup_logging,
)
from tradebot.observability.line import LogLine
from tradebot.observability.plans import make_plan
from tradebot.observability.records import Finished
from tradebot.observability.redaction import FAILED

SECRET = "correcthorse"
Lines = Callable[[], list[LogLine]]


class Pause:
    """Stops the first thread that comes by, until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._go = threading.Event()
        self._armed = True

    def __call__(self) -> None:
        if self._armed:
            self._armed = False
            self.reached.set()
            assert self._go.wait(10)

    def let_go(self) -> None:
        self._go.set()


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_another_thread_learns_is_not_taken_for_what_all_know(
    folder: Path, bare_root: str
) -> None:
    with setup_logging(folder, console=False) as session:
        log_event("log_message", SECRET)
        before = (folder / "bot.log").read_text()
        register_secret(SECRET)
        # A line that the log writes on its own account, as a queue's thread may at any time.
        in_a_thread(lambda: session._recorder.note("log_lines_lost", {"count": 1})).join()
        for _ in range(3):
            log_event("log_message", SECRET)
    assert SECRET in before
    assert SECRET not in (folder / "bot.log").read_text()[len(before) :]


@pytest.mark.parametrize("bare_root", ["direct"])  # the only way that has plans
def test_a_plan_that_was_under_way_is_not_kept(
    folder: Path, bare_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause, make = Pause(), make_plan

    def slow_plan(*given: Any) -> Any:
        plan = make(*given)
        pause()
        return plan

    with setup_logging(folder, console=False) as session:
        log_event("log_message", SECRET)
        monkeypatch.setattr("tradebot.observability.outlook.make_plan", slow_plan)
        other = in_a_thread(lambda: log_event("log_message", SECRET, count=1))
        assert pause.reached.wait(10)
        register_secret(SECRET)
        session.update_context(slot="2017-03-06T00:00:00Z")
        log_event("log_message", "something else")
        pause.let_go()
        other.join()
        begin = (folder / "bot.log").stat().st_size
        for _ in range(3):
            log_event("log_message", SECRET, count=1)
    later = (folder / "bot.log").read_text()[begin:]
    assert SECRET not in later
    assert later.count("slot=") == 3


def test_a_binding_that_is_written_by_two_threads(
    folder: Path, bare_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        setup_logging(folder, console=False, context={"note": SECRET}) as session,
        bind(other=SECRET),
    ):
        log_event("log_message", "before")
        assembler = session._recorder.assembler
        pause, pairs = Pause(), assembler.pairs

        def slow_pairs(*given: Any) -> Any:
            made = pairs(*given)
            if threading.current_thread() is not threading.main_thread():
                pause()
            return made

        monkeypatch.setattr(assembler, "pairs", slow_pairs)
        session.update_context(count=1)
        other = in_a_thread(lambda: log_event("log_message", "under way"))
        assert pause.reached.wait(10)
        register_secret(SECRET)
        pause.let_go()
        other.join()
        begin = (folder / "bot.log").stat().st_size
        for _ in range(2):
            log_event("log_message", "after")
    assert SECRET not in (folder / "bot.log").read_text()[begin:]


@pytest.mark.parametrize("line", [f"raw {SECRET}\nand a second line\n", 17, None])
@pytest.mark.parametrize("through", ["logger", "adapter"])
def test_a_record_brings_no_line_of_its_own(
    session: Session, lines: Lines, line: object, through: str
) -> None:
    register_secret(SECRET)
    logger = logging.getLogger("lib") if through == "logger" else get_logger("lib")
    logger.error("what happened", extra={"_line": line, Finished.ATTRIBUTE: line})

    (written,) = lines()
    assert written.fields["msg"] == "what happened"
    assert SECRET not in str(written)


def test_a_record_that_comes_again_is_written_with_what_is_known_by_then(
    session: Session, lines: Lines
) -> None:
    logger = logging.getLogger("lib")
    record = logger.makeRecord("lib", logging.ERROR, "", 0, SECRET, (), None)
    logger.handle(record)
    register_secret(SECRET)
    logger.handle(record)

    assert [line.fields["msg"] for line in lines()] == [SECRET, "***"]


def test_a_failure_that_passes_is_not_remembered(
    session: Session, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("tradebot.observability.shapes.Shapes.hide_in_text", lambda *_: 1 / 0)
        log_event("log_message", "some text")
    log_event("log_message", "some text")

    assert [line.fields["msg"] for line in lines()] == [FAILED, "some text"]
