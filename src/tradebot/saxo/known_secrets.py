"""The broker's keys and tokens, made known to the log's redaction before anything logs them."""

from __future__ import annotations

from tradebot.observability import register_secret

_SHORTEST = 8
"""What is shorter cannot be removed from a text without taking half of the text with it."""


def keep_secret(value: str | None) -> None:
    """Remove `value` from everything that is logged from now on. Never raises.

    Of a value too short for that, only its field's name keeps it out of the log.
    """
    if value is not None and len(value) >= _SHORTEST:
        register_secret(value)
