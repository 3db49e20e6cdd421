"""At which call a process dies, and what it had called until then: the file that kill_at.c maps."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

JOURNAL: Final = "j"
LOG: Final = "l"
TOKEN: Final = "t"
STATE: Final = "s"
"""Every other file of the bot: locks, the cycle counter, caches."""
SEND: Final = ">"
"""Connecting, and all that leaves over a socket."""
ORDER: Final = "o"
"""The first bytes of the request that places an order."""
RECEIVE: Final = "<"
KINDS: Final = {
    JOURNAL: "journal",
    LOG: "log",
    TOKEN: "token",
    STATE: "state",
    SEND: "send",
    ORDER: "order",
    RECEIVE: "receive",
}

Mode = Literal["before", "half", "after", "stop"]
MODES: Final[tuple[Mode, ...]] = ("before", "half", "after")
"""The deadly ones. `half` of a write or a send is half of its bytes; of a sync or rename, none."""

_MODE_NUMBERS = {None: 0, "before": 1, "half": 2, "after": 3, "stop": 4}
_HEAD = struct.Struct("6i")
_HEAD_BYTES = 32 * 4
_ROOT_BYTES = 3968
_TRACE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class KillPlan:
    """At the `number`th call (from 1) of `kind`, or of any kind if that is empty."""

    kind: str
    number: int
    mode: Mode

    def __str__(self) -> str:
        return f"{KINDS.get(self.kind, 'any')}:{self.number}:{self.mode}"

    @classmethod
    def parse(cls, text: str) -> KillPlan:
        """The inverse of `str`. Raises ValueError."""
        kind, number, mode = text.split(":")
        letters = {name: letter for letter, name in KINDS.items()} | {"any": ""}
        if kind not in letters or mode not in ("before", "half", "after", "stop"):
            raise ValueError(f"{text!r} is not kind:number:mode, like journal:12:half")
        return cls(letters[kind], int(number), mode)  # type: ignore[arg-type]


def write_plan(path: Path, root: Path, plan: KillPlan | None) -> None:
    """A new numbering of the calls that concern `root`. None only counts."""
    kind, number, mode = (plan.kind, plan.number, plan.mode) if plan else ("", 0, None)
    head = _HEAD.pack(_MODE_NUMBERS[mode], ord(kind) if kind else 0, number, 0, 0, 0)
    folder = f"{root.resolve()}/".encode()
    if len(folder) >= _ROOT_BYTES:
        raise ValueError(f"{root} is too long a path")
    with path.open("wb") as file:
        file.write(head.ljust(_HEAD_BYTES, b"\0") + folder.ljust(_ROOT_BYTES, b"\0"))
        file.truncate(_HEAD_BYTES + _ROOT_BYTES + _TRACE_BYTES)


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that a process came to, in their order."""

    kinds: str
    """A letter each."""
    halves: tuple[bool, ...]
    """Can the call be done by half?"""

    def __len__(self) -> int:
        return len(self.kinds)

    def number_of(self, kind: str, which: int = 1) -> int:
        """Among all calls, from 1, the number of the `which`th of `kind`. Raises ValueError."""
        found = [at for at, one in enumerate(self.kinds, start=1) if one == kind]
        if len(found) < which:
            raise ValueError(f"there are {len(found)} calls of the kind {KINDS[kind]}")
        return found[which - 1]


def read_calls(path: Path) -> Calls:
    """What the process behind a plan has come to so far."""
    with path.open("rb") as file:
        calls = _HEAD.unpack(file.read(_HEAD.size))[3]
        file.seek(_HEAD_BYTES + _ROOT_BYTES)
        trace = file.read(min(calls, _TRACE_BYTES))
    kinds = bytes(byte & 127 for byte in trace).decode("ascii")
    return Calls(kinds, tuple(byte > 127 for byte in trace))
