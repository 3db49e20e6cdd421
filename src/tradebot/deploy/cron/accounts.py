"""Who a line runs as, and what that user may write."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine."""

    uid: int
    groups: frozenset[int]


def account_of(user: str | None) -> Account | None:
    """The user of this name; None for a name: who runs this. None when there is no such user."""
    import pwd

    if user is None:
        return Account(os.geteuid(), frozenset((os.getegid(), *os.getgroups())))
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return Account(entry.pw_uid, frozenset(os.getgrouplist(user, entry.pw_gid)))


def may_write(account: Account, folder: Path) -> bool:
    """May this user make files in `folder`? By its mode alone: finer rights are not looked at."""
    return _has(account, folder, 0o3)


def may_read(account: Account, file: Path) -> bool:
    return _has(account, file, 0o4)


def _has(account: Account, path: Path, wanted: int) -> bool:
    try:
        about = path.stat()
    except PermissionError:  # then the path to it is closed to this user
        return False
    if account.uid == 0:
        return True
    if account.uid == about.st_uid:
        bits = about.st_mode >> 6
    elif about.st_gid in account.groups:
        bits = about.st_mode >> 3
    else:
        bits = about.st_mode
    return bits & wanted == wanted
