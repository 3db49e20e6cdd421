"""Python 3.11.0 to 3.11.4, Debian 12's own among them, match a repeated *group* wrongly when the
repeat is possessive (CPython issue 106052): a pattern that hides a password elsewhere shows it
there. An atomic group around a plain repeat means the same and is right everywhere."""

from __future__ import annotations

import re
import tokenize
from pathlib import Path

from support.program import ROOT

POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9]*,?[0-9]*\})\+")

RAW = ("r'", 'r"', "rf", "fr")
"""How a pattern is written here."""


def strings_of(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [
            token.string
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.STRING
        ]


def test_no_group_is_repeated_possessively() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for text in strings_of(path)
        if text.startswith(RAW) and POSSESSIVE_GROUP.search(text)
    ]
    assert found == []


def test_the_search_finds_them() -> None:
    for pattern in (r"(?:a)*+", r"(?:a){0,3}+", r"(a)?+", r"(?:a)++"):
        assert POSSESSIVE_GROUP.search(pattern)
    for pattern in (r"(?>(?:a)*)", r"[a]*+", r"(?:a)*"):
        assert not POSSESSIVE_GROUP.search(pattern)
