"""The standard library: what everything else is measured against."""

from __future__ import annotations

import itertools
import logging
import time
from pathlib import Path

from benchmarks.careful import Redact, careful, six_rules
from benchmarks.peers import Redaction
from benchmarks.peers.texts import TextLog

FORMAT = "%(asctime)s.%(msecs)03dZ | %(levelname)-5s | %(name)s | %(message)s"
_numbers = itertools.count()


class RedactingFilter(logging.Filter):
    """Formats the message early, so that what it redacts is what is written."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._redact(record.getMessage())
        record.args = None
        return True


def formatter() -> logging.Formatter:
    made = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    made.converter = time.gmtime
    return made


def logger_over(handler: logging.Handler) -> logging.Logger:
    """A logger of its own whose records go to `handler` and nowhere else."""
    logger = logging.getLogger(f"bench.peer{next(_numbers)}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    return logger


def text_log(handler: logging.Handler, redaction: Redaction = "none") -> TextLog:
    handler.setFormatter(formatter())
    if redaction != "none":
        handler.addFilter(RedactingFilter(careful if redaction == "careful" else six_rules))
    return TextLog(logger_over(handler).info, handler.close)


def open_file(path: Path, redaction: Redaction) -> TextLog:
    return text_log(logging.FileHandler(path, encoding="utf-8"), redaction)
