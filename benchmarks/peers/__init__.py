"""Who is compared: each peer as its own documentation sets it up, without and with redaction."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from benchmarks.event import Order

Redaction = Literal["none", "careful", "six"]


class Log(Protocol):
    """An open log with one file behind it."""

    def order(self, order: Order) -> object:
        """Log the event of sixteen fields."""
        ...

    def told(self, message: str, fields: Mapping[str, object]) -> object:
        """Log a message, which may be empty, with fields, in the peer's own way."""
        ...

    def close(self) -> None:
        """Come back when everything is in the file."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to log. `package` is what has to be installed; None for what is always there."""

    key: str
    title: str
    module: str
    function: str
    redaction: Redaction
    package: str | None = None
    ours: bool = False

    @property
    def installed(self) -> bool:
        return self.package is None or importlib.util.find_spec(self.package) is not None

    def open(self, path: Path) -> Log:
        """Set the peer up, in this process, to write to `path`."""
        module = importlib.import_module(f"benchmarks.peers.{self.module}")
        factory = cast("Callable[[Path, Redaction], Log]", getattr(module, self.function))
        return factory(path, self.redaction)


def _both(key: str, title: str, module: str, function: str, package: str) -> tuple[Peer, Peer]:
    return (
        Peer(key, title, module, function, "none", package),
        Peer(f"{key}+", f"{title}, redacting", module, function, "careful", package),
    )


PLAIN = Peer("stdlib", "logging, f-string", "stdlib", "open_file", "none")
CAREFUL = Peer("stdlib+", "logging, f-string, redacting", "stdlib", "open_file", "careful")
SIX = Peer("stdlib6", "logging, f-string, six plain regexes", "stdlib", "open_file", "six")

OURS = (
    Peer("log_event", "tradebot log_event", "ours", "open_events", "careful", None, True),
    Peer("info", "tradebot logger.info, extra=", "ours", "open_extra", "careful", None, True),
    Peer(
        "info_text",
        "tradebot logger.info, ten pairs in %s",
        "ours",
        "open_text",
        "careful",
        None,
        True,
    ),
    Peer(
        "info_sentence",
        "tradebot logger.info, a sentence",
        "ours",
        "open_sentence",
        "careful",
        None,
        True,
    ),
)

PEERS: tuple[Peer, ...] = (
    *OURS,
    PLAIN,
    CAREFUL,
    SIX,
    *_both("structlog", "structlog, logfmt", "structlog_peer", "open_logfmt", "structlog"),
    *_both("structlog_json", "structlog, orjson", "structlog_peer", "open_json", "structlog"),
    *_both("loguru", "loguru", "loguru_peer", "open_file", "loguru"),
    *_both("clh", "concurrent-log-handler", "clh_peer", "open_file", "concurrent_log_handler"),
    *_both("json", "python-json-logger", "json_logger_peer", "open_file", "pythonjsonlogger"),
    *_both("picologging", "picologging", "picologging_peer", "open_file", "picologging"),
)

BY_KEY = {peer.key: peer for peer in PEERS}
