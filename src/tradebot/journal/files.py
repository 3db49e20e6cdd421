"""The files of a journal: `journal.db`, and beside it the `-wal` and `-shm` that SQLite keeps.

SQLite goes on with the files it has open, whatever becomes of their names. A run whose journal was
removed, or replaced by a backup, would write into a file that nobody ever reads again, and without
the common `-shm` two processes would not even see each other's locks.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tradebot.errors import StorageError

_WAL = "-wal"
_BESIDE = (_WAL, "-shm")


def path_of(state_path: Path, *, dry_run: bool) -> Path:
    """Where the journal of an instance and environment is; dry runs have one of their own."""
    return state_path / ("dry" if dry_run else "live") / "journal.db"


class OpenFiles:
    """The files as they were when they were opened."""

    def __init__(self, path: Path) -> None:
        """`path` must be open already, for reading at least once."""
        self._path = path
        files = [path, *(path.with_name(path.name + end) for end in _BESIDE)]
        self._identities = {file: _identity(file) for file in files if file.exists()}

    def require_unchanged(self) -> None:
        """Raises StorageError when one of them was removed or replaced since."""
        for file, identity in self._identities.items():
            if _identity(file) != identity:
                raise StorageError(
                    f"{file} was removed or replaced while this run was using it, so the journal "
                    f"{self._path} no longer takes what is written. Nothing further is sent; find "
                    "out what removes or restores files in STATE_DIR while a run is under way."
                )


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def is_there(path: Path) -> bool:
    """Is there a journal at `path`? Raises StorageError when this user may not even look."""
    try:
        return path.is_file()
    except PermissionError:
        raise StorageError(
            f"{path} cannot be looked into by this user, so nothing is known of it: do it as the "
            "bot's user (sudo -u NAME …), or as root."
        ) from None


def require_whole(path: Path) -> None:
    """Raises StorageError when `path` is missing or empty and its `-wal` is not.

    SQLite would take that for a new database and delete the `-wal`, and with it the newest steps.
    """
    # In this order: of a journal that is just being created the database is there first.
    wal = path.with_name(path.name + _WAL)
    if _size(wal) and not _size(path):
        raise StorageError(
            f"The journal {path} is missing or empty, but {wal.name} beside it is not: something "
            f"removed or emptied the journal. Move {wal.name} away and restore a backup, or begin "
            "a new journal without one and compare it with the broker by `tradebot orders check`. "
            "Nothing is sent until then."
        )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def create_private(path: Path) -> bool:
    """Make an empty file for this user alone, or take others' rights to an existing one away.

    True when it is new. An existing file is not opened: closing it again would give up the locks
    that this process may have on it.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        mode = path.stat().st_mode
        if os.name != "nt" and mode & 0o077:
            path.chmod(mode & 0o700)
        return False
    return True


def sync_folders(path: Path) -> None:
    """Make the names of `path` and of the folders above it durable, as far as the system can."""
    for folder in path.parents:
        with contextlib.suppress(OSError):  # not ours to read, or no system for this
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
