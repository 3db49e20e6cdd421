"""A line of a crontab that starts the bot, and where its words lead for the user who runs it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from tradebot.deploy.cron.invocation import Invocation
from tradebot.deploy.cron.machine import home_of
from tradebot.deploy.cron.parsed import Job
from tradebot.deploy.model import Program

_HOME = re.compile(r"(?:~|\$HOME|\$\{HOME\})(?=/|$)")
_OTHERS_HOME = re.compile(r"~([\w-]+)(?=/|$)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that starts the bot, and how."""

    job: Job
    bot: Invocation

    @property
    def place(self) -> str:
        return self.job.place

    def full(self, word: str) -> str:
        """From the root: as the job's user would have it, who starts in his home."""
        home = self.job.variables.get("HOME") or home_of(self.job.user)
        path = self.bot.path(_HOME.sub(lambda _: home, word, count=1))
        path = _HOME.sub(lambda _: home, path, count=1)
        path = _OTHERS_HOME.sub(lambda found: home_of(found[1]), path, count=1)
        return path if path.startswith("$") else str(Path(home) / path)

    def starts(self, program: Program) -> bool:
        """Is it this very program, by whichever of its names?"""
        entry = self.bot.entry[0]
        if entry.endswith("main.py"):
            return _same(self.full(entry), program.entry[0])
        return self._is_of_folder(self.bot.python or entry, program.python)

    def _is_of_folder(self, word: str, python: PurePath) -> bool:
        """The interpreter's folder decides: a venv's python is a link to another one's."""
        return _same(os.path.dirname(self.full(word)), str(python.parent))  # noqa: PTH120


def _same(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
