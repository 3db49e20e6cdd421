"""The units on this machine: installed, taken away again, and looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tradebot.deploy.folders import making
from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Command, Plan, TextChange, call
from tradebot.deploy.scheduler import Status
from tradebot.deploy.systemd.accounts import Account, current_user, find_account
from tradebot.deploy.systemd.installed import STEMS
from tradebot.deploy.systemd.manager import Manager, parse_time
from tradebot.deploy.systemd.units import KEEPALIVE, MARKER, render, written_folders
from tradebot.errors import StorageError, UsageError

BACKUP = ".before-tradebot"
"""Behind the name of a unit that was there before ours."""


@dataclass(frozen=True, slots=True)
class UnitPlan(Plan):
    """When it fails, systemd too is told to go on as before, not only the files put back."""

    revival: tuple[Command, ...] = ()
    """Brings back what ran before."""

    def apply(self) -> list[str]:
        """As `Plan.apply`; the StorageError also says whether all is in its place again."""
        try:
            return Plan.apply(self)  # `super()` does not work with slots
        except StorageError as error:
            raise StorageError(f"{error}; {self._put_back()}") from error

    def _put_back(self) -> str:
        try:
            for change in self.changes:
                if change.before is not None and change.path is None:
                    # A command may have removed it.
                    path = Path(change.label)
                    Plan((TextChange(change.label, _text_of(path), change.before, path),)).apply()
            Plan(commands=self.revival).apply()
        except StorageError as error:
            return f"and the units and timers of before could not be put back: {error}"
        return "the units and timers of before were put back after that"


def plan_install(schedule: Schedule) -> Plan:
    """Raises StorageError where systemd does not answer, UsageError for a user who is not there
    or cannot reach the program."""
    manager = Manager.of(schedule)
    manager.require()
    account = _account(schedule)
    _require_root(manager)
    texts = render(schedule)
    changes = [change for name, text in texts.items() for change in _put(manager, name, text)]
    changes = [change for change in changes if change.before != change.after]
    commands = [*_folders(schedule, account)]
    ours = list(_ours(manager, schedule))
    reload = Command((*manager.systemctl, "daemon-reload"))
    if changes or any(_is_stale(manager, name) for name in texts):
        commands.append(reload)
    commands += [
        Command((*manager.systemctl, "enable", "--now", name))
        for name in texts
        if name.endswith(".timer") and not _will_fire(manager, name)
    ]
    surplus = [name for name in ours if name not in texts]
    if surplus:
        # Last: until what is wanted runs, what ran before must.
        removed, removals = _take_away(manager, surplus)
        changes += removed
        commands += [*removals, reload]
    return UnitPlan(
        tuple(changes),
        tuple(commands),
        tuple(_install_notes(manager, account)),
        tuple(_revival(manager, ours)),
    )


def plan_uninstall(schedule: Schedule) -> Plan:
    """Units that somebody else wrote stay; those that ours took the place of come back. What the
    bot itself wrote (log, state) is not touched. Raises StorageError as `plan_install` does."""
    manager = Manager.of(schedule)
    manager.require()
    names = list(_ours(manager, schedule))
    if not names:
        return Plan()
    _require_root(manager)
    changes, commands = _take_away(manager, names)
    commands.append(Command((*manager.systemctl, "daemon-reload")))
    failed = [
        name for name in names if manager.show(name, "ActiveState").get("ActiveState") == "failed"
    ]
    if failed:
        # Else systemd would remember a unit that is not there any more.
        commands.append(Command((*manager.systemctl, "reset-failed", *failed), may_fail=True))
    return UnitPlan(
        tuple(changes),
        tuple(commands),
        tuple(_uninstall_notes(manager, names)),
        tuple(_revival(manager, names)),
    )


def status(schedule: Schedule) -> Status:
    """Raises StorageError where systemd does not answer."""
    manager = Manager.of(schedule)
    manager.require()
    timer, service = f"{schedule.name}.timer", f"{schedule.name}.service"
    of_timer = manager.show(
        timer, "LoadState", "ActiveState", "UnitFileState", "NextElapseUSecRealtime",
        "LastTriggerUSec", "FragmentPath",
    )  # fmt: skip
    of_service = manager.show(
        service, "ActiveState", "SubState", "Result", "ExecMainStatus", "ExecMainStartTimestamp",
        "ExecMainExitTimestamp", "NRestarts",
    )  # fmt: skip
    texts = render(schedule)
    return Status(
        installed=of_timer.get("LoadState") == "loaded",
        current=all(_text_of(manager.folder / name) == text for name, text in texts.items()),
        active=of_timer.get("ActiveState") == "active",
        facts=tuple(_facts(manager, schedule, of_timer, of_service)),
    )


def lingers(user: str) -> bool | None:
    """Does the user's manager run without a login? None when nobody can tell."""
    return {"yes": True, "no": False}.get(_linger(user))


def _linger(user: str) -> str:
    if Path("/var/lib/systemd/linger", user).exists():
        return "yes"
    done = call(["loginctl", "show-user", user, "--property=Linger", "--value"])
    return done.stdout.strip() if done.returncode == 0 else ""


def _require_root(manager: Manager) -> None:
    if manager.system and os.geteuid() != 0:
        raise StorageError(
            "only root can change the units of the whole machine: say it with sudo before it, or "
            "leave --system out to have units of your own"
        )


def _account(schedule: Schedule) -> Account:
    me = current_user()
    name = schedule.user or me
    if not schedule.system and name != me:
        raise UsageError(
            f"units of the user {name} are installed by {name}: log in as {name} and leave --user "
            "out, or install for the whole machine with --system"
        )
    account = find_account(name)
    if account is None:
        raise UsageError(
            f"there is no user {name} on this machine; make one, then try again: useradd --system "
            f"--create-home --home-dir /var/lib/ai-tradebot --shell /usr/sbin/nologin {name}"
        )
    program = schedule.program
    for path, want in ((Path(program.home), 1), (Path(program.python), 1)):
        if os.path.exists(path) and not account.may(path, want):  # noqa: PTH110 - as in _folders
            raise UsageError(
                f"the user {name} cannot reach {path}: put the bot where {name} may read it, such "
                "as /opt/ai-tradebot, or name another --user"
            )
    return account


def _put(manager: Manager, name: str, text: str) -> Iterator[TextChange]:
    """Our unit in its place; one of somebody else's is put aside first."""
    path = manager.folder / name
    before = _text_of(path)
    if before is not None and not before.startswith(MARKER):
        aside = path.with_name(name + BACKUP)
        yield TextChange(str(aside), _text_of(aside), before, aside)
    yield TextChange(str(path), before, text, path)


def _take_away(manager: Manager, names: Iterable[str]) -> tuple[list[TextChange], list[Command]]:
    """Stopped and disabled while systemd still knows them, then removed; a run ends in order."""
    names = list(names)
    changes: list[TextChange] = []
    stops = [
        Command((*manager.systemctl, "disable", "--now", name))
        for name in names
        if name.endswith(".timer")
    ]
    services = [name for name in names if name.endswith(".service")]
    if services:
        stops.append(Command((*manager.systemctl, "stop", *services)))
    moves = []
    for name in names:
        path = manager.folder / name
        aside = path.with_name(name + BACKUP)
        before = _text_of(aside)
        changes.append(TextChange(str(path), _text_of(path), before))
        if before is None:
            moves.append(Command(("rm", "-f", str(path))))
        else:
            changes.append(TextChange(str(aside), before, None))
            moves.append(Command(("mv", "-f", str(aside), str(path))))
    return changes, [*stops, *moves]


def _revival(manager: Manager, names: Iterable[str]) -> Iterator[Command]:
    """Makes systemd read the units again and the timers do what they do now."""
    yield Command((*manager.systemctl, "daemon-reload"))
    for name in names:
        if name.endswith(".timer"):
            now = manager.show(name, "UnitFileState", "ActiveState")
            if now.get("UnitFileState") == "enabled":
                yield Command((*manager.systemctl, "enable", name))
            if now.get("ActiveState") == "active":
                yield Command((*manager.systemctl, "start", name))


def _ours(manager: Manager, schedule: Schedule) -> Iterator[str]:
    """The names of the installed units that bear our mark."""
    for stem in STEMS:
        for kind in ("timer", "service"):
            name = f"{stem}@{schedule.instance}.{kind}"
            if (_text_of(manager.folder / name) or "").startswith(MARKER):
                yield name


def _folders(schedule: Schedule, account: Account) -> Iterator[Command]:
    """Makes the folders that a run writes to, where they are missing, for the run's user."""
    home = account.home if schedule.system else Path.home()
    user = schedule.user if schedule.system and account.name != current_user() else None
    for folder in map(Path, written_folders(schedule, home)):
        if not os.path.isdir(folder):  # noqa: PTH112 - answers, too, where one may not look
            # Above it only what is missing in the user's own home is the user's, too.
            yield making(folder, user, home)
        elif not account.may(folder, 7):
            # A link may lead to something that must not be given away: it is to be seen.
            raise UsageError(
                f"{account.name} cannot write into {folder}; run: chown -R "
                f"{account.name}: {folder.resolve()}"
            )


def _is_stale(manager: Manager, unit: str) -> bool:
    """Has the file changed since systemd read it?"""
    return manager.show(unit, "NeedDaemonReload").get("NeedDaemonReload") == "yes"


def _will_fire(manager: Manager, timer: str) -> bool:
    found = manager.show(timer, "UnitFileState", "ActiveState")
    return found.get("UnitFileState") == "enabled" and found.get("ActiveState") == "active"


def _install_notes(manager: Manager, account: Account) -> Iterator[str]:
    if not manager.system and lingers(account.name) is False:
        yield (
            f"{account.name}'s timers only run while {account.name} is logged in; so that they "
            f"always do: loginctl enable-linger {account.name}"
        )


def _uninstall_notes(manager: Manager, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        folder = manager.folder / f"{name}.d"
        if folder.is_dir():
            yield f"{folder} stays: your own changes are in it"
        if name.endswith(".timer") and (manager.folder / (name + BACKUP)).exists():
            command = " ".join(manager.systemctl)
            yield f"{name} will be what it was before; to start it: {command} enable --now {name}"


def _facts(
    manager: Manager, schedule: Schedule, timer: Mapping[str, str], service: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    yield "timer", f"{timer.get('ActiveState', '-')}, {timer.get('UnitFileState') or 'not there'}"
    if timer.get("FragmentPath"):
        yield "unit file", timer["FragmentPath"]
    yield "next run", _time(timer.get("NextElapseUSecRealtime"))
    yield "last run", _time(service.get("ExecMainStartTimestamp"))
    yield "last end", _time(service.get("ExecMainExitTimestamp"))
    yield "last result", f"{service.get('Result', '-')}, exit {service.get('ExecMainStatus', '-')}"
    yield "now", f"{service.get('ActiveState', '-')} ({service.get('SubState', '-')})"
    if schedule.needs_keepalive:
        name = f"{KEEPALIVE}@{schedule.instance}.timer"
        found = manager.show(name, "ActiveState", "NextElapseUSecRealtime")
        next_run = _time(found.get("NextElapseUSecRealtime"))
        yield "keepalive", f"{found.get('ActiveState', '-')}, next {next_run}"
    user = schedule.user or current_user()
    if not manager.system:
        known = {True: "yes", False: "no", None: "unknown"}
        yield "runs without a login", known[lingers(user)]


def _time(text: str | None) -> str:
    moment = parse_time(text or "")
    return "-" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text_of(path: Path) -> str | None:
    """The file's text; None when there is none. Raises StorageError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StorageError(f"{path} is not UTF-8: move it away, then try again") from error
