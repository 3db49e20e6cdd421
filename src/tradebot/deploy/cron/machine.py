"""The machine's side of cron: the daemon, its time zone, and where crontabs lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tradebot.deploy.cron import table
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.model import Schedule
from tradebot.errors import StorageError

_DAEMONS = frozenset({"cron", "crond"})
_INSTALL = (
    "install one (`apt-get install cron`, `dnf install cronie`), or use systemd: "
    "tradebot schedule install systemd"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine whose files lie below `root`."""

    root: Path = Path("/")

    def system_file(self, schedule: Schedule) -> Path:
        """Where the system form of the schedule is."""
        return self.root / "etc" / "cron.d" / table.file_name(schedule)

    def daemon(self) -> int | None:
        """The process id of a running cron daemon; None when there is none. One that is not
        root's, or runs in a container, reads none of this machine's crontabs."""
        here = len(_status(self.root / "proc" / "self").get("NSpid", []))
        for folder in sorted((self.root / "proc").glob("[0-9]*")):
            status = _status(folder)
            if (
                status.get("Name", [""])[0] in _DAEMONS
                and status.get("Uid", [""])[0] == "0"
                and len(status.get("NSpid", [])) == here
            ):
                return int(folder.name)
        return None

    def zone(self) -> tzinfo:
        """The time zone that the daemon reads crontabs in: its own TZ, else the machine's."""
        return self._daemons_own_zone() or self._machine_zone() or UTC

    def _daemons_own_zone(self) -> tzinfo | None:
        pid = self.daemon()
        try:
            environment = (self.root / "proc" / str(pid) / "environ").read_bytes()
        except OSError:
            return None
        found = [part[3:] for part in environment.split(b"\0") if part.startswith(b"TZ=")]
        return _zone(found[0].decode(errors="replace").lstrip(":")) if found else None

    def _machine_zone(self) -> tzinfo | None:
        path = self.root / "etc" / "localtime"
        # Read without following: the name is in what the link says.
        target = str(path.readlink()) if path.is_symlink() else ""
        named = _zone(target.partition("zoneinfo/")[2])
        if named is not None or not path.is_file():
            return named
        with path.open("rb") as file:
            return ZoneInfo.from_file(file)

    def has_mailer(self) -> bool:
        """Is there a program by which cron can send what a command prints?"""
        places = ("usr/sbin/sendmail", "usr/lib/sendmail")
        return any((self.root / place).exists() for place in places)

    def has_timer(self, schedule: Schedule) -> Path | None:
        """The enabled systemd timer of the same instance, if any: the system's or the user's."""
        home = self.root / home_of(schedule.user).lstrip("/")
        for place in (self.root / "etc/systemd/system", home / ".config/systemd/user"):
            link = place / "timers.target.wants" / f"{schedule.name}.timer"
            if os.path.lexists(link):
                return link
        return None

    def tables(self, schedule: Schedule) -> Iterator[Table]:
        """Every crontab in which the schedule could be. Raises StorageError for the user's."""
        text = user_crontab(schedule.user)
        if text is not None:
            yield Table(crontab_label(schedule.user), text, owner=schedule.user)
        yield from self.system_tables()

    def system_tables(self) -> Iterator[Table]:
        files = [self.root / "etc" / "crontab", *sorted((self.root / "etc/cron.d").glob("*"))]
        for path in files:
            text = _text(path)
            if text is not None:
                yield Table(str(path), text, system=True)


def _status(process: Path) -> dict[str, list[str]]:
    """The words of each line that the kernel says about a process; empty when it has ended."""
    try:
        text = (process / "status").read_text(errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.splitlines())
    return {name: words.split() for name, colon, words in lines if words.strip()}


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode(errors="replace") if path.is_file() else None
    except OSError:
        return None  # somebody else's file: what runs in it is not ours to judge


def crontab_label(user: str | None) -> str:
    return f"crontab of {user or user_name()}"


def user_name() -> str:
    """Who runs this."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def home_of(user: str | None) -> str:
    """The user's home folder; `/` for one who is not there."""
    import pwd

    try:
        return pwd.getpwnam(user or user_name()).pw_dir
    except KeyError:
        return "/"


def crontab_command(user: str | None, *words: str) -> tuple[str, ...]:
    """`crontab` for this user, or, as root, for another."""
    named = () if user is None or user == user_name() else ("-u", user)
    return ("crontab", *named, *words)


def user_crontab(user: str | None) -> str | None:
    """The whole text; None when the user has none. Raises StorageError when it cannot be had, and
    for a text that could not be written back as it was."""
    import subprocess

    command = crontab_command(user, "-l")
    try:
        # Bytes: what is not ours must come back exactly as it was.
        done = subprocess.run(  # noqa: S603 - the words are ours, and no shell reads them
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            timeout=60,
            check=False,
        )
    except OSError as error:
        raise StorageError(
            f"there is no `crontab` program ({error.strerror}): {_INSTALL}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StorageError(f"`{' '.join(command)}` does not answer") from error
    if done.returncode == 0:
        return _decoded(done.stdout, crontab_label(user))
    said = done.stderr.decode(errors="replace").strip()
    if "no crontab for" in said:
        return None
    raise refusal(said, crontab_label(user))


def refusal(said: str, label: str) -> StorageError:
    """What `crontab` said when it refused, and what to do about it."""
    advice = ""
    if "not allowed" in said:
        advice = (
            "; /etc/cron.allow or /etc/cron.deny forbids it: have the administrator allow the "
            "user, or install for the whole machine (--system, as root)"
        )
    if "privileged" in said:
        advice = "; only root may see and change another user's"
    return StorageError(f"{label} cannot be read: {said.strip()}{advice}")


def _decoded(data: bytes, label: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StorageError(
            f"{label} line {line}: not UTF-8, so it could not be kept as it is; mend that line "
            "(`crontab -e`), or put the lines of `tradebot schedule render cron` in by hand"
        ) from error
