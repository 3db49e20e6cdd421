"""structlog on its own, without the standard library behind it: its fastest way."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from benchmarks.careful import careful_fields
from benchmarks.event import COMPONENT, NAME, RUN, Order
from benchmarks.peers import Redaction


def _redact(_logger: Any, _method: str, event_dict: Any) -> Any:
    return careful_fields(event_dict)


class _Log:
    def __init__(self, processors: list[Any], factory: Any, file: Any) -> None:
        structlog.configure(
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            context_class=dict,
            logger_factory=factory,
            cache_logger_on_first_use=True,
        )
        logger: Any = structlog.get_logger()
        self._logger: Any = logger.bind(logger=COMPONENT, **dataclasses.asdict(RUN))
        self.close = file.close

    def order(self, order: Order) -> None:
        self._logger.info(
            NAME,
            instrument_id=order.instrument_id,
            asset_type=order.asset_type,
            uic=order.uic,
            client_key=order.client_key,
            account_key=order.account_key,
            http_status=order.http_status,
            latency_ms=order.latency_ms,
            saxo_request_id=order.saxo_request_id,
            external_reference=order.external_reference,
            order_id=order.order_id,
        )

    def told(self, message: str, fields: Mapping[str, object]) -> None:
        self._logger.info(message, **fields)


def _processors(redaction: Redaction) -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        *([] if redaction == "none" else [_redact]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def open_logfmt(path: Path, redaction: Redaction) -> _Log:
    file = path.open("w", encoding="utf-8")
    render = structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "logger", "event"], bool_as_flag=False
    )
    return _Log([*_processors(redaction), render], structlog.WriteLoggerFactory(file), file)


def open_json(path: Path, redaction: Redaction) -> _Log:
    import orjson

    file = path.open("wb")
    render = structlog.processors.JSONRenderer(serializer=orjson.dumps)
    return _Log([*_processors(redaction), render], structlog.BytesLoggerFactory(file), file)
