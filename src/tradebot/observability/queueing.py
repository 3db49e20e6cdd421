"""LOG_QUEUE=true: lines are handed to a writer thread, for slow disks.

Lines are rendered by the caller, so what waits here is masked bytes. One thread writes them, in
the order in which they were handed over. Whoever finds the queue full waits until it is written
out; an audit line waits until it is written itself, and with it all that came before it: nothing
is dropped, and `write` can say of an audit line that it is in the file.

Nobody else writes, because a signal handler runs in the midst of whatever its thread is doing: a
line that this thread had taken from the queue and not yet written would be lost if the handler
ends the process, and would come after the handler's own lines if it does not.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from queue import Empty, SimpleQueue
from typing import Protocol

from tradebot.observability.files import BotLog
from tradebot.observability.system_files import note_on_stderr

LIMIT = 10_000
"""Lines that may wait."""

_PATIENCE_SECONDS = 5.0
"""How long an ending waits for the disk to take one more line."""


class Sink(Protocol):
    """Where finished lines go: a BotLog, or a queue before one."""

    def write(self, data: bytes, when: float, *, droppable: bool, now: bool) -> bool: ...


class _Receipt:
    """What a caller waits for: its line is written, or could not be."""

    __slots__ = ("_open", "reached")

    def __init__(self) -> None:
        self.reached = False
        self._open = threading.Lock()
        self._open.acquire()

    def give(self, reached: bool) -> None:
        self.reached = reached
        self._open.release()

    def wait(self, seconds: float = -1) -> bool:
        """False when it has not come after so many seconds; negative waits for ever."""
        return self._open.acquire(timeout=seconds)


_Item = tuple[bytes, float, bool, _Receipt | None]
"""A line, its time, whether it may be dropped, who waits for it. Without a line: a mark."""


class QueuedLog:
    """A BotLog behind a queue. Safe to use from several threads; synchronous in a forked child."""

    def __init__(self, log: BotLog, limit: int = LIMIT) -> None:
        self._log = log
        self._limit = limit
        self._lines: SimpleQueue[_Item | None] = SimpleQueue()
        self._written = 0
        self._draining = threading.RLock()
        self._closed = False
        self._abandoned = False
        self._complained = False
        self._synchronous = False
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no more threads here
            self._synchronous = True
        _all_queues.add(self)

    def write(self, data: bytes, when: float, *, droppable: bool = False, now: bool = True) -> bool:
        """Append one line, or queue it when `now` is false.

        True when all of it is in the file; a queued line is not, yet.
        """
        if self._synchronous:
            return self._log.write(data, when, droppable=droppable, now=now)
        if self._abandoned:
            return False
        if not now:
            self._put((data, when, droppable, None))
            if self._lines.qsize() >= self._limit and not self._is_the_writer():
                self._put_mark().wait()
            return False
        if self._is_the_writer():  # a destructor that logs may interrupt it: it must not wait
            return self._log.write(data, when, droppable=droppable)
        receipt = _Receipt()
        self._put((data, when, droppable, receipt))
        receipt.wait()
        return receipt.reached

    def flush(self) -> bool:
        """Wait until everything that waits is written. False: the disk takes no line any more."""
        if self._synchronous or self._closed or self._is_the_writer():
            return True
        mark = self._put_mark()
        written = self._written
        while not mark.wait(_PATIENCE_SECONDS):
            if written == self._written:
                self._complain()
                return False
            written = self._written
        return True

    def close(self) -> None:
        """Write everything, end the thread, close the file."""
        _all_queues.discard(self)
        self._abandoned = not self.flush()
        if self._abandoned:
            return  # the file is in the hands of a thread that hangs
        self._lines.put(None)
        self._closed = True
        self._serve_the_late()
        self._log.close()

    def after_fork_in_child(self) -> None:
        """The writer thread stayed with the parent, and so do the lines that wait: it has them."""
        self._lines = SimpleQueue()
        self._draining = threading.RLock()
        self._synchronous = True

    def _is_the_writer(self) -> bool:
        return threading.get_ident() == self._thread.ident

    def _put(self, item: _Item) -> None:
        self._lines.put(item)
        if self._closed:
            self._serve_the_late()

    def _put_mark(self) -> _Receipt:
        mark = _Receipt()
        self._put((b"", 0.0, False, mark))
        return mark

    def _complain(self) -> None:
        if not self._complained:
            self._complained = True
            # The line that hangs is not in the queue any more, but our mark is.
            note_on_stderr(
                f"tradebot: {self._log.path} has taken no line for {_PATIENCE_SECONDS:g} seconds: "
                f"{self._lines.qsize()} log lines still wait in memory, and are lost unless it "
                "takes them before this process ends. Look at the disk, or at the network if the "
                "folder is on another machine."
            )

    def _work(self) -> None:
        while (item := self._lines.get()) is not None:
            self._deliver(item)

    def _deliver(self, item: _Item) -> None:
        data, when, droppable, receipt = item
        reached = False
        try:
            if data:
                now = receipt is not None
                reached = self._log.write(data, when, droppable=droppable, now=now)
        except Exception:  # noqa: BLE001, S110 - a line that breaks the writer must not end it
            pass
        self._written += 1
        if receipt is not None:
            receipt.give(reached)

    def _serve_the_late(self) -> None:
        """Write what another thread handed over while the writer was ending."""
        if not self._synchronous and not self._is_the_writer():
            self._thread.join()
        with self._draining, contextlib.suppress(Empty):
            while True:
                item = self._lines.get_nowait()
                if item is not None:
                    self._deliver(item)


_all_queues: weakref.WeakSet[QueuedLog] = weakref.WeakSet()


def _go_synchronous() -> None:
    for queue in list(_all_queues):
        queue.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_go_synchronous)
