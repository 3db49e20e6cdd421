"""A strategy that wishes what a file says: the plan is the market."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tradebot.model import Action, Signal
from tradebot.strategies.base import MarketView

pass_time: Callable[[float], None] = time.sleep
"""What SLOW waits with: the stage puts its clock here."""
REASONS = {"BUY": "crossed_above", "SELL": "crossed_below", "HOLD": "no_cross"}


class Planned:
    """BUY, SELL or HOLD by instrument; RAISE is a bug in it, STOP a SIGTERM while it thinks, and
    SLOW takes so many seconds to hold."""

    name, version, horizon_minutes, bars_needed = "planned", "1", 1440, 2

    def __init__(self, wishes: str) -> None:
        self._wishes = Path(wishes)

    def decide(self, view: MarketView) -> Signal:
        wish = json.loads(self._wishes.read_text(encoding="utf-8")).get(
            str(view.instrument), "HOLD"
        )
        if wish == "RAISE":
            raise ZeroDivisionError("a bug in a strategy")
        if wish == "STOP":
            os.kill(os.getpid(), signal.SIGTERM)
            wish = "HOLD"
        if wish.startswith("SLOW "):
            pass_time(float(wish.partition(" ")[2]))
            wish = "HOLD"
        return Signal(Action(wish), REASONS[wish])
