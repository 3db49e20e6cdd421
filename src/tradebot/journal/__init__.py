"""What survives a crash: runs, slots, decisions, attempts, verdicts. SQLite, and no SQL outside.

The log tells the story; the journal is the state. Every method is one transaction, durable when
it returns (`synchronous=FULL`), and raises `StorageError` when the file cannot be used.
"""

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
