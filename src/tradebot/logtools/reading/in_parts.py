"""The files of a big log in as many parts as there are processors, each read by a process.

Only where a process can be forked, and where there is enough to read to be worth it; elsewhere it
is all one part. A process that does not come back with its part changes nothing but the time: the
part is then read here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tradebot.logtools.reading.folder import LogFile

WORTH_BYTES = 64_000_000
_MOST_PARTS = 4

T = TypeVar("T")
Work = Callable[[Sequence[LogFile]], T]


def in_parts(files: Sequence[LogFile], work: Work[T], *, worth_bytes: int = WORTH_BYTES) -> list[T]:
    """What `work` makes of each part, in the order of the files. It must be such as pickles."""
    parts = parts_of(files, worth_bytes)
    if len(parts) == 1:
        return [work(files)]
    children = [_start(part, work) for part in parts[:-1]]
    last = work(parts[-1])
    done = [_result(child, part, work) for child, part in zip(children, parts, strict=False)]
    return [*done, last]


def parts_of(files: Sequence[LogFile], worth_bytes: int = WORTH_BYTES) -> list[list[LogFile]]:
    """The files in their order, in parts of about the same size; one part where it is not worth
    more, or there cannot be more."""
    sizes = [_size(file) for file in files]
    wanted = min(_processors(), _MOST_PARTS, len(files), sum(sizes) // max(1, worth_bytes) + 1)
    if not hasattr(os, "fork") or wanted < 2 or any(file.identity is None for file in files):
        return [list(files)]
    parts: list[list[LogFile]] = [[] for _ in range(wanted)]
    before, total = 0, max(1, sum(sizes))
    for file, size in zip(files, sizes, strict=True):
        parts[min(wanted - 1, (before + size // 2) * wanted // total)].append(file)
        before += size
    return [part for part in parts if part]


def _size(file: LogFile) -> int:
    with contextlib.suppress(OSError):
        return Path(file.path).stat().st_size
    return 0


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(part: Sequence[LogFile], work: Work[T]) -> tuple[int, int]:
    """A process that works on a part, and where its result is to be read."""
    reading, writing = os.pipe()
    # Or what is buffered would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code = 1
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(work(part), stream, protocol=pickle.HIGHEST_PROTOCOL)
        code = 0
    finally:
        os._exit(code)  # also past a traceback: the parent finds the same error, and tells it


def _result(child: tuple[int, int], part: Sequence[LogFile], work: Work[T]) -> T:
    pid, reading = child
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(pid, 0)
    if status == 0:
        made: T = pickle.loads(data)  # noqa: S301 - of our own process, over our own pipe
        return made
    return work(part)
