"""One of several writers of a rotating file, and the kinds of log that can be one."""

from __future__ import annotations

import importlib.util
import logging.handlers
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.event import Order, cycle
from benchmarks.peers import Log
from benchmarks.peers.stdlib import text_log

MODES = ("size", "time")
_SIZE = 200_000
_KEEP = 5000
_AFTER_SECONDS = 0.4
_MOST_LINES = 200_000


class Clock:
    """Stands ten seconds before a UTC midnight until it is told when that midnight is."""

    def __init__(self) -> None:
        self._real = time.time
        self._midnight = (self._real() // 86_400 + 1) * 86_400
        self._offset: float | None = None

    def release(self, real_midnight: float) -> None:
        self._offset = self._midnight - real_midnight

    def __call__(self) -> float:
        return self._midnight - 10 if self._offset is None else self._real() + self._offset

    def is_long_past_midnight(self) -> bool:
        return self() > self._midnight + _AFTER_SECONDS


def _use_everywhere(clock: Clock) -> None:
    """`logging` asks the module `time`; there is no other way to set its clock."""
    time.time = clock
    time.time_ns = lambda: int(clock() * 1e9)


def _ours(path: str, mode: str, clock: Clock) -> Log:
    from benchmarks.peers.ours import Events, start

    settings: dict[str, Any] = {"now": clock} if mode == "time" else {}
    return Events(
        start(
            Path(path),
            rotation_mode=mode,
            max_bytes=_SIZE,
            backup_count=0,
            retention_days=0,
            **settings,
        )
    )


def _stdlib(path: str, mode: str, clock: Clock) -> Log:
    if mode == "size":
        return text_log(
            logging.handlers.RotatingFileHandler(path, maxBytes=_SIZE, backupCount=_KEEP)
        )
    _use_everywhere(clock)
    return text_log(
        logging.handlers.TimedRotatingFileHandler(
            path, when="midnight", utc=True, backupCount=_KEEP
        )
    )


def _clh(path: str, mode: str, clock: Clock) -> Log:
    import concurrent_log_handler as clh

    if mode == "size":
        return text_log(
            clh.ConcurrentRotatingFileHandler(path, "a", maxBytes=_SIZE, backupCount=_KEEP)
        )
    _use_everywhere(clock)
    return text_log(
        clh.ConcurrentTimedRotatingFileHandler(path, when="midnight", utc=True, backupCount=_KEEP)
    )


def _loguru(path: str, _mode: str, _clock: Clock) -> Log:
    from loguru import logger

    from benchmarks.peers.texts import TextLog

    logger.remove()
    logger.add(path, rotation=_SIZE, format="{time} | {message}", diagnose=False)
    return TextLog(logger.info, logger.remove)


@dataclass(frozen=True, slots=True)
class Kind:
    """A log for several processes; `modes` are the ones whose clock can be set."""

    title: str
    open: Callable[[str, str, Clock], Log]
    package: str | None = None
    modes: tuple[str, ...] = MODES


KINDS = {
    "ours": Kind("tradebot log_event", _ours),
    "stdlib": Kind("logging, RotatingFileHandler or TimedRotatingFileHandler", _stdlib),
    "clh": Kind("concurrent-log-handler", _clh, "concurrent_log_handler"),
    "loguru": Kind("loguru", _loguru, "loguru", ("size",)),
}


def installed(kind: str) -> bool:
    package = KINDS[kind].package
    return package is None or importlib.util.find_spec(package) is not None


def write(kind: str, mode: str, path: str, tag: int, lines: int) -> tuple[int, float, float]:
    """In a child: say `ready`, wait for a line with the real time of midnight, and log.

    The number of lines that were logged, and when that began and ended on the monotonic clock.
    """
    clock = Clock()
    log = KINDS[kind].open(path, mode, clock)
    orders = cycle(max(lines, 100))
    print("ready", flush=True)
    clock.release(float(sys.stdin.readline()))
    begin = time.monotonic()
    written = 0
    while written < (lines if mode == "size" else _MOST_LINES):
        log.order(_numbered(orders[written % len(orders)], tag, written))
        written += 1
        if mode == "time" and clock.is_long_past_midnight():
            break
    log.close()
    return written, begin, time.monotonic()


def _numbered(order: Order, tag: int, number: int) -> Order:
    """The event with its writer and its number in it; `dataclasses.replace` takes longer."""
    return Order(
        order.instrument_id,
        order.asset_type,
        tag,
        order.client_key,
        order.account_key,
        order.http_status,
        order.latency_ms,
        order.saxo_request_id,
        order.external_reference,
        str(number),
    )
