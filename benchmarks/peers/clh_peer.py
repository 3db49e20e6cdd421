"""concurrent-log-handler: the usual answer to several processes with one rotating file."""

from __future__ import annotations

from pathlib import Path

import concurrent_log_handler

from benchmarks.peers import Redaction
from benchmarks.peers.stdlib import text_log
from benchmarks.peers.texts import TextLog


def open_file(path: Path, redaction: Redaction) -> TextLog:
    handler = concurrent_log_handler.ConcurrentRotatingFileHandler(
        str(path), "a", maxBytes=1 << 30, backupCount=5, encoding="utf-8"
    )
    return text_log(handler, redaction)
