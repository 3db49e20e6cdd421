"""A log whose every way out is watched: files, the console, and what other handlers are told."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from tradebot.observability import build_log_context, setup_logging
from tradebot.observability.redaction import SECRETS
from tradebot.vocabulary import CATALOGUE

MODES = ("direct", "through logging", "queue")
"""Only our own handlers; with a handler of somebody else's attached; with LOG_QUEUE."""


class Listener(logging.Handler):
    """Somebody else's handler. Of an event it keeps what is promised to be masked."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, "event"):
            self.heard.append(f"{record.event} {vars(record)['fields']} {record.getMessage()}")


class Output:
    """What came out. `text` is complete when the log is closed."""

    text = ""


@contextlib.contextmanager
def watched_log(folder: Path, mode: str) -> Iterator[Output]:
    """Log to `folder` in one of MODES. Known secrets are forgotten at the end."""
    output, listener, screen = Output(), Listener(), io.StringIO()
    root = logging.getLogger()
    others = [one for one in root.handlers if type(one).__module__.startswith("_pytest")]
    for handler in others:
        root.removeHandler(handler)
    if mode == "through logging":
        root.addHandler(listener)
    context = build_log_context(
        "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a", 1, dry_run=True, single_cycle=True, env="SIM"
    )
    real = sys.stdout, sys.stderr
    try:
        sys.stdout = sys.stderr = screen
        with setup_logging(folder, catalogue=CATALOGUE, context=context, queue=mode == "queue"):
            yield output
    finally:
        sys.stdout, sys.stderr = real
        root.removeHandler(listener)
        for handler in others:
            root.addHandler(handler)
        SECRETS.forget_all()
    files = [file.read_text(encoding="utf-8") for file in sorted(folder.iterdir())]
    output.text = "\n".join([*files, screen.getvalue(), *listener.heard])
