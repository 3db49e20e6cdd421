"""The catalogue and the code agree: no event is declared in vain, none is logged undeclared."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

import tradebot
from tradebot.vocabulary import CATALOGUE

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

PACKAGE = Path(tradebot.__file__).parent
EMITTERS = {"log_event", "_log_or_halt", "Skipped"}


@functools.cache
def found() -> tuple[set[tuple[str, str]], set[str]]:
    """In the package outside the vocabulary: (event, file) of every call that logs an event by a
    literal name, and every string, for an event may be chosen in steps."""
    emitted: set[tuple[str, str]] = set()
    strings: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if "vocabulary" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings.add(node.value)
            elif isinstance(node, ast.Call) and (event := event_of(node)) is not None:
                emitted.add((event, path.name))
    return emitted, strings


def event_of(call: ast.Call) -> str | None:
    name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
    first = call.args[0] if call.args else None
    if name not in EMITTERS or not isinstance(first, ast.Constant):
        return None
    return first.value if isinstance(first.value, str) else None


def test_no_event_is_declared_in_vain() -> None:
    _, strings = found()
    assert set(CATALOGUE.events) - strings == set()


def test_no_event_is_logged_undeclared() -> None:
    emitted, _ = found()
    assert len(emitted) > 50
    assert {(event, where) for event, where in emitted if event not in CATALOGUE.events} == set()
