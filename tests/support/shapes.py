"""Invented keys and instruments, and answers in the broker's form."""

from __future__ import annotations

from datetime import UTC, datetime

from support.scripted_http import Step, reply
from tradebot.model import InstrumentId

CLIENT_KEY = "Q2xp|ZW50+S2V5/MQ=="
ACCOUNT_KEY = "QWNj|b3VudC1LZXk="
APPLE = InstrumentId("Stock", 211)
EURUSD = InstrumentId("FxSpot", 21)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def answer(body: object) -> Step:
    return reply(200, body, {"Content-Type": "application/json; charset=utf-8"})
