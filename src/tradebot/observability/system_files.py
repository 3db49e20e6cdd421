"""What the operating systems do differently: opening for append, a lock, a private folder.

Everything is opened so that only its owner may read it, at every open: a mode that is set once
is gone after the first rotation.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_LOCK_PATIENCE_SECONDS = 1.0
_SHORTEST_PAUSE_SECONDS = 0.0002
_LONGEST_PAUSE_SECONDS = 0.01

_FRAGMENT_LOOKS = (0.0, 0.01, 0.02)
"""Seconds before each look."""


def fill_standard_descriptors() -> None:
    """Give descriptors 0 to 2 to the null device where they are closed (`>&-`).

    Otherwise the next file that is opened becomes the standard error, and whatever the interpreter
    prints raw is written into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one


def make_private_folder(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Create `folder`, readable by its owner only.

    One that exists is closed to others if it is ours and holds nothing but our files: a folder
    that is shared with something else keeps its mode. Raises OSError.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    status = folder.stat()
    open_to_others = stat.S_IMODE(status.st_mode) & ~FOLDER_MODE
    if not open_to_others or status.st_uid != os.geteuid():
        return
    if all(is_own(path.name) for path in folder.iterdir()):
        folder.chmod(FOLDER_MODE)


def ends_in_a_fragment(path: Path, *, patient: bool = True) -> bool:
    """Does a file that is not empty end without a newline, and stay so for a moment?

    The moment is for a line that another process is writing right now; `patient` False looks
    once. False when it cannot be read.
    """
    for pause in _FRAGMENT_LOOKS if patient else _FRAGMENT_LOOKS[:1]:
        time.sleep(pause)
        try:
            with path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) == b"\n":
                    return False
        except OSError:
            return False
    return True


def open_for_append(path: Path) -> int:
    """A descriptor whose every write goes to the end of the file, whoever else writes.

    Raises OSError, also when `path` is a link, a folder or a device.
    """
    if sys.platform == "win32":
        return windows_files.open_for_append(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, flags, FILE_MODE)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file")
        if stat.S_IMODE(status.st_mode) != FILE_MODE and status.st_uid == os.geteuid():
            os.fchmod(fd, FILE_MODE)
    except OSError:
        os.close(fd)
        raise
    return fd


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[bool]:
    """Hold the kernel's lock on `path`; yields False when it stayed busy for a second.

    The descriptor is opened for each use: one that is shared over a fork does not lock. The file
    is never removed: two processes would hold the lock of two different files.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    fd = os.open(path, flags, FILE_MODE)
    try:
        yield _wait_for_lock(fd)
    finally:
        if sys.platform != "win32":
            # A child that was forked meanwhile has the descriptor, too, and closing ours alone
            # would leave it the lock for as long as it lives.
            fcntl.flock(fd, fcntl.LOCK_UN)
        else:
            windows_files.unlock(fd)
        os.close(fd)


def _wait_for_lock(fd: int) -> bool:
    waited, pause = 0.0, _SHORTEST_PAUSE_SECONDS
    while waited < _LOCK_PATIENCE_SECONDS:
        try:
            _try_lock(fd)
        except OSError:
            time.sleep(pause)
            waited += pause
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            return True
    return False


if sys.platform == "win32":
    from tradebot.observability import windows_files

    def _try_lock(fd: int) -> None:
        if not windows_files.try_lock(fd):
            raise BlockingIOError

else:
    import fcntl

    def _try_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def note_on_stderr(text: str) -> None:
    """One line for whoever looks at the terminal or the scheduler's mail. Never raises."""
    with contextlib.suppress(Exception):
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the log itself is out of order
