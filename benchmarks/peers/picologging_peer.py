"""picologging: the standard library's interface, written in C++."""

from __future__ import annotations

from pathlib import Path

import picologging

from benchmarks.careful import careful
from benchmarks.event import COMPONENT
from benchmarks.peers import Redaction
from benchmarks.peers.texts import TextLog


class _Redacting(picologging.Filter):
    def filter(self, record: picologging.LogRecord) -> bool:
        record.msg = careful(record.getMessage())
        record.args = None
        return True


def open_file(path: Path, redaction: Redaction) -> TextLog:
    handler = picologging.FileHandler(str(path), encoding="utf-8")
    handler.setFormatter(
        picologging.Formatter("%(asctime)s | %(levelname)s | %(name)s | %(message)s")
    )
    if redaction != "none":
        handler.addFilter(_Redacting())
    logger = picologging.Logger(COMPONENT, picologging.INFO)
    logger.addHandler(handler)
    return TextLog(logger.info, handler.close)
