"""Small files that spare the broker a question; losing one costs a request, never a decision.

Written through a temporary file and renamed, so that a reader never sees half of one. A file that
cannot be read, decoded or written is treated as absent.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


class FileCache:
    """Typed values by name in one folder; a folder of None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, name: str, kind: type[T]) -> T | None:
        """The value stored under `name`, or None."""
        if self._folder is None:
            return None
        try:
            return msgspec.json.decode((self._folder / f"{name}.json").read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def store(self, name: str, value: object) -> None:
        """Keep `value` under `name`; silently does without when the folder is not writable."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = self._folder / f".{name}.{os.getpid()}.new"
            new.touch(mode=0o600)
            new.write_bytes(msgspec.json.encode(value))
            new.replace(self._folder / f"{name}.json")
