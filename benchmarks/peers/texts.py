"""Peers that take finished text: the application formats, the peer writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.event import Order, as_text


class TextLog:
    """A `Log` over one function that writes a text."""

    def __init__(self, info: Callable[[str], object], close: Callable[[], object]) -> None:
        self._info = info
        self._close = close

    def order(self, order: Order) -> None:
        self._info(as_text(order))

    def told(self, message: str, fields: Mapping[str, object]) -> None:
        self._info(" ".join([message, *[f"{key}={value}" for key, value in fields.items()]]))

    def close(self) -> None:
        self._close()
