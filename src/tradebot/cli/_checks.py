"""What `tradebot doctor` looks at: one function per question, each answers in single lines.

Nothing is changed: probes are made in a folder of their own and removed, the journal is opened for
reading, and nothing goes over a network.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tradebot.errors import LoginError, SettingsError, StorageError
from tradebot.journal.schema import APPLICATION_ID, MIGRATIONS
from tradebot.logtools.canary import run_canary
from tradebot.observability.rotation import LIVE_NAME
from tradebot.observability.system_files import exclusive_lock
from tradebot.saxo.token_store import LOGIN_COMMAND, TokenStore
from tradebot.settings import Settings
from tradebot.strategies.registry import load_strategy

OK, WARN, FAIL = "ok", "WARN", "FAIL"

_NEEDED_MB = 50
"""Below this, a log that is about to fail is only a matter of days."""
_COMFORTABLE_MB = 500
"""A month of cycles every minute."""
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: what was looked at and found, and what to do unless it is fine."""

    name: str
    status: str
    """`ok`, `WARN` (works, but look at it) or `FAIL` (an unattended run would not work)."""
    what: str
    todo: str = ""


def check_settings(settings: Settings, problems: Sequence[str]) -> Iterator[Check]:
    """Are they all valid, the strategy's own included?"""
    found = list(problems)
    try:
        load_strategy(settings.strategy_name, settings.strategy_params, folder=settings.home)
    except SettingsError as error:
        found += [problem for problem in error.problems if problem not in found]
    for problem in found:
        yield Check("settings", FAIL, problem, "see `tradebot config check`")
    for warning in settings.warnings:
        yield Check("settings", WARN, warning, "correct it, or leave it if it is meant")
    if not found:
        mode = "dry run" if settings.dry_run else "orders are sent"
        what = f"settings: SAXO_ENV={settings.saxo_env}, {mode}, INSTANCE={settings.instance}"
        yield Check("settings", OK, what)


def check_python(settings: Settings) -> Iterator[Check]:
    """Does the interpreter have what a run needs?"""
    yield Check("python", OK, f"Python {platform.python_version()} on {sys.platform}")
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"the time zone {settings.timezone} cannot be loaded"
        yield Check("time zones", FAIL, what, "install the package tzdata")
    else:
        yield Check("time zones", OK, f"time zones: {settings.timezone} can be loaded")


def check_clock(log_dir: Path, now: float) -> Iterator[Check]:
    """Is the clock behind what has happened already? `now` is in epoch seconds."""
    todo = "set the clock; let a time service (chrony, systemd-timesyncd) keep it"
    installed = Path(__file__).stat().st_mtime
    written = 0.0
    with contextlib.suppress(OSError):
        written = (log_dir / LIVE_NAME).stat().st_mtime
    shown = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if max(installed, written) > now + _DAY_SECONDS:
        what = f"the clock says {shown}: files of the bot are more than a day younger than that"
        yield Check("clock", FAIL, what, todo)
    else:
        yield Check("clock", OK, f"clock: {shown}; the broker's own time is compared in each run")


def check_folder(name: str, folder: Path) -> Iterator[Check]:
    """Is the folder that the variable `name` names writable, and is there room?"""
    if not folder.exists():
        yield from _check_new_folder(name, folder)
        return
    if not folder.is_dir():
        what = f"{name}: {folder} is not a folder"
        yield Check(name, FAIL, what, f"move it away, or set {name} to a folder")
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=folder) as probe:
            moves = list(_check_moves(name, Path(probe)))
    except OSError as error:
        what = f"{name}: {folder} cannot be written ({error.strerror})"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        another = f"choose a folder that this user may write to: set {name}"
        yield Check(name, FAIL, what, "free space on its disk" if full else another)
        return
    yield Check(name, OK, f"{name}: {folder} can be written")
    yield from _check_room(name, folder)
    yield from moves


def _check_new_folder(name: str, folder: Path) -> Iterator[Check]:
    parent = _existing_parent(folder)
    if not parent.is_dir():
        what = f"{name}: {folder} cannot be made: {parent} is not a folder"
        yield Check(name, FAIL, what, f"move it away, or set {name}")
    elif os.access(parent, os.W_OK | os.X_OK):
        yield Check(name, OK, f"{name}: {folder} does not exist yet; the first run makes it")
        yield from _check_room(name, parent)
    else:
        what = f"{name}: {folder} cannot be made: {parent} is not writable for this user"
        yield Check(name, FAIL, what, f"make it for this user, or set {name}")


def _existing_parent(folder: Path) -> Path:
    return next((parent for parent in folder.parents if parent.exists()), folder.parent)


def check_privacy(name: str, paths: Iterable[Path]) -> Iterator[Check]:
    """May only this user read what should not be seen by others?"""
    if os.name != "posix":
        return
    open_to_others = False
    for path in paths:
        if not path.exists():
            continue
        status = path.stat()
        if status.st_uid != os.geteuid():
            open_to_others = True
            yield Check(name, WARN, f"{name}: {path} belongs to another user", "chown it")
        elif stat.S_IMODE(status.st_mode) & 0o077:
            open_to_others = True
            yield Check(name, WARN, f"{name}: others may read {path}", "chmod go= it")
    if not open_to_others:
        yield Check(name, OK, f"{name}: what is in it is this user's alone")


def _check_room(name: str, folder: Path) -> Iterator[Check]:
    free = shutil.disk_usage(folder).free // 1_000_000
    if free >= _COMFORTABLE_MB:
        yield Check(name, OK, f"{name}: {free} MB are free")
    else:
        status = WARN if free >= _NEEDED_MB else FAIL
        yield Check(name, status, f"{name}: only {free} MB are free", "make room on its disk")


def _check_moves(name: str, probe: Path) -> Iterator[Check]:
    """What a rotation and a new token file do: link, unlink, rename within the folder."""
    first, second = probe / "first", probe / "second"
    first.write_bytes(b"probe\n")
    try:
        os.link(first, second)
    except (OSError, NotImplementedError):
        what = f"{name}: no hard links on this file system; rotation renames under its lock"
        yield Check(name, WARN, what, "nothing, as long as it is no network share of several hosts")
    else:
        yield Check(name, OK, f"{name}: hard links and renames work")
    second.unlink(missing_ok=True)
    first.rename(second)


def check_live_file(log_dir: Path) -> Iterator[Check]:
    """Can the live file be appended to?"""
    path = log_dir / LIVE_NAME
    try:
        status = path.lstat()
    except OSError:
        return  # the first run makes it, or the folder's own check says why not
    if not stat.S_ISREG(status.st_mode):
        yield Check("bot.log", FAIL, f"{path} is not a regular file", "move it away")
    elif not os.access(path, os.W_OK):
        yield Check("bot.log", FAIL, f"{path} is not writable for this user", "chown it")
    else:
        yield Check("bot.log", OK, f"{path} is a regular file of {status.st_size} bytes")


def check_lock(folder: Path) -> Iterator[Check]:
    """Does the lock that rotation needs shut others out? `folder` is a temporary one."""
    path = folder / "lock"
    try:
        with exclusive_lock(path) as first, exclusive_lock(path) as second:
            works = first and not second
    except OSError:
        works = False
    if works:
        yield Check("rotation lock", OK, "the rotation's lock shuts others out")
    else:
        what = "file locks do not work on the file system of LOG_DIR"
        yield Check("rotation lock", FAIL, what, "set LOG_DIR to a folder on a local disk")


def check_journal(path: Path) -> Iterator[Check]:
    """Can the journal be read, is it whole, and is it ours? It is opened for reading only."""
    if not path.exists():
        yield Check("journal", OK, f"journal: {path} does not exist yet; the first run makes it")
        return
    problem = _journal_problem(path)
    if problem:
        todo = "restore a backup, or move it away and reconcile by hand"
        yield Check("journal", FAIL, f"journal: {path}: {problem}", todo)
    elif not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        what = f"journal: {path} is not writable for this user"
        yield Check("journal", FAIL, what, "chown it and its folder")
    else:
        yield Check("journal", OK, f"journal: {path} is whole")


def _journal_problem(path: Path) -> str:
    # Without a WAL nobody has it open, and SQLite need not make one just for us to read.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as connection:
            owner = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    if owner != APPLICATION_ID:
        return "a database of another program"
    if version > len(MIGRATIONS):
        return "written by a newer version of the bot"
    return "" if verdict == "ok" else f"damaged: {verdict.splitlines()[-1]}"


def check_login(settings: Settings, now: datetime) -> Iterator[Check]:
    """Is there a login that the next run can use or refresh?"""
    if settings.saxo_env == "LOCAL" and settings.saxo_rest_base is None:
        yield Check("login", OK, "login: the built-in simulator needs none")
        return
    if settings.saxo_auth_mode == "manual":
        what = "login: SAXO_ACCESS_TOKEN lives for a day and cannot be refreshed"
        yield Check("login", WARN, what, "for unattended runs: SAXO_AUTH_MODE=oauth or pkce")
        return
    try:
        tokens = TokenStore(settings.saxo_token_file).load()
    except (LoginError, StorageError) as error:
        yield Check("login", FAIL, str(error), f"`{LOGIN_COMMAND}`")
        return
    if tokens is None or tokens.lost or tokens.env != settings.saxo_env:
        until = now
    else:
        until = tokens.refresh_expires_at or tokens.access_expires_at
    if until <= now:
        yield Check("login", FAIL, "there is no login that lasts", f"`{LOGIN_COMMAND}`")
    else:
        yield Check("login", OK, f"login: lasts until {until:%Y-%m-%dT%H:%M:%SZ} if not refreshed")


def check_log(settings: Settings, folder: Path) -> Iterator[Check]:
    """Does the log keep a secret, in a session with these settings? `folder` is a temporary one."""
    try:
        result = run_canary(
            folder / "canary",
            {
                "queue": settings.log_queue,
                "rotation_mode": settings.log_rotation_mode,
                "max_bytes": settings.log_max_bytes,
                "backup_count": settings.log_backup_count,
                "retention_days": settings.log_retention_days,
            },
        )
    except StorageError as error:
        yield Check("canary", FAIL, f"canary: {error}", "see the lines about LOG_DIR")
        return
    for carrier, where in result.leaks.items():
        what = f"canary: a secret logged by way of `{carrier}` leaked: {where}"
        yield Check("canary", FAIL, what, "start no run; report this line")
    for carrier, kind in result.raised.items():
        what = f"canary: a log call raised {kind} by way of `{carrier}`"
        yield Check("canary", FAIL, what, "start no run; report this line")
    for carrier in result.silent:
        what = f"canary: nothing arrived of what was logged by way of `{carrier}`"
        yield Check("canary", FAIL, what, "start no run; report this line")
    if result.ok:
        queue = "with" if settings.log_queue else "without"
        what = (
            f"canary: no secret leaked in {result.carriers} ways into the log, {queue} a queue; "
            f"{result.bytes} bytes searched"
        )
        yield Check("canary", OK, what)


@contextlib.contextmanager
def temporary_folder(log_dir: Path) -> Iterator[Path]:
    """A folder under LOG_DIR, or the system's own temporary folder where that cannot be."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix=".doctor-", dir=log_dir)
            )
        except OSError:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tradebot-doctor-"))
        yield Path(folder)


def examine(settings: Settings, problems: Sequence[str]) -> Iterator[Check]:
    """Every check, one after the other. What a check cannot look at fails it."""
    log_dir, state = settings.log_dir, settings.state_path
    journals = [state / kind / "journal.db" for kind in ("dry", "live")]
    yield from check_settings(settings, problems)
    yield from check_python(settings)
    yield from check_clock(log_dir, time.time())
    yield from _guarded("LOG_DIR", check_folder("LOG_DIR", log_dir))
    yield from _guarded("LOG_DIR", check_privacy("LOG_DIR", [log_dir, log_dir / LIVE_NAME]))
    yield from check_live_file(log_dir)
    yield from _guarded("STATE_DIR", check_folder("STATE_DIR", settings.state_dir))
    secrets = [settings.state_dir, settings.state_path, settings.saxo_token_file, *journals]
    yield from _guarded("STATE_DIR", check_privacy("STATE_DIR", secrets))
    for journal in journals:
        yield from _guarded("journal", check_journal(journal))
    yield from check_login(settings, datetime.now(UTC))
    with temporary_folder(log_dir) as folder:
        yield from check_lock(folder)
        yield from check_log(settings, folder)


def _guarded(name: str, checks: Iterator[Check]) -> Iterator[Check]:
    try:
        yield from checks
    except OSError as error:
        what = f"{name}: cannot be looked at: {error.strerror or error}"
        yield Check(name, FAIL, what, "check its path, owner and permissions")
