"""What is the matter with a lock: a look at it that no run can notice.

On Linux the kernel is asked without touching the lock. Only when it shows no holder and a record
stands there (or the folder is another machine's) is the lock tried, shared and for an instant; on
other systems always. A run that begins in that very instant tries again.
"""

from __future__ import annotations

import enum
import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradebot.scheduling.deadline import HANG_GRACE_SECONDS
from tradebot.scheduling.lock_holders import (
    Process,
    Sight,
    boot_time,
    network_file_system,
    see,
)
from tradebot.scheduling.lock_record import MAX_BYTES, Holder, parse_records

_LOOKS = 5
_PAUSE_SECONDS = 0.02
_OVERDUE_AFTER = timedelta(seconds=HANG_GRACE_SECONDS + 15)
"""After a run's deadline: its own watchdog should have ended it by then."""

if sys.platform == "win32":
    from tradebot.observability.windows_files import try_lock, unlock

    def _is_taken(descriptor: int) -> bool:
        if not try_lock(descriptor):
            return True
        unlock(descriptor)
        return False

else:
    import fcntl

    def _is_taken(descriptor: int) -> bool:
        """Has somebody the lock? Tried shared, so that two who look do not see each other."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False


class State(enum.StrEnum):
    """One word for a lock; what it means is in the text that comes with it."""

    FREE = "free"
    HELD = "held"
    STALE = "stale"
    DAMAGED = "damaged"
    HUNG = "hung"
    STOPPED = "stopped"
    OTHER = "other"
    UNSEEN = "unseen"
    GHOST = "ghost"
    CANNOT_LOCK = "cannot_lock"
    UNREADABLE = "unreadable"


_HARMLESS = frozenset((State.FREE, State.HELD, State.STALE, State.DAMAGED))


@dataclass(frozen=True, slots=True)
class LockState:
    """What a look at a lock showed."""

    path: Path
    state: State
    text: str
    """The same in a sentence or two."""
    advice: str = ""
    """What to do, with the commands to type; empty when there is nothing to do."""
    holder: Holder | None = None
    """The file's record: of the holder, or of the run that left it."""
    killed: Holder | None = None
    """A run that was killed earlier, whose record the holder keeps for the next run."""
    processes: tuple[Process, ...] = ()
    """Who has the lock, as far as that can be seen."""
    age: timedelta | None = None
    """How long the holder has had the lock."""

    @property
    def is_wrong(self) -> bool:
        """Should somebody do something about it?"""
        return bool(self.advice) or self.state not in _HARMLESS | {State.UNSEEN}


def look(path: Path, now: datetime | None = None) -> LockState:
    """The state of the lock `path`, at `now` (aware; by default the present). Raises nothing."""
    for left in reversed(range(_LOOKS)):
        glance = _Glance(path)
        settled = glance.is_settled()
        if settled or not left:
            break
        time.sleep(_PAUSE_SECONDS)
    return glance.judge(now or datetime.now(UTC))


class _Glance:
    """The file, its record and its holders, within a few milliseconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: OSError | None = None
        self.lock_error: OSError | None = None
        self.taken = False
        self.network = network_file_system(path)
        self.data, self.status = self._read()
        self.sight = Sight() if self.error else see(path, self.status)
        if self.sight.holders:
            self.taken = True
        elif self.status is not None and self._must_be_tried():
            self._try()
        records = parse_records(self.data)
        self.holder = records[0] if records else None
        self.killed = records[1] if len(records) > 1 else None

    def is_settled(self) -> bool:
        """Was it one state all the time, and not a run that was just beginning or ending?"""
        if self.error or self.sight.ghosts:
            return True
        unexplained = self.taken and self._owner() is None
        return self._read()[0] == self.data and not unexplained

    def judge(self, now: datetime) -> LockState:
        if self.error is not None:
            return self._unreadable(self.error)
        if self.sight.ghosts:
            return self._ghost()
        if self.lock_error is not None:
            return self._cannot_lock(self.lock_error)
        return self._taken(now) if self.taken else self._free()

    def _read(self) -> tuple[bytes, os.stat_result | None]:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            # Not to wait for a writer, if somebody put a pipe here.
            descriptor = os.open(self.path, flags | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return b"", None
        except OSError as error:
            self.error = error
            return b"", None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                self.error = OSError(0, "it is no regular file")
            return os.read(descriptor, MAX_BYTES), status
        except OSError as error:
            self.error = error
            return b"", None
        finally:
            os.close(descriptor)

    def _must_be_tried(self) -> bool:
        return bool(self.data) or self.network is not None or sys.platform != "linux"

    def _try(self) -> None:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(self.path, flags)
        except OSError:
            return  # removed since it was read: the next glance sees that
        try:
            self.taken = _is_taken(descriptor)
        except OSError as error:
            self.lock_error = error
        finally:
            os.close(descriptor)

    def _owner(self) -> Process | None:
        """The process that the record is about, if that is seen or known to be alive."""
        record = self.holder
        if record is None:
            return None
        for process in self.sight.holders:
            if (process.pids[-1], process.birth) == (record.pid, record.birth):
                return process
        if not self.sight.holders and record.is_running:
            return Process(record.pid, "")
        return None

    def _state(
        self,
        state: State,
        text: str,
        advice: str = "",
        processes: tuple[Process, ...] | None = None,
        age: timedelta | None = None,
    ) -> LockState:
        processes = self.sight.holders if processes is None else processes
        return LockState(self.path, state, text, advice, self.holder, self.killed, processes, age)

    # Nobody has it.

    def _free(self) -> LockState:
        if self.status is None:
            return self._state(State.FREE, "Free: no run has been here yet.")
        if not self.data:
            return self._state(State.FREE, "Free.")
        if self.holder is None:
            return self._state(
                State.DAMAGED,
                "Free; what is in the file is no record. Harmless: the next run writes over it.",
            )
        record = self.holder
        booted = boot_time()
        ended = "was killed or crashed"
        if booted is not None and (_time(record.started) or datetime.now(UTC)).timestamp() < booted:
            ended = (
                f"ended with the machine, which was started at {_text(_moment(booted))}, or before"
            )
        return self._state(
            State.STALE,
            f"Free. The run {record.run_id} (started {record.started}, slot {record.slot}) {ended}"
            f" in the phase {record.phase}. Harmless: the next run logs run_killed_found and"
            " recovers.",
        )

    # Somebody has it.

    def _taken(self, now: datetime) -> LockState:
        owner = self._owner()
        if owner is None:
            return self._other() if self.sight.holders else self._unseen(now)
        record = self.holder
        assert record is not None  # noqa: S101 - without a record there is no owner
        since = _time(record.since) or _time(record.started)
        age = None if since is None else max(now - since, timedelta(0))
        make = self._maker((owner,), age)
        who = f"pid {owner.pid}, run_id {record.run_id}, phase {record.phase}, slot {record.slot}"
        if owner.state in ("T", "t"):
            return make(
                State.STOPPED, f"Held by a process that stands still: {who}.", _go_on(owner)
            )
        if self._is_overdue(now):
            return make(
                State.HUNG,
                f"Held by a run that hangs: {who}. It should have ended at {record.deadline}."
                + (" It waits for a disk or another device." if owner.state == "D" else ""),
                _end(owner),
            )
        return make(State.HELD, f"Held by {who}.", "")

    def _maker(
        self, processes: tuple[Process, ...], age: timedelta | None
    ) -> Callable[[State, str, str], LockState]:
        others = tuple(p for p in self.sight.holders if p.pid != processes[0].pid)

        def make(state: State, text: str, advice: str) -> LockState:
            if others:
                text += f" Its lock is shared by {_names(others)}."
            return self._state(state, text, advice, (*processes, *others), age)

        return make

    def _is_overdue(self, now: datetime) -> bool:
        if self.holder is None or (end := _time(self.holder.deadline)) is None:
            return False
        # One that started after its deadline still reconciles, and its watchdog counts from then.
        begin = _time(self.holder.since) or end
        return now > max(end, begin) + _OVERDUE_AFTER

    def _other(self) -> LockState:
        names = _names(self.sight.holders)
        if self.holder is None:
            text = f"Held by {names}, without a record: by another program than the bot?"
        else:
            text = (
                f"The run {self.holder.run_id} (pid {self.holder.pid}) has ended in the phase"
                f" {self.holder.phase}; its lock is still held by {names}, which inherited it."
            )
        return self._state(
            State.OTHER,
            text + " Until that ends, every run exits with 75.",
            f"look at it, then end it: {_kill(self.sight.holders)}",
        )

    def _unseen(self, now: datetime) -> LockState:
        where = "another container or user"
        if self.network is not None:
            where += f", or another machine (the folder is on {self.network})"
        if self.holder is None:
            return self._state(
                State.UNSEEN,
                f"Held by a process that cannot be seen from here: {where}.",
                "look from there, or as root on the host: tradebot schedule lock",
            )
        text = (
            f"Held by a process that cannot be seen from here: {where}. Its record: {self.holder}."
        )
        if not self._is_overdue(now):
            return self._state(State.UNSEEN, text)
        return self._state(
            State.UNSEEN,
            f"{text} It should have ended at {self.holder.deadline}.",
            "look from there, or as root on the host: tradebot schedule lock",
        )

    # Something else.

    def _ghost(self) -> LockState:
        ghosts = self.sight.ghosts
        now = "is gone" if self.status is None else "was replaced"
        return self._state(
            State.GHOST,
            f"{_names(ghosts)} holds the lock of a file of this name that {now}, so a second run"
            " can begin beside it. It notices before its next order and sends nothing more.",
            f"wait for its end, or end it: {_kill(ghosts)}; and find out what removes or replaces"
            " files in the state folder",
            (*ghosts, *self.sight.holders),
        )

    def _cannot_lock(self, error: OSError) -> LockState:
        kind = f" (it is on {self.network})" if self.network else ""
        return self._state(
            State.CANNOT_LOCK,
            f"The file system cannot lock: {error.strerror}{kind}. Every run exits with 74.",
            "put STATE_DIR on a local disk",
        )

    def _unreadable(self, error: OSError) -> LockState:
        return self._state(
            State.UNREADABLE,
            f"The lock cannot be read: {error.strerror}.",
            "look as the user who runs the bot; it must be a plain file of that user",
        )


def _names(processes: tuple[Process, ...]) -> str:
    return ", ".join(f"pid {p.pid} ({p.command or 'command unknown'})" for p in processes)


def _kill(processes: tuple[Process, ...]) -> str:
    pids = " ".join(str(p.pid) for p in processes)
    return f"taskkill /F /PID {pids}" if os.name == "nt" else f"kill {pids}"


def _end(process: Process) -> str:
    command = f"end it: {_kill((process,))}"
    if os.name == "nt":
        return f"{command}; the next run recovers"
    return (
        f"{command}; if it is still there after 30 s: kill -KILL {process.pid}."
        " The next run recovers"
    )


def _go_on(process: Process) -> str:
    if process.state == "t":
        return f"a debugger holds it: detach that, or end it: kill -KILL {process.pid}"
    return (
        f"let it go on: kill -CONT {process.pid} (past its deadline it sends nothing), or end it:"
        f" kill -KILL {process.pid}. The next run recovers"
    )


def _time(text: str) -> datetime | None:
    """A time of a record; None for `-` and for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
