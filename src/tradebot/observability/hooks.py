"""Whatever would otherwise be printed raw goes through the log: exceptions nobody caught,
warnings, and records that find no handler.

The interpreter's own hooks print tracebacks and messages as they are, secrets included. Ours log
`unexpected_exception` and print nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from tradebot.observability.log_context import log_event
from tradebot.observability.redaction import mask_sensitive
from tradebot.observability.system_files import note_on_stderr

_EVENT = "unexpected_exception"
_LOGGER = "observability.hooks"
_NOT_LOGGED = "it could not be logged"


class Hooks:
    """Installs the hooks; `remove` gives back what was there, where it is still ours."""

    def __init__(self, console_is_on: Callable[[], bool]) -> None:
        self._console_is_on = console_is_on
        self._except = sys.excepthook
        self._thread = threading.excepthook
        self._unraisable = sys.unraisablehook
        # Bound methods are made anew at each access; these are the ones installed.
        self._ours = (self._on_exception, self._on_thread_exception, self._on_unraisable)
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._ours
        logging.captureWarnings(True)
        logging.lastResort = MaskedLastResort(logging.WARNING)

    def remove(self) -> None:
        """Undo everything but the masked last resort: it is right for whatever comes after."""
        if sys.excepthook is self._ours[0]:
            sys.excepthook = self._except
        if threading.excepthook is self._ours[1]:
            threading.excepthook = self._thread
        if sys.unraisablehook is self._ours[2]:
            sys.unraisablehook = self._unraisable
        logging.captureWarnings(False)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        with _nothing_escapes(error):
            if issubclass(kind, KeyboardInterrupt):
                note_on_stderr("interrupted")
                return
            reached = log_event(
                _EVENT, "nothing caught this", logger=_LOGGER, exc_info=(kind, error, trace)
            )
            if not (reached and self._console_is_on()):
                _note(error, "see the log" if reached else _NOT_LOGGED)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit or args.exc_value is None:
            return
        with _nothing_escapes(args.exc_value):
            name = args.thread.name if args.thread else "unknown"
            log_event(
                _EVENT,
                f"in thread {name}",
                logger=_LOGGER,
                exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
            )

    def _on_unraisable(self, args: Any) -> None:
        if args.exc_value is None:
            return
        with _nothing_escapes(args.exc_value):
            log_event(
                _EVENT,
                f"{args.err_msg or 'Exception ignored in'}: {_name(args.object)}",
                logger=_LOGGER,
                exc_info=(type(args.exc_value), args.exc_value, args.exc_traceback),
            )


class MaskedLastResort(logging.Handler):
    """What `logging` uses when nobody has set it up: a masked line on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                text = f"{text} ({type(error).__name__}: {_text(error)})"
            note_on_stderr(mask_sensitive(text, "msg"))
        except Exception:  # noqa: BLE001 - `handleError` would print the raw record
            note_on_stderr("tradebot: a log record could not be shown")


@contextlib.contextmanager
def _nothing_escapes(error: BaseException) -> Iterator[None]:
    """Of a hook that fails, the interpreter prints both exceptions as they are."""
    try:
        yield
    except BaseException:  # noqa: BLE001 - an interrupt would have the same effect
        try:
            _note(error, _NOT_LOGGED)
        except BaseException:  # noqa: BLE001 - so would this
            note_on_stderr("tradebot: an exception could not be shown")


def _note(error: BaseException, where: str) -> None:
    kind = mask_sensitive(type(error).__name__, "exc_type")
    note_on_stderr(f"tradebot: {kind}: {mask_sensitive(_text(error), 'exc_msg')} ({where})")


def _name(thing: object) -> str:
    try:
        return str(getattr(thing, "__qualname__", type(thing).__name__))
    except Exception:  # noqa: BLE001 - what a proxy stands for may be gone, and it says so
        return type(thing).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception's own __str__ may raise anything
        return "<unprintable>"
