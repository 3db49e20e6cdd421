"""What a cycle is given, and how it may end before its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradebot.clock import Clock
from tradebot.journal import Journal
from tradebot.saxo.auth import TokenSource
from tradebot.saxo.client import SaxoClient
from tradebot.settings import Settings
from tradebot.strategies.base import Strategy


@dataclass(frozen=True, slots=True)
class House:
    """Everything a cycle works with; wired together in `app.py`."""

    settings: Settings
    clock: Clock
    journal: Journal
    broker: SaxoClient
    tokens: TokenSource
    strategy: Strategy
    run_id: str
    lock_path: Path
    cycle_counter: Path
    account_locks: Path | None
    """Where the locks per account are; None for a dry run or a broker of one's own."""
    cache_folder: Path
    on_locked: Callable[[], None]
    """Called once the run is the only one."""
    set_cycle_id: Callable[[int | None], None]
    """Makes the cycle id known to every later log line; None: not known yet."""
    progress: Callable[[str], None]


def error_reason(error: BaseException) -> str:
    """The error's class as a code word: ``broker_unavailable``."""
    name = type(error).__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Skipped(Exception):
    """The cycle ends here, on purpose and with a recorded reason."""

    def __init__(self, event: str, *, reason: str, **fields: Any) -> None:
        super().__init__(event)
        self.event = event
        self.reason = reason
        self.fields = fields
