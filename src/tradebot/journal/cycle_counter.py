"""Cycle ids: strictly growing over every run of an instance, dry or not, gaps allowed.

Dry and real runs have journals of their own but share a log, so the counter stands beside both.
Call only under the run lock. A lost or garbled file costs nothing: the journal's highest id is
the floor.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tradebot.errors import StorageError

_LARGEST = 10**12
"""What is above it was never a cycle's number: the file is garbled."""


def next_cycle_id(path: Path, *, floor: int) -> int:
    """The next id, above `floor` and above every id given out from this file before."""
    last = floor
    with contextlib.suppress(OSError, ValueError):
        found = int(path.read_text(encoding="ascii"))
        last = max(last, found if found < _LARGEST else 0)
    new = path.with_suffix(".new")
    try:
        new.touch(mode=0o600)
        with new.open("w", encoding="ascii") as file:
            file.write(f"{last + 1}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise StorageError(
            f"Cannot write the cycle counter {path}: {error}. Check the folder's permissions and "
            "the disk."
        ) from error
    return last + 1
