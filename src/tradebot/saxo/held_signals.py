"""Signals that wait until something is finished which must not be left half done."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
"""What people, schedulers, closing terminals and Windows consoles end a process with."""


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Let each of them that arrives inside take effect, in its order, at the end of the block.

    Handlers are exchanged rather than signals blocked: what is blocked for this thread would be
    delivered to another one. Outside of the main thread, where Python has no handlers, it does
    nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    # None is a handler that was not set by Python: it could not be put back.
    numbers = [number for number in numbers if signal.getsignal(number) is not None]
    before = {n: signal.signal(n, lambda number, _frame: arrived.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)
