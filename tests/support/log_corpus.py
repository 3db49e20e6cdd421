"""A small corpus of the log with its ground truth, made once in a test session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.log_corpus import CorpusOptions, Truth, make

SMALL = CorpusOptions(
    days=5,
    first_day="2025-11-20",
    cadence_minutes=30,
    instruments=3,
    orders_per_day=24,
    mb_per_day=0.25,
    decisions=True,
    journal=True,
)
"""Thursday to Monday, half-hourly: every special run and order, a weekend, 2 MB, in half a second.
"""


@dataclass(frozen=True)
class Corpus:
    """Only to be read: a test that spoils a file copies the folder first."""

    folder: Path
    """`bot.log`, `bot.log.YYYY-MM-DD`, `journal.db`, `truth.json`."""
    truth: Truth


_PAIR = re.compile(r'([A-Za-z_][A-Za-z0-9_.]*)=("(?:[^"\\]|\\.)*"|[^ ]*)')
_made: dict[CorpusOptions, Corpus] = {}


def small_corpus(
    tmp_path_factory: pytest.TempPathFactory, options: CorpusOptions = SMALL
) -> Corpus:
    """The corpus of these options; the first call in a session makes it.

    For a fixture: `@pytest.fixture(scope="session") def corpus(tmp_path_factory): return
    small_corpus(tmp_path_factory)`.
    """
    if options not in _made:
        folder = tmp_path_factory.mktemp("log-corpus")
        _made[options] = Corpus(folder, make(folder, options))
    return _made[options]


@dataclass(frozen=True)
class Line:
    """One line as a plain reader sees it; quoted values keep their quotes."""

    file: str
    at: str
    level: str
    event: str
    fields: dict[str, str]


def all_lines(folder: Path, truth: Truth) -> list[Line]:
    """The lines of a corpus, the oldest first."""
    return [line for name in truth.files for line in read_lines(folder / name)]


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of one file, taken apart by nothing that is tested with them."""
    for text in path.read_text(encoding="utf-8").splitlines():
        at, level, _, event, rest = text.split(" | ", 4)
        yield Line(path.name, at, level.strip(), event, dict(_PAIR.findall(rest)))
