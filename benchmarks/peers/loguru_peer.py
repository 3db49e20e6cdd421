"""loguru with its file sink."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loguru import logger

from benchmarks.careful import careful
from benchmarks.peers import Redaction
from benchmarks.peers.texts import TextLog

FORMAT = "{time:YYYY-MM-DDTHH:mm:ss.SSS!UTC}Z | {level: <5} | {name} | {message}"


def _redact(record: Any) -> None:
    record["message"] = careful(record["message"])


def open_file(path: Path, redaction: Redaction) -> TextLog:
    logger.remove()
    logger.configure(patcher=_redact if redaction != "none" else None)
    logger.add(str(path), format=FORMAT, level="INFO", diagnose=False, backtrace=False)
    return TextLog(logger.info, logger.remove)
