"""How a folder that a run writes to is made: it becomes its user's, and nothing else does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tradebot.deploy.plan import Command, call
from tradebot.errors import UsageError

_INSTALL = ("install", "-d", "-m", "700")


def making(folder: Path, user: str | None, within: Path) -> Command:
    """Makes `folder`, which is missing, for `user` alone (None: who runs this). What is missing
    above it is the user's as well, from `within` on.

    Root makes nothing in a place where somebody else could put a link to another folder, which
    would be the user's then: there the user does it. Raises UsageError when the user may not, and
    when there is no such user.
    """
    # A link that leads nowhere is there: what it stands for is not to be made.
    above = [
        path
        for path in reversed(folder.parents)
        if path.is_relative_to(within) and not os.path.lexists(path)
    ]
    missing = [*above, folder]
    owner = _other_user(user)
    if owner is None:
        return Command((*_INSTALL, *map(str, missing)))
    name, group, gid = owner
    parent = next(path for path in missing[0].parents if os.path.lexists(path))
    if _is_roots_own(parent):
        # From the inside out: until it is done, all that is above is root's.
        return Command((*_INSTALL, "-o", name, "-g", group, *map(str, reversed(missing))))
    if call(["test", "-w", str(parent), "-a", "-x", str(parent)], user=name).returncode:
        raise UsageError(
            f"{name} cannot make {folder}, and root does not where others than root may write; "
            f"look at what is there (ls -ld {parent}), then make it by hand and try again: "
            f"install -d -m 700 -o {name} -g {group} {folder}"
        )
    rights = ("setpriv", f"--reuid={name}", f"--regid={gid}", "--init-groups")
    return Command((*rights, *_INSTALL, *map(str, missing)))


def _other_user(user: str | None) -> tuple[str, str, int] | None:
    """Name, group and the group's number of a user whom root acts for; None: nobody else."""
    if user is None or os.geteuid() != 0:
        return None
    import grp
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        raise UsageError(f"there is no user {user} on this machine") from error
    if entry.pw_uid == 0:
        return None
    try:
        group = grp.getgrgid(entry.pw_gid).gr_name
    except KeyError:
        group = str(entry.pw_gid)
    return user, group, entry.pw_gid


def _is_roots_own(folder: Path) -> bool:
    """Can nobody but root change what is in it, or what is found by its name?"""
    # Above it the sticky bit, as on /tmp, keeps what is root's in its place.
    return _only_root_writes(folder) and all(
        _only_root_writes(path, or_sticky=True) for path in folder.parents
    )


def _only_root_writes(folder: Path, *, or_sticky: bool = False) -> bool:
    # A link's own mode gives everybody every right: whoever's it is, it is never passed as root.
    about = folder.lstat()
    is_open = about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    is_kept = or_sticky and about.st_mode & stat.S_ISVTX
    return about.st_uid == 0 and bool(is_kept or not is_open)
