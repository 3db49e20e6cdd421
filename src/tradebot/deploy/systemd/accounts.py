"""The operating system's users, as far as a unit needs to know them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from tradebot.settings.home import APPLICATION

SERVICE_HOME = PurePosixPath("/var/lib") / APPLICATION
"""The home folder of a user made for the bot, as the runbook makes it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user who exists here."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]
    """All of them, the main one included."""
    group: str
    """The main group's name."""
    home: Path

    def may(self, path: Path, want: int) -> bool:
        """May this user read (4), write (2) or enter (1) what is at `path`, by its mode, and
        enter every folder above it? Access control lists are not looked at."""
        if self.uid == 0:
            return path.exists()
        try:
            above = all(self._allowed(folder, 1) for folder in path.parents)
            return above and self._allowed(path, want)
        except OSError:
            return False

    def _allowed(self, path: Path, want: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid in self.groups else 0
        return status.st_mode >> shift & want == want


def current_user() -> str:
    """The name of who runs this process."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def find_account(name: str) -> Account | None:
    """None when there is no such user on this machine."""
    import grp
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = frozenset(os.getgrouplist(name, entry.pw_gid))
    try:
        group = grp.getgrgid(entry.pw_gid).gr_name
    except KeyError:
        group = str(entry.pw_gid)
    return Account(name, entry.pw_uid, entry.pw_gid, groups, group, Path(entry.pw_dir))


def home_of(name: str) -> PurePath:
    """The user's home folder; of a user who is not there yet the one the runbook will make."""
    account = find_account(name)
    return SERVICE_HOME if account is None else account.home
