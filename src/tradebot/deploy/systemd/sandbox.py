"""What a unit may touch. Whatever the bot, or a library of it, is talked into doing: not more.

Each option here was seen to work with the bot. Left out on purpose: ProcSubset=pid (numerical
libraries look into /proc), PrivateNetwork and IPAddressAllow (the broker's addresses change),
PrivateUsers (it does not work in every container), RemoveIPC (the user may run other things).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath, PurePosixPath

from tradebot.deploy.systemd.quoting import word
from tradebot.settings.home import APPLICATION

EVERYWHERE = (
    "UMask=0077",
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    # Refused, not killed: numpy asks for more and does without.
    "SystemCallErrorNumber=EPERM",
)
"""What a user's own manager can do, too: nothing here takes a privilege."""
MACHINE_ONLY = (
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "PrivateDevices=yes",
    "PrivateMounts=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "KeyringMode=private",
    "ProtectSystem=strict",
)
_HOMES = (PurePosixPath("/home"), PurePosixPath("/root"), PurePosixPath("/run/user"))
_TEMPORARY = (PurePosixPath("/tmp"), PurePosixPath("/var/tmp"))  # noqa: S108 - not written to
_STANDARD = (
    ("StateDirectory", PurePosixPath("/var/lib") / APPLICATION),
    ("LogsDirectory", PurePosixPath("/var/log") / APPLICATION),
)


def system_options(reads: Iterable[PurePath], writes: Iterable[PurePath]) -> Iterator[str]:
    """For a unit of the whole machine, which writes into `writes` and nowhere else."""
    writes = outermost(writes)
    used = [*_resolved(reads), *writes]
    yield from EVERYWHERE
    yield from MACHINE_ONLY
    yield "ProtectHome=" + ("read-only" if _any_below(used, _HOMES) else "yes")
    if not _any_below(used, _TEMPORARY):
        yield "PrivateTmp=yes"
    for option, folder in _STANDARD:
        if _any_below(writes, (folder,)):
            yield f"{option}={APPLICATION}"
            yield f"{option}Mode=0700"
            writes = [path for path in writes if not path.is_relative_to(folder)]
    if writes:
        # A folder that is gone is the bot's to complain about: it says which, and why it matters.
        yield "ReadWritePaths=" + " ".join(word(f"-{path}") for path in writes)


def outermost(folders: Iterable[PurePath]) -> list[PurePath]:
    """Without those that lie in another one; in the order given."""
    unique = list(dict.fromkeys(folders))
    return [
        path
        for path in unique
        if not any(path != other and path.is_relative_to(other) for other in unique)
    ]


def _resolved(paths: Iterable[PurePath]) -> Iterator[PurePath]:
    """Each path, and where it leads: a venv's python may be a link into somebody's home."""
    for path in paths:
        if path.is_absolute():
            yield path
            yield Path(path).resolve()


def _any_below(paths: Iterable[PurePath], tops: Iterable[PurePath]) -> bool:
    return any(path.is_relative_to(top) for path in paths for top in tops)
