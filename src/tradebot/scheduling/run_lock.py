"""The lock that makes a run the only one: held by the kernel for as long as the process lives.

    with RunLock(path) as lock:
        lock.acquire(run_id=run_id, slot=slot)      # raises LockBusy, naming the holder
        lock.enter_phase("execute")

Released by the end of the process, however it ends, and never by age: a paused holder may wake up.
The file stays when the lock is released: unlinking it would let two holders in, one with the old
file and one with the new. A child does not inherit the lock: started by exec the descriptor is
closed for it, after a fork it closes its copy, so a child that outlives the run holds nothing up.

`flock` rather than POSIX record locks, which a process loses by closing any other descriptor of
the same file. On Windows the locked byte lies far behind the record, which stays readable there.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from datetime import datetime
from pathlib import Path
from types import TracebackType

from tradebot.errors import LockBusy, StorageError
from tradebot.scheduling.lock_record import (
    MAX_BYTES,
    Holder,
    parse_record,
    parse_records,
    render_record,
    this_process,
    with_phase,
)

HOLDER_UNKNOWN = "holder_unknown"
_TRIES = 5
_PAUSE_SECONDS = 0.01

if sys.platform == "win32":
    from tradebot.observability.windows_files import try_lock as _lock
    from tradebot.observability.windows_files import unlock as _unlock
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        """Take the lock without waiting. False when another process has it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class RunLock:
    """A lock on `path`, which may be any file that is used for nothing else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.previous: Holder | None = None
        """Set by `acquire`: the holder before, if it died without letting go."""
        self._descriptor: int | None = None
        self._holder: Holder | None = None
        self._kept = b""

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(
        self,
        *,
        run_id: str,
        slot: datetime | None = None,
        phase: str = "lock",
        deadline: datetime | None = None,
        keep_previous: bool = False,
    ) -> None:
        """Take the lock at once, or raise LockBusy whose `holder` says who has it.

        `deadline` is when the holder means to be done, for whoever finds it still there. With
        `keep_previous` the record of a run that was killed is left for the run after it: for a
        command that only needs to be alone.

        Raises StorageError when the file cannot be opened or its file system cannot lock.
        """
        if self._descriptor is not None:
            raise RuntimeError(f"{self.path} is held by this object already")
        descriptor = self._open_locked()
        self._descriptor = descriptor
        _held_locks.add(self)
        self.previous = next(reversed(parse_records(_read(descriptor))), None)
        if keep_previous and self.previous is not None:
            self._kept = render_record(self.previous)
        self._holder = this_process(run_id, slot, phase, deadline)
        _write(descriptor, render_record(self._holder) + self._kept)

    def enter_phase(self, phase: str) -> None:
        """Tell a loser, and whoever looks after a crash, how far the run has come."""
        if self._descriptor is not None and self._holder is not None:
            self._holder = with_phase(self._holder, phase)
            _write(self._descriptor, render_record(self._holder) + self._kept)

    def is_intact(self) -> bool:
        """Is the locked file still the one at `path`? False when somebody removed or replaced it:
        then another run may hold a lock of the same name."""
        return self._descriptor is not None and _is_same_file(self._descriptor, self.path)

    def release(self) -> None:
        """Let go. Does nothing when the lock is not held."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor, self._holder = self._descriptor, None, None
        _write(descriptor, self._kept)
        self._kept = b""
        _held_locks.discard(self)
        try:
            # Said aloud, because a copy of the descriptor elsewhere would keep the lock.
            _unlock(descriptor)
        finally:
            os.close(descriptor)

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _open_locked(self) -> int:
        for _ in range(_TRIES):
            descriptor = self._open()
            try:
                holder = _lock_or_holder(descriptor)
                if holder is not None:
                    raise LockBusy(f"another run holds {self.path}", holder=holder)
                # Removed between our opening and our locking it: what we hold is a ghost.
                if _is_same_file(descriptor, self.path):
                    return descriptor
            except OSError as error:
                os.close(descriptor)
                raise StorageError(
                    f"{self.path} cannot be locked: {error.strerror}; "
                    "put STATE_DIR on a local disk (network folders often cannot lock)"
                ) from error
            except LockBusy:
                os.close(descriptor)
                raise
            os.close(descriptor)
        raise StorageError(
            f"{self.path} is removed again and again by something else: find out what"
        )

    def _open(self) -> int:
        # A link at this place would let somebody else choose which file is written to.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            _make_private_folder(self.path.parent)
            return os.open(self.path, flags, 0o600)
        except OSError as error:
            raise StorageError(
                f"the lock {self.path} cannot be opened: {error.strerror}; "
                "it must be a file that the bot's user may write"
            ) from error

    def _forget_in_child(self) -> None:
        """After a fork: close the copy. The parent's lock stays, since it is not unlocked."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = self._holder = None


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, MAX_BYTES)


def _write(descriptor: int, record: bytes) -> None:
    """Replace the record. A full disk costs the information, not the lock."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, record)
        os.ftruncate(descriptor, len(record))
    except OSError:
        return


def _lock_or_holder(descriptor: int) -> str | None:
    """None: the lock is ours. Else who has it, if its record is whole and its process alive.

    Tried again for a moment: somebody who only looks may have touched the lock, which must cost no
    run, and a holder may be about to write its record.
    """
    found = HOLDER_UNKNOWN
    for left in reversed(range(_TRIES)):
        if _lock(descriptor):
            return None
        holder = parse_record(_read(descriptor))
        if holder is not None and holder.is_running:
            found = str(holder)
        if left:
            time.sleep(_PAUSE_SECONDS)
    return found


def _make_private_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for this user alone; leave what exists."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


_held_locks: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _forget_all_in_child() -> None:
    for lock in list(_held_locks):
        lock._forget_in_child()
    _held_locks.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_all_in_child)
