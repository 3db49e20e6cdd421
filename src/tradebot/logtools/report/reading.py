"""What a report rests on, in lines for people: names of files, and no folder of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tradebot.logtools.desk import reading_notes
from tradebot.logtools.masking import masked_text
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.folder import LogFile


def reading(files: Sequence[LogFile], notes: Notes) -> list[str]:
    """Which files were read, which days are missing, what could not be read; masked."""
    nameless = Notes(
        notes.read, [_without_folder(one, files) for one in notes.unreadable], notes.odd
    )
    return [masked_text(line) for line in reading_notes(files, nameless)]


def _without_folder(problem: str, files: Sequence[LogFile]) -> str:
    for file in files:
        if problem.startswith(f"{file.path}: "):
            return f"{file.name}{problem.removeprefix(file.path)}"
    return problem.replace(str(Path.home()), "~")
