"""Changes to the program, by name, that a child applies to itself before it runs.

Some take a protection away, so that a test can see what another one is worth; some are the
mistakes that the judge must notice; some end the process at a line of the program.
"""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import tradebot.app
from support.torture.fast_clock import FastClock
from tradebot import observability
from tradebot.execution.earlier_orders import EarlierOrders
from tradebot.journal.orders import Orders
from tradebot.saxo.client import SaxoClient
from tradebot.scheduling.run_lock import RunLock


def apply(clock: str, hooks: Sequence[str]) -> None:
    """Give the program the clock at this path, and what else is asked for by name."""
    _put(tradebot.app, "SystemClock", lambda: FastClock(Path(clock)))
    for name in hooks:
        HOOKS[name]()


def _put(owner: Any, name: str, new: Any) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner} has no {name} any more: the hook changes nothing")
    setattr(owner, name, new)


def _die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process went on")


def _no_lock() -> None:
    """Every run believes to be the only one."""

    def acquire(self: RunLock, **_: object) -> None:
        self._descriptor = os.open(os.devnull, os.O_RDWR)

    _put(RunLock, "acquire", acquire)
    _put(RunLock, "is_intact", lambda _lock: True)


def _forgets_sending() -> None:
    """An order is sent without the journal being told before."""
    _put(Orders, "mark_sent", lambda *_, **__: True)


def _looks_for_nothing() -> None:
    """The broker is not asked for orders of the same decision before one is sent."""
    _put(EarlierOrders, "find", lambda *_, **__: None)
    _put(EarlierOrders, "still_counts", lambda *_: True)


def _sends_twice() -> None:
    """Each order is sent once more, as another request."""
    real = SaxoClient.place_order

    def place_order(self: SaxoClient, order: Any, **more: Any) -> Any:
        real(self, order, **more)
        return real(self, order, **{**more, "request_id": str(uuid.uuid4())})

    _put(SaxoClient, "place_order", place_order)


def _says_nothing() -> None:
    """The line of a verdict is not written, and said to be."""
    real = observability.log_event

    def log_event(event: str, *arguments: Any, **more: Any) -> bool:
        return event == "execution_completed" or real(event, *arguments, **more)

    for name, module in list(sys.modules.items()):
        if name.startswith("tradebot.execution.") and hasattr(module, "log_event"):
            _put(module, "log_event", log_event)


def _dies_after_the_order() -> None:
    """Killed when the broker has answered, before anything is made of the answer."""
    real = SaxoClient.place_order

    def place_order(self: SaxoClient, order: Any, **more: Any) -> Any:
        real(self, order, **more)
        _die()

    _put(SaxoClient, "place_order", place_order)


def _dies_before_the_order() -> None:
    """Killed when the order is marked as sent, before it leaves."""
    _put(SaxoClient, "place_order", _die)


def _dies_before_the_precheck() -> None:
    """Killed with an intent that nothing was sent for."""
    _put(SaxoClient, "precheck", _die)


def _dies_before_the_verdict_is_told() -> None:
    """Killed between a verdict in the journal and its line in the log."""
    _put(Orders, "mark_logged", _die)


HOOKS: dict[str, Callable[[], None]] = {
    "no_lock": _no_lock,
    "forgets_sending": _forgets_sending,
    "looks_for_nothing": _looks_for_nothing,
    "sends_twice": _sends_twice,
    "says_nothing": _says_nothing,
    "dies_after_the_order": _dies_after_the_order,
    "dies_before_the_order": _dies_before_the_order,
    "dies_before_the_precheck": _dies_before_the_precheck,
    "dies_before_the_verdict_is_told": _dies_before_the_verdict_is_told,
}
