"""When is a string provably not a secret? The rule of doubt, in one place.

A run of token characters is harmless when it is made of words: cut at everything that is not a
letter or digit, each piece is a word (`filled`, `NOT_PLACED`, `StopLimit`), a decimal number,
or short; the pieces that mix letters and digits may not add up to a key. Times, GUID-like ids
and references have shapes of their own and are declared, not guessed.
"""

from __future__ import annotations

import functools
import re

MIXED_BUDGET = 7
"""Characters that may stand in pieces mixing letters and digits before a run is in doubt."""

PATH_MIXED_BUDGET = 32
PATH_PIECE_LIMIT = 12
NUMBER_LIMIT = 20

_PIECE = re.compile(r"[A-Za-z0-9]+")
_EXPONENT = re.compile(r"(?<![A-Za-z])[0-9]{1,20}e[+-][0-9]{2,3}(?![A-Za-z0-9])")
_WORD = re.compile(
    r"(?:[a-z]{1,24}|[A-Z]{1,24}"
    r"|(?:[A-Z]{1,6}|[A-Za-z][a-z]{1,23})(?:[A-Z]{1,2}[a-z]{1,23}){0,9})"
)
_PATH = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\]")
TIME = re.compile(
    r"[0-9]{4}-?[01][0-9]-?[0-3][0-9]"
    r"(?:[Tt ][0-2][0-9](?::?[0-5][0-9](?::?[0-6][0-9](?:[.,][0-9]{1,9})?)?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)


@functools.lru_cache(maxsize=2048)
def mixed_pieces(run: str) -> tuple[int, int]:
    """How many characters of `run` stand in neither words nor numbers, and the longest piece."""
    if "e-" in run or "e+" in run:
        run = _EXPONENT.sub("", run)
    total = longest = 0
    for piece in _PIECE.findall(run):
        if piece.isdecimal() and len(piece) <= NUMBER_LIMIT:
            continue
        if not piece.isdecimal() and _WORD.fullmatch(piece):
            continue
        total += len(piece)
        longest = max(longest, len(piece))
    return total, longest


def made_of_words(run: str) -> bool:
    """Is this run of token characters harmless by the rule above?"""
    total, longest = mixed_pieces(run)
    if total <= MIXED_BUDGET:
        return True
    if TIME.fullmatch(run):
        return True
    # A folder's name may be anything; a key in a path is one long piece, or nothing but pieces.
    return (
        _PATH.match(run) is not None
        and longest < PATH_PIECE_LIMIT
        and total < PATH_MIXED_BUDGET
        and total * 2 <= len(run)
    )
