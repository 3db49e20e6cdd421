"""Moving the live file away and deleting what is old enough. Nothing is ever replaced.

`time`: at UTC midnight `bot.log` becomes `bot.log.YYYY-MM-DD`, named after the day of its first
line, so that a process that lives for a second rotates rightly. `size`: `bot.log.1` is the
newest, `bot.log.N` the oldest. A move is a hard link and then an unlink, under the folder's lock:
a link fails where a rename would replace.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock_time
from pathlib import Path

from tradebot.observability.line import parse
from tradebot.observability.system_files import exclusive_lock

LIVE_NAME = "bot.log"
LOCK_NAME = ".bot-log-rotation.lock"

_SHARE = 16
_SMALLEST_SHARE = 65_536
_DAY_SECONDS = 86_400
_HEAD_BYTES = 64 * 1024
_DATED = re.compile(r"bot\.log\.([0-9]{4}-[01][0-9]-[0-3][0-9])(?:\.([0-9]{1,4}))?")
_NUMBERED = re.compile(r"bot\.log\.([1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True)
class Policy:
    """When the live file moves away, and how long the moved ones stay."""

    mode: str = "time"
    """`time` or `size`."""
    retention_days: int = 30
    """`time`: rotated files are kept this long; 0 keeps them for ever."""
    max_bytes: int = 10_485_760
    """`size`: the live file moves when it has reached this size."""
    backup_count: int = 5
    """`size`: how many moved files are kept; 0 keeps them all."""
    max_total_mb: float = 0
    """All files together, in MB of a million bytes; 0 is no limit."""

    def __post_init__(self) -> None:
        if self.mode not in ("time", "size"):
            raise ValueError(f"rotation mode {self.mode!r} is neither time nor size")
        if self.mode == "size" and self.max_bytes <= 0:
            raise ValueError(f"max_bytes is {self.max_bytes}: it must be more than 0")


def is_own_name(name: str) -> bool:
    """Is this the name of a file that the log makes?"""
    return name in (LIVE_NAME, LOCK_NAME) or bool(
        _DATED.fullmatch(name) or _NUMBERED.fullmatch(name)
    )


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """The one lock that a rotation or deletion holds; False when another holds it too long."""
    with exclusive_lock(folder / LOCK_NAME) as locked:
        yield locked


def day_of(when: float) -> str:
    """The UTC date of epoch seconds, `YYYY-MM-DD`."""
    return time.strftime("%Y-%m-%d", time.gmtime(when))


def times_of(day: str) -> tuple[float, float]:
    """From when and until when, in epoch seconds, a file that began on this UTC date stays live.

    Until the midnight that ends the day. A clock that steps back by up to a day changes nothing;
    a file from further ahead was begun by a clock that was wrong, and would stay until that day.
    """
    midnight = datetime.combine(date.fromisoformat(day), clock_time(), UTC).timestamp()
    return midnight - _DAY_SECONDS, midnight + _DAY_SECONDS


def day_of_file(path: Path, status: os.stat_result) -> str:
    """The date of the first line that parses; without one, of the last modification."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        head = b""  # we may write to it, and not read
    for line in head.split(b"\n"):
        try:
            day = parse(line.decode("utf-8", "replace")).timestamp[:10]
            return date.fromisoformat(day).isoformat()
        except ValueError:  # not a line, or a date that does not exist
            continue
    return day_of(status.st_mtime)


def rotate_if_due(folder: Path, policy: Policy, when: float) -> None:
    """Move the live file if its day is not now (`times_of`), or if it is full.

    The lock must be held. Raises OSError.
    """
    live = folder / LIVE_NAME
    try:
        status = live.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return
    if policy.mode == "size":
        if status.st_size >= policy.max_bytes:
            _move_to_first(live)
        return
    day = day_of_file(live, status)
    stays_from, stays_until = times_of(day)
    if not stays_from <= when < stays_until:
        _move_to_day(live, day)


def _move_to_day(live: Path, day: str) -> None:
    target = live.with_name(f"{LIVE_NAME}.{day}")
    number = 2
    while not _move(live, target):
        target = live.with_name(f"{LIVE_NAME}.{day}.{number}")
        number += 1


def _move_to_first(live: Path) -> None:
    """`.1` to `.2` and so on, from the oldest down, then the live file to `.1`."""
    chain, status = [live], live.lstat()
    while (following := _status(live.with_name(f"{LIVE_NAME}.{len(chain)}"))) is not None:
        if os.path.samestat(status, following):
            # A move that was interrupted between its two steps: the second one is missing.
            chain[-1].unlink()
            return
        chain.append(live.with_name(f"{LIVE_NAME}.{len(chain)}"))
        status = following
    for number in range(len(chain) - 1, -1, -1):
        _move(chain[number], live.with_name(f"{LIVE_NAME}.{number + 1}"))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _move(source: Path, target: Path) -> bool:
    """Link, then unlink. False when `target` is another file. Raises OSError."""
    if sys.platform == "win32":
        # A rename replaces nothing there, and an unlinked name stays while the file is open.
        if target.exists():
            return False
        source.rename(target)
        return True
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not target.samefile(source):
            return False
        # A move that was interrupted between its two steps: the second one is missing.
    except (OSError, NotImplementedError):
        # No hard links here. Under the lock, looking first is as good.
        if target.exists():
            return False
        source.rename(target)
        return True
    try:
        source.unlink()
    except PermissionError:
        # Under two names, every line of it would be found twice.
        with contextlib.suppress(OSError):
            target.unlink()
        raise
    return True


def delete_old(folder: Path, policy: Policy, when: float) -> None:
    """Remove rotated files that the policy no longer keeps. The lock must be held.

    By days: only a file that is too old by its name and by its last modification, and is not
    among the newest `retention_days` files, so that neither a wrong clock nor a long pause
    deletes the history.
    """
    if policy.mode == "size":
        doomed = _beyond_count(folder, policy.backup_count)
    else:
        doomed = _beyond_days(folder, policy.retention_days, when)
    for path in doomed:
        with contextlib.suppress(OSError):
            path.unlink()


def _beyond_count(folder: Path, keep: int) -> list[Path]:
    if keep <= 0:
        return []
    numbered = [
        (int(found[1]), path)
        for path in _regular_files(folder)
        if (found := _NUMBERED.fullmatch(path.name))
    ]
    return [path for number, path in sorted(numbered) if number > keep]


def _beyond_days(folder: Path, days: int, when: float) -> list[Path]:
    if days <= 0:
        return []
    dated = sorted(
        (
            (found[1], int(found[2] or 1), path)
            for path in _regular_files(folder)
            if (found := _DATED.fullmatch(path.name))
        ),
        reverse=True,
    )
    oldest = when - days * _DAY_SECONDS
    return [
        path for day, _, path in dated[days:] if day < day_of(oldest) and _is_older(path, oldest)
    ]


def _is_older(path: Path, than: float) -> bool:
    try:
        return path.stat().st_mtime < than
    except FileNotFoundError:
        return False  # another process was faster


def share_of_room(limit_mb: float, total_mb: float) -> int:
    """How many bytes a process may write before all files are measured again: others write, too."""
    return max(int((limit_mb - total_mb) * 1_000_000) // _SHARE, _SMALLEST_SHARE)


def total_bytes(folder: Path) -> int:
    """The size of the live file and all rotated ones."""
    total = 0
    for path in _regular_files(folder):
        # Another process may move or delete one while we look.
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if is_own_name(path.name) else 0
    return total


def _regular_files(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False)]
