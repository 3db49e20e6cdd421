"""python-json-logger: fields as extra=, one JSON object to a line."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from benchmarks.careful import careful_fields
from benchmarks.event import NAME, RUN, Order
from benchmarks.peers import Redaction
from benchmarks.peers.stdlib import logger_over

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _Redacting(JsonFormatter):
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        careful_fields(log_data)
        return log_data


class _Log:
    def __init__(self, handler: logging.Handler) -> None:
        self._logger = logger_over(handler)
        self.close = handler.close

    def order(self, order: Order) -> None:
        self._logger.info(
            NAME,
            extra={
                "instrument_id": order.instrument_id,
                "asset_type": order.asset_type,
                "uic": order.uic,
                "client_key": order.client_key,
                "account_key": order.account_key,
                "http_status": order.http_status,
                "latency_ms": order.latency_ms,
                "saxo_request_id": order.saxo_request_id,
                "external_reference": order.external_reference,
                "order_id": order.order_id,
            },
        )

    def told(self, message: str, fields: Mapping[str, object]) -> None:
        self._logger.info(message, extra=fields)


def open_file(path: Path, redaction: Redaction) -> _Log:
    handler = logging.FileHandler(path, encoding="utf-8")
    kind = JsonFormatter if redaction == "none" else _Redacting
    handler.setFormatter(kind(_FORMAT, static_fields=dataclasses.asdict(RUN)))
    return _Log(handler)
