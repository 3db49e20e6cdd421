"""Putting the schedule into a crontab, taking it out, and what is there now."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from tradebot.deploy.cron import block, ours, table
from tradebot.deploy.cron.machine import (
    Machine,
    crontab_command,
    crontab_label,
    user_crontab,
    user_name,
)
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.folders import making
from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Command, Plan, TextChange
from tradebot.errors import StorageError, UsageError

_FILE_HEAD = "# Times are those of this machine's cron; the bot itself counts its slots in UTC.\n"
_NO_DAEMON = "no cron daemon is running, so nothing starts: systemctl enable --now cron"


def text_of(schedule: Schedule, zone: tzinfo) -> str:
    """What is installed: the block, or for the whole machine the file around it."""
    now = datetime.now(UTC)
    if not schedule.system:
        return table.rendered(schedule, zone, now)
    return _FILE_HEAD + table.rendered(schedule, zone, now, schedule.user or user_name())


def plan_install(machine: Machine, schedule: Schedule) -> Plan:
    text = text_of(schedule, machine.zone())
    notes = [] if machine.daemon() else [_NO_DAEMON]
    tables = machine.system_tables() if schedule.system else machine.tables(schedule)
    for line in ours.lines(tables, schedule):
        if line.job.instance is None:
            notes.append(f"{line.place} starts the same bot: take it away, or it is started twice")
    if not machine.has_mailer():
        notes.append("no mail program: cron throws away what a failed run prints (see cron.md)")
    if schedule.system:
        change = _file_change(machine, schedule, text.removeprefix(_FILE_HEAD))
        commands: tuple[Command, ...] = ()
    else:
        change, commands = _crontab_change(schedule, text)
    return Plan((change,), (*_folders(schedule), *commands), tuple(notes))


def plan_uninstall(machine: Machine, schedule: Schedule) -> Plan:
    if schedule.system:
        return Plan((_file_change(machine, schedule, ""),))
    change, commands = _crontab_change(schedule, "")
    return Plan((change,), commands)


def _file_change(machine: Machine, schedule: Schedule, text: str) -> TextChange:
    """The file in /etc/cron.d with `text` as our block in it, and what else is in it kept.

    Raises UsageError for a file that we did not make.
    """
    path = machine.system_file(schedule)
    before = _read(path)
    whole, label = before or _FILE_HEAD, str(path)
    if not whole.startswith(_FILE_HEAD) and not block.find(whole, schedule.instance, label):
        raise UsageError(
            f"{label} was not made by `tradebot schedule`, so it is not changed: move what is in "
            "it to a file of another name, then try again"
        )
    after = block.put(whole, schedule.instance, text, label)
    is_left = after.replace(_FILE_HEAD, "", 1).strip()
    mode = 0o644 if before is None else stat.S_IMODE(path.stat().st_mode)
    return TextChange(label, before, after if is_left else None, path, mode)


def _crontab_change(schedule: Schedule, text: str) -> tuple[TextChange, tuple[Command, ...]]:
    """The user's crontab with `text` as our block in it."""
    label = crontab_label(schedule.user)
    before = user_crontab(schedule.user)
    _refuse_windows_ends(before or "", label)
    after = block.put(before or "", schedule.instance, text, label)
    if after == (before or ""):
        return TextChange(label, before, before), ()
    if not after:
        return TextChange(label, before, None), (Command(crontab_command(schedule.user, "-r")),)
    write = Command(crontab_command(schedule.user, "-"), stdin=after)
    return TextChange(label, before, after), (write,)


def _refuse_windows_ends(text: str, label: str) -> None:
    """Debian's `crontab -l` shows a carriage return as two characters: so it would come back."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.endswith("\\r"):
            raise StorageError(
                f"{label} line {number}: ends in \\r, the sign of a Windows line end, which could "
                "not be kept as it is; take it away (`crontab -e`)"
            )


def _folders(schedule: Schedule) -> tuple[Command, ...]:
    """flock opens its file before the bot has run for the first time and made the folders."""
    folder = Path(table.lock_file(schedule)).parent
    if os.path.isdir(folder):  # noqa: PTH112 - answers, too, where one may not look
        return ()
    user = None if schedule.user == user_name() else schedule.user
    return (making(folder, user, folder.parent),)


def installed(machine: Machine, schedule: Schedule) -> Table | None:
    """Our block, under the head of our file in /etc/cron.d; None when it is not there."""
    if schedule.system:
        path = machine.system_file(schedule)
        whole = _read(path)
        text = None if whole is None else block.find(whole, schedule.instance, str(path))
        return None if text is None else Table(str(path), _FILE_HEAD + text, system=True)
    label = crontab_label(schedule.user)
    whole = user_crontab(schedule.user)
    text = None if whole is None else block.find(whole, schedule.instance, label)
    return None if text is None else Table(label, text, owner=schedule.user)


def _read(path: Path) -> str | None:
    """Raises StorageError for what could not be written back as it was."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise StorageError(f"{path} is not UTF-8: move it away, then try again") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
