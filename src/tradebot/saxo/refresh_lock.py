"""One refresher at a time, across processes: a kernel lock on a file beside the token file.

Refresh tokens are single use: two processes that refresh with the same one both lose their login.
The kernel releases the lock when its holder dies, so no lock can be left behind; the file itself
stays, because removing it would let two processes lock two different files of one name.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tradebot.clock import Clock
from tradebot.errors import StorageError, Terminated
from tradebot.saxo.token_store import make_private_folder

_POLL_SECONDS = 0.05

if sys.platform == "win32":
    from tradebot.observability.windows_files import try_lock as _lock
    from tradebot.observability.windows_files import unlock as _unlock
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _try_lock(descriptor: int) -> bool:
    try:
        return _lock(descriptor)
    except OSError as error:
        raise StorageError(
            f"the token lock cannot be taken: {error.strerror}. Put SAXO_TOKEN_FILE on a local"
            " disk: network folders often cannot lock."
        ) from None


@contextlib.contextmanager
def refresh_lock(token_file: Path, clock: Clock, *, timeout: float) -> Iterator[bool]:
    """Hold the lock beside `token_file`, waiting up to `timeout` seconds for it.

    Yields whether it is held. Raises StorageError when the lock file cannot be made, Terminated
    when a stop is asked for while waiting.
    """
    path = token_file.with_name(token_file.name + ".lock")
    try:
        make_private_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise StorageError(
            f"cannot open the token lock {path}: {error.strerror}."
            " Check SAXO_TOKEN_FILE and the folder's permissions."
        ) from None
    held = False
    try:
        held = _try_lock(descriptor)
        end = clock.monotonic() + timeout
        while not held and clock.monotonic() < end:
            if not clock.sleep(_POLL_SECONDS):
                raise Terminated("asked to stop while waiting for another process's token refresh")
            held = _try_lock(descriptor)
        yield held
    finally:
        if held:
            _unlock(descriptor)
        os.close(descriptor)
