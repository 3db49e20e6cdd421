"""Who holds a lock: a few `key=value` lines in the lock's own file, for whoever finds it taken.

The record is information, not the lock. It may be left over from a holder that died, or be read
while it is rewritten: a checksum and a look at the process say whether it is to be believed.
"""

from __future__ import annotations

import os
import re
import sys
import time
import zlib
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

_NEWER_KEYS = frozenset(("since", "deadline"))
_VALUE = re.compile(r"[A-Za-z0-9_.:+-]{1,80}")
_SUM_KEY = "sum"
MAX_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock, or held it when it died."""

    pid: int
    started: str
    """When the process began, UTC (outside Linux: within seconds)."""
    run_id: str
    slot: str
    """The beginning of the slot, UTC; `-` for a run by hand."""
    phase: str
    birth: str = "-"
    """What the kernel says about the process's start; tells it from a later one of the same pid."""
    since: str = "-"
    """When it took the lock, UTC; `-` in the record of an older version."""
    deadline: str = "-"
    """When the run should be over, UTC; `-` for a command that has none."""

    def __str__(self) -> str:
        return (
            f"pid={self.pid} started={self.started} run_id={self.run_id} "
            f"slot={self.slot} phase={self.phase}"
        )

    @property
    def is_running(self) -> bool:
        """Is it this very process that runs under its pid? True where that cannot be told."""
        return process_birth(self.pid) == self.birth


_KEYS = tuple(one.name for one in fields(Holder))


def this_process(
    run_id: str, slot: datetime | None, phase: str, deadline: datetime | None = None
) -> Holder:
    """The record of the calling process, as of now."""
    pid = os.getpid()
    now = datetime.now(UTC)
    return Holder(
        pid=pid,
        started=_time(now - timedelta(seconds=_age())),
        run_id=_word(run_id),
        slot=_time(slot),
        phase=_word(phase),
        birth=process_birth(pid),
        since=_time(now),
        deadline=_time(deadline),
    )


def _time(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_phase(holder: Holder, phase: str) -> Holder:
    return replace(holder, phase=_word(phase))


def _word(text: str) -> str:
    """A value that keeps a record one line per key, whatever it is given."""
    return re.sub(r"[^A-Za-z0-9_.:+-]", "_", text)[:80] or "-"


if sys.platform == "linux":

    def process_birth(pid: int) -> str:
        """The start of a process in clock ticks since boot; `-` when there is no such process."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return "-"
        # The second field is the program's name in parentheses, which may hold anything.
        return stat.rpartition(b")")[2].split()[19].decode()

    def _age() -> float:
        """How many seconds ago this process began."""
        birth = int(process_birth(os.getpid()))
        return time.clock_gettime(time.CLOCK_BOOTTIME) - birth / os.sysconf("SC_CLK_TCK")

else:

    def process_birth(pid: int) -> str:
        """`-`: only Linux tells the start of a process without help."""
        return "-"

    def _age() -> float:
        return time.process_time()


def render_record(holder: Holder) -> bytes:
    """The record as it stands in the file."""
    lines = "".join(f"{key}={getattr(holder, key)}\n" for key in _KEYS)
    return f"{lines}{_SUM_KEY}={zlib.crc32(lines.encode()):08x}\n".encode()


def parse_records(data: bytes) -> tuple[Holder, ...]:
    """The inverse of `render_record`, for any number of records; it ends at the first that is
    torn or not ours.

    The first is the holder's. A second one is what a holder before it left when it was killed,
    kept by a command that may not speak for the runs.
    """
    text = data.decode("ascii", errors="replace")
    holders: list[Holder] = []
    while holder := _parse(text):
        holders.append(holder)
        text = text.partition(f"{_SUM_KEY}=")[2].partition("\n")[2]
    return tuple(holders)


def parse_record(data: bytes) -> Holder | None:
    """The first record; None when it is empty, torn or not ours."""
    return next(iter(parse_records(data)), None)


def _parse(record: str) -> Holder | None:
    text, found, rest = record.partition(f"{_SUM_KEY}=")
    if not found or rest[:8] != f"{zlib.crc32(text.encode()):08x}":
        return None
    pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if not set(_KEYS) - _NEWER_KEYS <= pairs.keys() <= set(_KEYS):
        return None
    if not pairs["pid"].isdecimal() or not all(map(_VALUE.fullmatch, pairs.values())):
        return None
    pid = int(pairs.pop("pid"))
    return Holder(pid, **pairs)
