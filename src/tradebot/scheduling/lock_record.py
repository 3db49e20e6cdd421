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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

_VALUE = re.compile(r"[A-Za-z0-9_.:+-]{1,80}")
_SUM_KEY = "sum"
MAX_BYTES = 1024


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

    def __str__(self) -> str:
        return (
            f"pid={self.pid} started={self.started} run_id={self.run_id} "
            f"slot={self.slot} phase={self.phase}"
        )

    @property
    def is_running(self) -> bool:
        """Is it this very process that runs under its pid? True where that cannot be told."""
        return process_birth(self.pid) == self.birth


def this_process(run_id: str, slot: datetime | None, phase: str) -> Holder:
    """The record of the calling process."""
    pid = os.getpid()
    started = (datetime.now(UTC) - timedelta(seconds=_age())).strftime("%Y-%m-%dT%H:%M:%SZ")
    slot_text = "-" if slot is None else slot.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Holder(pid, started, _word(run_id), slot_text, _word(phase), process_birth(pid))


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
    lines = "".join(f"{key}={value}\n" for key, value in _pairs(holder).items())
    return f"{lines}{_SUM_KEY}={zlib.crc32(lines.encode()):08x}\n".encode()


def _pairs(holder: Holder) -> Mapping[str, str]:
    return {
        "pid": str(holder.pid),
        "started": holder.started,
        "run_id": holder.run_id,
        "slot": holder.slot,
        "phase": holder.phase,
        "birth": holder.birth,
    }


def parse_record(data: bytes) -> Holder | None:
    """The inverse of `render_record`; None when the record is empty, torn or not ours."""
    text, found, rest = data.decode("ascii", errors="replace").partition(f"{_SUM_KEY}=")
    if not found or rest[:8] != f"{zlib.crc32(text.encode()):08x}":
        return None
    pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if set(pairs) != {"pid", "started", "run_id", "slot", "phase", "birth"}:
        return None
    if not pairs["pid"].isdecimal() or not all(map(_VALUE.fullmatch, pairs.values())):
        return None
    pid = int(pairs.pop("pid"))
    return Holder(pid, **pairs)
