"""After a session the hooks and signal handlers are those that were there before, or nobody's."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradebot.observability import log_event, setup_logging


@pytest.fixture
def unhandled_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_every_hook_is_given_back(folder: Path) -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    with setup_logging(folder, console=False):
        during = sys.excepthook, threading.excepthook, sys.unraisablehook
        assert not any(ours is theirs for ours, theirs in zip(during, before, strict=True))
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


@pytest.mark.usefixtures("unhandled_sigterm")
def test_a_handler_that_somebody_set_meanwhile_stays(folder: Path) -> None:
    def theirs(*_: object) -> None:
        raise AssertionError

    with setup_logging(folder, console=False, queue=True):
        signal.signal(signal.SIGTERM, theirs)
    assert signal.getsignal(signal.SIGTERM) is theirs


@pytest.mark.usefixtures("unhandled_sigterm")
def test_a_session_with_a_queue_may_begin_in_any_thread(folder: Path) -> None:
    """Only the main thread may set signal handlers."""
    reached: list[bool] = []

    def work() -> None:
        with setup_logging(folder, console=False, queue=True):
            reached.append(log_event("log_message", level="WARN"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached == [True]


def test_what_fails_after_the_log_was_closed_at_exit_is_masked(folder: Path) -> None:
    program = """
        import atexit, sys
        from tradebot.observability import register_secret, setup_logging

        class Dying:
            def __del__(self):
                raise ValueError("hunter2hunter2hunter2")

        register_secret("hunter2hunter2hunter2")
        atexit.register(lambda: Dying() and None)  # called after the session's own
        setup_logging(sys.argv[1], console=False)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "ValueError" in done.stderr
    assert "hunter2" not in done.stderr
