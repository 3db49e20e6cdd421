"""bot.log, written by any number of processes: append, follow a rotation, survive a full disk.

The live file is opened for appending and each line is one `write`, so lines of several processes
never mix. Nobody holds a lock to write. A process notices that the day changed by its own line's
time, that the file is full by its own position in it, and that somebody moved or removed the file
by looking at it once a second and after each line of the audit trail; only to move the file does
it take the folder's lock (`rotation`).

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
_SURE_SECONDS = 0.001
"""A file that is there is taken to be there still. Whoever removes it within this time cannot tell
whether the line came before or after; a look costs more than rendering the line."""
_ROTATE_AGAIN_SECONDS = 30.0
"""After a rotation that did not come about: each wait for the lock costs the caller a second."""
_FIRST_LINE_SECONDS = 0.05
"""How long whoever moved the file may take to begin the next one."""
_TRIES = 3
"""How often a line is written anew when the file under it is removed each time."""

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
        self._seen_at = -_SURE_SECONDS
        self._day_from = self._day_until = 0.0
        self._busy_at: float | None = None
        self._awaits_first_line = False
        self._full_at = policy.max_bytes if policy.mode == "size" else None
        self._counts = self._full_at is not None or policy.max_total_mb > 0
        self._share_left = 0
        self._torn = self._look_at_end = self._noting = self._outage = False
        self._lost = 0
        self._total_full = self._total_warned = self._closed = False
        self._open_first(now())
        _all_logs.add(self)

    def write(self, data: bytes, when: float, *, droppable: bool = False, now: bool = True) -> bool:
        """Append one line. True when all of it is in the file. Never raises OSError.

        `when` is the line's time; `droppable` lines are dropped beyond the total limit.
        With `now` False, the line of no audit event, True may be wrong for a second after somebody
        removed the file.
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
                self._note_losses()
            if self._append(data, when, now):
                return True
            self._lost += 1
            return False

    def close(self) -> None:
        """Say what was lost, if that can be said now, and close the file."""
        with self._lock:
            if self._fd >= 0 and self._lost:
                self._note_losses()
            self._closed = True
            self._close_fd()
            _all_logs.discard(self)

    # -- writing ------------------------------------------------------------------------------

    def _append(self, data: bytes, when: float, now: bool = True, tries: int = _TRIES) -> bool:
        if self._look_at_end and self._must_end_a_fragment():
            data = b"\n" + data
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            return self._failed(error, data, when)
        if written != len(data):
            return self._finish_torn(data, written)
        if now and time.monotonic() - self._seen_at >= _SURE_SECONDS and not self._is_there():
            return self._write_again(data, when, tries)
        if self._look_at_end:
            self._torn = self._look_at_end = self._outage = False
        if self._counts:
            self._count(data, when)
        return True

    def _must_end_a_fragment(self) -> bool:
        """Is there, at the end, part of a line that this or another process could not finish?"""
        try:
            if self._is_live():
                self._torn = ends_in_a_fragment(self.path, patient=not self._torn)
        except OSError:
            pass
        return self._torn

    def _finish_torn(self, data: bytes, written: int) -> bool:
        """Part of a line is in the file: end it and write the whole line again, once."""
        only_its_end_is_missing = data[written:] == b"\n"
        again = b"\n" if only_its_end_is_missing else b"\n" + data.lstrip(b"\n")
        try:
            self._torn = os.write(self._fd, again) != len(again)
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as refused:
            self._torn = True
            error = refused
        self._look_at_end = True
        # Whoever writes next ends the line: with the same newline, so it will be there once.
        return not self._torn or only_its_end_is_missing or self._failing(error)

    def _failed(self, error: OSError, data: bytes, when: float) -> bool:
        if error.errno in _FULL or self._outage:
            return self._failing(error)
        # Anything else (a stale handle, a closed descriptor) may be cured by opening anew.
        try:
            if error.errno != errno.EBADF:  # that number may be somebody else's by now
                self._close_fd()
            self._fd = -1
            self._reopen(when)
            written = os.write(self._fd, data)
        except OSError as again:
            return self._failing(again)
        return written == len(data) or self._finish_torn(data, written)

    def _is_there(self) -> bool:
        """Has the file that was just written to a name, and is it ours?"""
        identity = self._identity
        names = self._names()
        if identity is not self._identity:
            return True  # the line of a signal handler opened the next file: ours is in this one
        if names > 0:
            self._seen_at = time.monotonic()
        return names > 0

    def _names(self) -> int:
        """How many names our file has; -1 where the descriptor is not, or no longer, ours."""
        try:
            status = os.fstat(self._fd)
        except OSError:
            return -1
        return status.st_nlink if (status.st_dev, status.st_ino) == self._identity else -1

    def _write_again(self, data: bytes, when: float, tries: int) -> bool:
        if self._names() < 0:
            self._fd = -1  # not ours to close
        elif self._is_live():
            return True  # a file system that does not count names
        if not tries:
            return self._failing(FileNotFoundError(errno.ENOENT, "it is removed again and again"))
        self._reopen(when)
        return self._append(data.lstrip(b"\n"), when, True, tries - 1)

    def _failing(self, error: OSError) -> bool:
        self._look_at_end = True
        if not self._outage:
            self._outage = True
            note_on_stderr(
                f"tradebot: {self.path} cannot be written ({error.strerror or type(error).__name__}"
                "): log lines are being lost. Free space or repair the disk; a line "
                "log_lines_lost will say how many."
            )
        return False

    def _note_losses(self) -> None:
        # What is lost while this is being written is for the next one to say.
        count = self._lost
        if self._note("log_lines_lost", count=count):
            self._lost -= count

    def _note(self, event: str, **fields: object) -> bool:
        self._noting = True
        try:
            return self._append(self._make_note(event, fields), self._now())
        finally:
            self._noting = False

    # -- following the file -------------------------------------------------------------------

    def _open_first(self, when: float) -> None:
        try:
            make_private_folder(self.folder, rotation.is_own_name)
            with rotation.folder_lock(self.folder) as locked:
                try:
                    if locked:
                        self._move_and_delete(when)
                except PermissionError:
                    # Windows refuses to move what another program has open: the next start tries.
                    if os.name != "nt":
                        raise
                self._open(when)
        except OSError as error:
            raise StorageError(
                f"LOG_DIR: {self.path} cannot be written ({error.strerror or error}): "
                "choose a folder that this user may write to"
            ) from error
        self._measure_total()

    def _move_and_delete(self, when: float) -> None:
        rotation.rotate_if_due(self.folder, self._policy, when)
        rotation.delete_old(self.folder, self._policy, when)

    def _open(self, when: float) -> None:
        """Open the live file anew and note which day it belongs to."""
        fd = open_for_append(self.path)
        status = os.fstat(fd)
        # Both at once, with no call in between: a signal handler may log at any call.
        old, self._fd, self._identity = self._fd, fd, (status.st_dev, status.st_ino)
        with contextlib.suppress(OSError):  # there may be none yet
            os.close(old)
        # What another process could not finish must not swallow our next line.
        self._look_at_end = True
        self._note_day(when)

    def _note_day(self, when: float) -> None:
        status = os.fstat(self._fd)
        day = rotation.day_of_file(self.path, status) if status.st_size else rotation.day_of(when)
        self._day_from, self._day_until = rotation.times_of(day)
        self._rest_until_next_look(when)

    def _rest_until_next_look(self, when: float) -> None:
        self._quiet_from = when
        until = when + _LOOK_EVERY_SECONDS
        if self._policy.mode == "time" and when < self._day_until:
            until = min(until, self._day_until)
        self._quiet_until = until

    def _look_around(self, when: float) -> None:
        """A new day, a file that somebody moved, a full quota: what a second may bring."""
        self._rest_until_next_look(when)
        self._look_at_end = True
        try:
            if self._must_follow(when):
                self._reopen(when)
            if self._policy.mode == "time" and not self._day_from <= when < self._day_until:
                self._rotate(when)
            self._measure_total()
        except OSError:
            # A file that was moved away keeps its lines; one that was removed does not. Without
            # a descriptor the next write says what is wrong, in its own words.
            with contextlib.suppress(OSError):
                if self._fd >= 0 and not os.fstat(self._fd).st_nlink:
                    self._close_fd()

    def _must_follow(self, when: float) -> bool:
        """Is another file live, and has it got its first line?

        That line says which day the file belongs to, and is for whoever moved ours to write: a
        line of ours that was under way meanwhile may be of the day before.
        """
        first_look, self._awaits_first_line = not self._awaits_first_line, False
        if self._is_live():
            return False
        with contextlib.suppress(FileNotFoundError):
            if self.path.lstat().st_size:
                return True
        if first_look and self._fd >= 0 and os.fstat(self._fd).st_nlink:
            self._awaits_first_line = True
            self._quiet_until = min(self._quiet_until, when + _FIRST_LINE_SECONDS)
            return False
        return True

    def _is_live(self) -> bool:
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return False
        return self._fd >= 0 and (status.st_dev, status.st_ino) == self._identity

    def _reopen(self, when: float) -> None:
        make_private_folder(self.folder, rotation.is_own_name)
        self._open(when)

    def _rotate(self, when: float) -> None:
        """Move the file away if it is due, or follow whoever did. Waits briefly for the lock."""
        if self._busy_at is not None and 0 <= when - self._busy_at < _ROTATE_AGAIN_SECONDS:
            return
        # Another process that is at it for long, a file that cannot be moved, or a signal handler
        # that logs while its own thread is at it: write on, and try again later.
        self._busy_at = when
        with rotation.folder_lock(self.folder) as locked:
            if locked and self._is_live():
                with contextlib.suppress(OSError):
                    self._move_and_delete(when)
            if self._is_live():
                self._note_day(when)
            else:
                self._reopen(when)
                self._busy_at = None

    def _count(self, data: bytes, when: float) -> None:
        """After a write: is the file full, is the room for all files used up?"""
        with contextlib.suppress(OSError):
            self._share_left -= len(data)
            if self._share_left < 0 and not self._noting:
                self._measure_total()
            # The position after an append is the size, other processes' lines included.
            full_at = self._full_at
            if full_at is not None and os.lseek(self._fd, 0, os.SEEK_CUR) >= full_at:
                self._rotate_by_size(data, when)

    def _rotate_by_size(self, data: bytes, when: float) -> None:
        gone = not os.fstat(self._fd).st_nlink
        self._rotate(when)
        if gone and not self._append(data, when):
            # Rotated away and deleted before this line came, and the live file does not take it.
            self._lost += 1

    def _measure_total(self) -> None:
        limit = self._policy.max_total_mb
        if not limit:
            return
        total = rotation.total_bytes(self.folder) / 1_000_000
        self._share_left = rotation.share_of_room(limit, total)
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
        """Another thread of the parent may have held the lock; here there is only this one.

        What the parent lost, the parent will say.
        """
        self._lock = threading.RLock()
        self._noting = False
        self._lost = 0


_all_logs: weakref.WeakSet[BotLog] = weakref.WeakSet()


def _renew_locks() -> None:
    for log in list(_all_logs):
        log.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
