"""The catalogue and the code agree: no event is declared in vain, none is logged undeclared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import tradebot
from tradebot.vocabulary import CATALOGUE

PACKAGE = Path(tradebot.__file__).parent
EMITTERS = {"log_event", "_log_or_halt", "Skipped"}


def emitted() -> Iterator[tuple[str, str]]:
    """(event, file) of every call that logs an event by a literal name."""
    for path in PACKAGE.rglob("*.py"):
        if "vocabulary" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            first = node.args[0]
            if name not in EMITTERS or not isinstance(first, ast.Constant):
                continue
            if isinstance(first.value, str):
                yield first.value, path.name


def constants() -> set[str]:
    """Every string in the package outside the vocabulary: an event may be chosen in steps."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if "vocabulary" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return found


def test_no_event_is_declared_in_vain() -> None:
    unused = set(CATALOGUE.events) - constants()
    assert unused == set()


def test_no_event_is_logged_undeclared() -> None:
    unknown = {(event, where) for event, where in emitted() if event not in CATALOGUE.events}
    assert unknown == set()
