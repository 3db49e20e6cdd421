"""What survives a crash: runs, slots, decisions, attempts, verdicts. SQLite, and no SQL outside.

The log tells the story; the journal is the state. Every method is one transaction, durable when
it returns (`synchronous=FULL`), and raises `StorageError` when the file cannot be used.

What is named here is loaded when it is first asked for: who only looks something up does not need
what writes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradebot.journal.control import Pause
    from tradebot.journal.cycle_counter import next_cycle_id
    from tradebot.journal.files import is_there, path_of
    from tradebot.journal.journal import Journal
    from tradebot.journal.orders import MAX_ATTEMPTS, Created, Origin, Refused, Settled
    from tradebot.journal.rows import Attempt, AttemptState, Correction
    from tradebot.journal.runs import RunOutcome, RunRow, SlotClaim
    from tradebot.journal.slot_watch import Grid

__all__ = [
    "MAX_ATTEMPTS",
    "Attempt",
    "AttemptState",
    "Correction",
    "Created",
    "Grid",
    "Journal",
    "Origin",
    "Pause",
    "Refused",
    "RunOutcome",
    "RunRow",
    "Settled",
    "SlotClaim",
    "is_there",
    "next_cycle_id",
    "path_of",
]

_ELSEWHERE = {
    "control": ("Pause",),
    "cycle_counter": ("next_cycle_id",),
    "files": ("is_there", "path_of"),
    "journal": ("Journal",),
    "orders": ("MAX_ATTEMPTS", "Created", "Origin", "Refused", "Settled"),
    "rows": ("Attempt", "AttemptState", "Correction"),
    "runs": ("RunOutcome", "RunRow", "SlotClaim"),
    "slot_watch": ("Grid",),
}
_MODULES = {name: module for module, names in _ELSEWHERE.items() for name in names}

# For the type checker a name that is not above stays an error.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value  # the next time without asking
        return value
