"""Who has a lock's file open and locked, as far as Linux shows it in /proc. Elsewhere: nobody.

Only reads: whoever looks takes no lock and cannot be in a run's way. Two sources, because each is
blind somewhere: `/proc/PID/fdinfo` names every process that shares a lock, also one that inherited
it, but only for processes of the same user; `/proc/locks` names one process whoever it belongs to,
but its device numbers are not those of the file on some file systems.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tradebot.observability import mask_sensitive
from tradebot.scheduling.lock_record import process_birth

PROC = Path("/proc")
_DELETED = " (deleted)"
_LONGEST_COMMAND = 200
_NETWORKS = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs"))


@dataclass(frozen=True, slots=True)
class Process:
    """A process that has the lock."""

    pid: int
    command: str
    """Its command line, masked and shortened; empty when it cannot be read."""
    state: str = ""
    """The kernel's letter: T stopped, t held by a debugger, D waiting for a device."""
    birth: str = "-"
    pids: tuple[int, ...] = ()
    """Its pid here and in each pid namespace (container) within; the record has the last one."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen of a lock without touching it."""

    holders: tuple[Process, ...] = ()
    """They have the file that is there now, and its lock."""
    ghosts: tuple[Process, ...] = ()
    """They have the lock of a file that had this name and was removed or replaced."""


def see(path: Path, status: os.stat_result | None) -> Sight:
    """Look for whoever has the lock of `path`, whose `stat` is given; None: it is not there."""
    if not (PROC / "self" / "fdinfo").is_dir():
        return Sight()
    path = Path(os.path.realpath(path))
    holders: dict[int, None] = {}
    ghosts: dict[int, None] = {}
    for pid, link, descriptor in _open_files(path.name):
        if link == f"{path}{_DELETED}":
            found = ghosts
        elif status is not None and _is_that_file(pid, descriptor, status):
            found = holders
        else:
            continue
        if _has_lock(pid, descriptor):
            found[pid] = None
    if status is not None and not holders:
        holders.update(dict.fromkeys(_locked_by(status)))
    return Sight(tuple(map(process, holders)), tuple(map(process, ghosts)))


def process(pid: int) -> Process:
    """What the kernel tells of a process; it may be gone by now."""
    command, state = "", ""
    pids: tuple[int, ...] = (pid,)
    with contextlib.suppress(OSError, ValueError):
        words = (PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        command = mask_sensitive(b" ".join(words).decode(errors="replace"), "msg")
        for line in (PROC / str(pid) / "status").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key == "State":
                state = value.split()[0]
            elif key == "NSpid":
                pids = tuple(map(int, value.split()))
    return Process(pid, command[:_LONGEST_COMMAND], state, process_birth(pid), pids)


def network_file_system(path: Path) -> str | None:
    """The type of the file system that `path` is on, if that is one of another machine."""
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in (PROC / "self" / "mountinfo").read_text(errors="replace").splitlines():
            before, _, after = line.partition(" - ")
            mount = before.split()[4].replace("\\040", " ")
            if len(mount) >= len(best) and Path(os.path.realpath(path)).is_relative_to(mount):
                best, kind = mount, after.split()[0]
    return kind if kind in _NETWORKS else None


def boot_time() -> float | None:
    """When this machine was started, in seconds since the epoch; None where that is not known."""
    with contextlib.suppress(OSError):
        for line in (PROC / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    return None


def _open_files(name: str) -> Iterator[tuple[int, str, str]]:
    """Every open file of that name, gone or not, in every process that may be looked into."""
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        with contextlib.suppress(OSError):  # it has ended, or belongs to another user
            for descriptor in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    link = str(descriptor.readlink())
                    if link.removesuffix(_DELETED).rpartition("/")[2] == name:
                        yield int(folder.name), link, descriptor.name


def _is_that_file(pid: int, descriptor: str, status: os.stat_result) -> bool:
    # By identity: in a container the same file has another path.
    with contextlib.suppress(OSError):
        return os.path.samestat((PROC / str(pid) / "fd" / descriptor).stat(), status)
    return False


def _has_lock(pid: int, descriptor: str) -> bool:
    with contextlib.suppress(OSError):
        text = (PROC / str(pid) / "fdinfo" / descriptor).read_text()
        return any("lock:" in line and " WRITE " in line for line in text.splitlines())
    return False


def _locked_by(status: os.stat_result) -> Iterator[int]:
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError):
        for line in (PROC / "locks").read_text().splitlines():
            words = line.split()  # 1: FLOCK ADVISORY WRITE 812 fe:00:2148316 0 EOF
            if words[3:4] == ["WRITE"] and words[5] == device:
                yield int(words[4])
