"""bot.log, written by any number of processes: append, follow a rotation, survive a full disk.

The live file is opened for appending and each line is one `write`, so lines of several processes
never mix. Nobody holds a lock to write. A process notices that the day changed by its own line's
time, that the file is full by its own position in it, and that another process moved the file by
looking at it once a second; only then does it take the folder's lock (`rotation`).

A failed write never raises: one note on stderr per outage, then `log_lines_lost` when it is over.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from tradebot.errors import StorageError
from tradebot.observability import rotation
from tradebot.observability.rotation import LIVE_NAME, Policy
from tradebot.observability.system_files import (
    ends_in_a_fragment,
    make_private_folder,
    note_on_stderr,
    open_for_append,
)

_LOOK_EVERY_SECONDS = 1.0
_WARN_AT = 0.9
"""Part of LOG_MAX_TOTAL_MB from which on the limit is spoken of."""

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""Errors that opening the file anew does not cure."""

NoteMaker = Callable[[str, dict[str, object]], bytes]
"""Renders a line about the log itself: an event and its fields."""


class BotLog:
    """The live file. Safe to use from several threads and after a fork.

    `folder` is LOG_DIR; `make_note` renders the lines this class writes on its own account;
    `now` gives epoch seconds.
    Raises StorageError when the folder or the file cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        policy: Policy,
        make_note: NoteMaker,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.path = folder / LIVE_NAME
        self._policy = policy
        self._make_note = make_note
        self._now = now
        self._lock = threading.RLock()
        self._fd = -1
        self._identity: tuple[int, int] = (0, 0)
        self._quiet_from = self._quiet_until = 0.0
        self._day_after = 0.0
        self._rotate_from = 0.0
        self._position = 0
        self._full_at = policy.max_bytes if policy.mode == "size" else None
        self._torn = False
        self._noting = False
        self._outage = False
        self._lost = 0
        self._total_full = False
        self._total_warned = False
        self._closed = False
        self._open_first(now())
        _all_logs.add(self)

    def write(self, data: bytes, when: float, *, droppable: bool = False, now: bool = True) -> bool:
        """Append one line. True when all of it is in the file. Never raises OSError.

        `when` is the time in the line; `droppable` lines are dropped beyond the total limit.
        `now` is for a queue in this one's place: here every line is written now.
        """
        with self._lock:
            if self._closed:
                return False
            if not self._quiet_from <= when < self._quiet_until:
                self._look_around(when)
            if droppable and self._total_full:
                self._lost += 1
                return False
            if self._lost and not self._total_full and not self._noting:
                self._note("log_lines_lost", count=self._lost)
            return self._append(data, when)

    def close(self) -> None:
        """Say what was lost, if that can be said now, and close the file."""
        with self._lock:
            if self._fd >= 0 and self._lost:
                self._note("log_lines_lost", count=self._lost)
            self._closed = True
            self._close_fd()
            _all_logs.discard(self)

    # -- writing ------------------------------------------------------------------------------

    def _append(self, data: bytes, when: float) -> bool:
        if self._torn:
            # A torn line ends here; what follows is a whole one.
            data = b"\n" + data
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            return self._failed(error, data, when)
        if written != len(data):
            return self._finish_torn(data, when)
        self._torn = False
        self._outage = False
        if self._full_at is not None:
            return self._after_sized_write(data, when)
        return True

    def _finish_torn(self, data: bytes, when: float) -> bool:
        """Part of a line is in the file: end it and write the whole line again, once."""
        try:
            again = b"\n" + data.lstrip(b"\n")
            if os.write(self._fd, again) == len(again):
                self._torn = False
                return True
        except OSError as error:
            self._torn = True
            return self._lose(error)
        self._torn = True
        return self._lose(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _failed(self, error: OSError, data: bytes, when: float) -> bool:
        if error.errno in _FULL or self._outage:
            return self._lose(error)
        # Anything else (a stale handle, a closed descriptor) may be cured by opening anew.
        try:
            if error.errno != errno.EBADF:  # that number may be somebody else's by now
                self._close_fd()
            self._fd = -1
            self._open(when)
            if os.write(self._fd, data) == len(data):
                self._torn = False
                return True
        except (OSError, StorageError):
            pass
        return self._lose(error)

    def _lose(self, error: OSError) -> bool:
        if not self._noting:
            self._lost += 1
        if not self._outage:
            self._outage = True
            note_on_stderr(
                f"tradebot: {self.path} cannot be written ({error.strerror or type(error).__name__}"
                "): log lines are being lost. Free space or repair the disk; a line "
                "log_lines_lost will say how many."
            )
        return False

    def _note(self, event: str, **fields: object) -> None:
        self._noting = True
        try:
            if self._append(self._make_note(event, fields), self._now()):
                self._lost = 0 if event == "log_lines_lost" else self._lost
        finally:
            self._noting = False

    # -- following the file -------------------------------------------------------------------

    def _open_first(self, when: float) -> None:
        try:
            make_private_folder(self.folder, rotation.is_own_name)
            with rotation.folder_lock(self.folder) as locked:
                if locked:
                    rotation.rotate_if_due(self.folder, self._policy, when)
                    rotation.delete_old(self.folder, self._policy, when)
                self._open(when)
                # What another process could not finish must not swallow our first line.
                self._torn = bool(self._position) and ends_in_a_fragment(self.path)
        except OSError as error:
            raise StorageError(
                f"LOG_DIR: {self.path} cannot be written ({error.strerror or error}): "
                "choose a folder that this user may write to"
            ) from error
        self._measure_total()

    def _open(self, when: float) -> None:
        """Open the live file anew and note which day it belongs to."""
        fd = open_for_append(self.path)
        old, self._fd = self._fd, fd
        if old >= 0:
            with contextlib.suppress(OSError):
                os.close(old)
        status = os.fstat(fd)
        self._identity = (status.st_dev, status.st_ino)
        self._position = status.st_size
        day = rotation.day_of_file(self.path, status) if status.st_size else rotation.day_of(when)
        self._day_after = rotation.end_of_day(day)
        self._rest_until_next_look(when)

    def _rest_until_next_look(self, when: float) -> None:
        self._quiet_from = when
        until = when + _LOOK_EVERY_SECONDS
        if self._policy.mode == "time" and when < self._day_after:
            until = min(until, self._day_after)
        self._quiet_until = until

    def _look_around(self, when: float) -> None:
        """A new day, a file that somebody moved, a full quota: what a second may bring."""
        self._rest_until_next_look(when)
        try:
            if self._policy.mode == "time" and when >= self._day_after:
                self._rotate(when)
            elif not self._is_live():
                self._reopen(when)
            if self._policy.max_total_mb:
                self._measure_total()
        except (OSError, StorageError):
            # The next write says what is wrong, in its own words.
            pass

    def _is_live(self) -> bool:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return False
        return self._fd >= 0 and (status.st_dev, status.st_ino) == self._identity

    def _reopen(self, when: float) -> None:
        make_private_folder(self.folder, rotation.is_own_name)
        self._open(when)

    def _rotate(self, when: float) -> None:
        """Move the file away if it is due, or follow whoever did. Waits briefly for the lock."""
        with rotation.folder_lock(self.folder) as locked:
            if locked and self._is_live():
                rotation.rotate_if_due(self.folder, self._policy, when)
            if not self._is_live():
                self._reopen(when)
            if locked:
                rotation.delete_old(self.folder, self._policy, when)
        # Not locked: somebody is at it for long. Write on, and look again in a second.
        self._rotate_from = when if locked else when + _LOOK_EVERY_SECONDS

    def _after_sized_write(self, data: bytes, when: float) -> bool:
        """The position after an append is the file's size, other processes' lines included."""
        assert self._full_at is not None  # noqa: S101 - the caller asked
        self._position = os.lseek(self._fd, 0, os.SEEK_CUR)
        if self._position < self._full_at or when < self._rotate_from:
            return True
        try:
            gone = os.fstat(self._fd).st_nlink == 0
            self._rotate(when)
            if gone and not self._noting:
                # Rotated away and deleted before this line came: it goes into the live file.
                return os.write(self._fd, data) == len(data)
        except (OSError, StorageError):
            pass
        return True

    def _measure_total(self) -> None:
        limit = self._policy.max_total_mb
        if not limit:
            return
        total = rotation.total_bytes(self.folder) / 1_000_000
        self._total_full = total >= limit
        if total >= limit * _WARN_AT and not self._total_warned and not self._noting:
            self._total_warned = True
            self._note("log_size_limit", total_mb=round(total, 1), limit_mb=limit)
        elif total < limit * _WARN_AT:
            self._total_warned = False

    def _close_fd(self) -> None:
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        with contextlib.suppress(OSError):
            os.close(fd)

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock; here there is only this one."""
        self._lock = threading.RLock()


_all_logs: weakref.WeakSet[BotLog] = weakref.WeakSet()


def _renew_locks() -> None:
    for log in list(_all_logs):
        log.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
