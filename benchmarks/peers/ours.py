"""The bot's own log as the bot sets it up: vocabulary, context, twelve secrets, rotation by day."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.event import COMPONENT, NAME, RUN, Order, secrets
from benchmarks.peers import Redaction
from tradebot.observability import (
    Session,
    build_log_context,
    get_logger,
    log_event,
    register_secret,
    setup_logging,
)
from tradebot.vocabulary import CATALOGUE


def start(path: Path, **settings: Any) -> Session:
    """A session that writes to `path`, which has to be called bot.log."""
    context = build_log_context(**dataclasses.asdict(RUN))
    session = setup_logging(
        path.parent, context=context, catalogue=CATALOGUE, console=False, **settings
    )
    for secret in secrets():
        register_secret(secret)
    return session


class Events:
    """`log_event`."""

    def __init__(self, session: Session) -> None:
        self.close = session.close

    def order(self, order: Order) -> bool:
        return log_event(
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

    def told(self, message: str, fields: Mapping[str, object]) -> bool:
        return log_event("log_message", message, **fields)  # type: ignore[arg-type]


class _Records(Events):
    """What goes through `logging`."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._logger = get_logger(COMPONENT)


class _Extra(_Records):
    def order(self, order: Order) -> bool:
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
        return True


class _Text(Events):
    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._logger = logging.getLogger(COMPONENT)

    def order(self, order: Order) -> bool:
        self._logger.info(
            "placed: instrument_id=%s asset_type=%s uic=%s client_key=%s account_key=%s "
            "http_status=%s latency_ms=%s saxo_request_id=%s external_reference=%s order_id=%s",
            order.instrument_id,
            order.asset_type,
            order.uic,
            order.client_key,
            order.account_key,
            order.http_status,
            order.latency_ms,
            order.saxo_request_id,
            order.external_reference,
            order.order_id,
        )
        return True


class _Sentence(_Text):
    def order(self, order: Order) -> bool:
        self._logger.info(
            "Order %s of %s was placed after %s ms.",
            order.external_reference,
            order.instrument_id,
            order.latency_ms,
        )
        return True


def open_events(path: Path, _redaction: Redaction) -> Events:
    return Events(start(path))


def open_extra(path: Path, _redaction: Redaction) -> Events:
    return _Extra(start(path))


def open_text(path: Path, _redaction: Redaction) -> Events:
    return _Text(start(path))


def open_sentence(path: Path, _redaction: Redaction) -> Events:
    return _Sentence(start(path))
