"""The journal as one thing: a database and the rooms that use it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from tradebot.journal.control import Control
from tradebot.journal.database import Database
from tradebot.journal.orders import Orders
from tradebot.journal.runs import Runs
from tradebot.journal.slot_watch import SlotWatch


class Journal:
    """`journal.runs`, `.orders`, `.control` and `.slot_watch`, all in the file at `path`.

    Raises StorageError when the file cannot be opened, is damaged, or is newer than this program.
    """

    def __init__(self, path: Path, *, look: bool = False) -> None:
        """With `look` only to be read, and not touched in any way."""
        self.path = path
        self._database = Database(path, look=look)
        self.runs = Runs(self._database)
        self.orders = Orders(self._database)
        self.control = Control(self._database)
        self.slot_watch = SlotWatch(self._database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
