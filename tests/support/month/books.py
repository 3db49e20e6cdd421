"""What must follow from what was wished and done, by the bot's promises: never read from its log.

The guards come in the order that docs/architecture.md gives them; what an order meets at the broker
is the happening's own to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

TRADED, NOT_TRADED, NO_RUN, NOT_WATCHED = "traded", "not_traded", "no_run", "not_watched"
WORDS = {"HOLD": "no_cross", "BUY": "crossed_above", "SELL": "crossed_below"}


@dataclass(frozen=True)
class Expected:
    """What has to be the answer about an instrument at a time."""

    result: str
    reason: str
    final: str = ""
    """How the order ended, where it was sent and the reason above is not the end of it."""


@dataclass(frozen=True)
class Pair:
    """Somebody asks `why INSTRUMENT --at TIME`."""

    happening: str
    instrument: str
    at: datetime
    expected: Expected
    slot: datetime | None = None
    """The slot of the run that the answer must be about; None for one without."""


@dataclass
class Books:
    """The bot's side of the account."""

    held: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)
    """Acted on, on the bar under the cursor."""
    unresolved: set[str] = field(default_factory=set)
    sent: dict[date, int] = field(default_factory=dict)

    def new_bar(self) -> None:
        self.decided.clear()

    def sent_on(self, day: date) -> int:
        return self.sent.get(day, 0)

    def refusal(self, instrument: str, wish: str) -> str | None:
        """The first guard that refuses, the limits apart."""
        if instrument in self.decided:
            return "already_decided"
        if instrument in self.unresolved:
            return "unresolved_intent"
        if wish == "BUY" and instrument in self.held:
            return "position_held"
        if wish == "SELL" and instrument not in self.held:
            return "nothing_sellable"
        return None

    def filled(self, instrument: str, wish: str, day: date) -> None:
        self.was_sent(instrument, day)
        (self.held.add if wish == "BUY" else self.held.discard)(instrument)

    def was_sent(self, instrument: str, day: date) -> None:
        self.decided.add(instrument)
        self.sent[day] = self.sent_on(day) + 1
