"""LOG_QUEUE=true: lines are handed to a writer thread, for slow disks.

Lines are rendered by the caller, so what waits here is masked bytes. Taking from the queue and
writing happen under one lock, so the order of the lines never changes. Whoever finds the queue
full writes it out; an audit line first writes what came before it, then itself: nothing is
dropped, and `write` can say of an audit line that it is in the file.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
import weakref

from tradebot.observability.files import BotLog

LIMIT = 10_000
"""Lines that may wait."""

_JOIN_SECONDS = 5.0


class QueuedLog:
    """A BotLog behind a queue. Safe to use from several threads; synchronous in a forked child."""

    def __init__(self, log: BotLog, limit: int = LIMIT) -> None:
        self._log = log
        self._limit = limit
        self._lines: collections.deque[tuple[bytes, float, bool]] = collections.deque()
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._closing = False
        self._synchronous = False
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()
        _all_queues.add(self)

    def write(self, data: bytes, when: float, *, droppable: bool = False, now: bool = True) -> bool:
        """Append one line, or queue it when `now` is false.

        True when all of it is in the file; a queued line is not, yet.
        """
        if self._synchronous or self._closing:
            return self._log.write(data, when, droppable=droppable)
        if now:
            with self._lock:
                self.flush()
                return self._log.write(data, when, droppable=droppable)
        self._lines.append((data, when, droppable))
        if len(self._lines) >= self._limit:
            self.flush()
        elif not self._wake.is_set():
            self._wake.set()
        return False

    def flush(self) -> None:
        """Write everything that waits."""
        with self._lock:
            while self._lines:
                try:
                    data, when, droppable = self._lines.popleft()
                except IndexError:  # pragma: no cover - only a signal handler's flush in between
                    return
                self._log.write(data, when, droppable=droppable)

    def close(self) -> None:
        """Write everything, end the thread, close the file."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)
        self.flush()
        self._log.close()
        _all_queues.discard(self)

    def after_fork_in_child(self) -> None:
        """The writer thread stayed with the parent, and so do the lines that wait: it has them."""
        self._lines.clear()
        self._lock = threading.RLock()
        self._synchronous = True

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            with contextlib.suppress(Exception):
                self.flush()


_all_queues: weakref.WeakSet[QueuedLog] = weakref.WeakSet()


def _go_synchronous() -> None:
    for queue in list(_all_queues):
        queue.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_go_synchronous)
