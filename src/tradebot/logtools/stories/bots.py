"""Which bot a run is of: several may write into one folder, and several folders be read at once.

Bots differ in their instance, their environment and in whether they trade for real. What one did
is no answer about another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from tradebot.logtools.stories.run_story import RunStory

Item = TypeVar("Item")


class Bot(NamedTuple):
    """As its lines say it; "" is for what they do not."""

    instance: str
    env: str
    dry_run: str

    @property
    def name(self) -> str:
        """For people: `default SIM`, `default SIM dry run`."""
        dry = "dry run" if self.dry_run == "true" else ""
        return " ".join(filter(None, (self.instance or "?", self.env, dry)))

    def may_be(self, other: Bot) -> bool:
        """Does nothing that this one says stand against its being the other one? A run that ended
        before it had read its settings does not say its instance."""
        return all(one in ("", there) for one, there in zip(self, other, strict=True))


def bot_of(run: RunStory) -> Bot:
    """What the run itself says."""
    return Bot(run.instance, run.env, run.dry_run)


def by_bot(items: Sequence[Item], run_of: Callable[[Item], RunStory]) -> dict[Bot, list[Item]]:
    """Every bot's own, in the same order. What may be of several is with each of them."""
    runs = [run_of(item) for item in items]
    said = {run.run_id: bot_of(run) for run in runs}
    for run in runs:
        if run.killed_found_by in said and not all(said[run.run_id]):
            said[run.run_id] = said[run.killed_found_by]  # only the same bot looks for it
    known = _told_apart(said.values())
    found: dict[Bot, list[Item]] = {bot: [] for bot in known}
    for item, run in zip(items, runs, strict=True):
        for bot in known:
            if said[run.run_id].may_be(bot):
                found[bot].append(item)
    return found


def _told_apart(said: Iterable[Bot]) -> list[Bot]:
    """Without those that may be one of the others."""
    distinct = list(dict.fromkeys(said))
    return [bot for bot in distinct if not any(bot != one and bot.may_be(one) for one in distinct)]
