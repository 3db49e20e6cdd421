"""The logging layer is the standard library's `logging` and nothing from elsewhere."""

from __future__ import annotations

import ast
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import tradebot.observability
from tradebot.observability import get_logger

FOLDER = Path(tradebot.observability.__file__).parent
OWN = ("tradebot.observability", "tradebot.errors")


def imported() -> Iterator[tuple[str, str]]:
    """(module, file) of everything that the layer imports, at the top or inside a function."""
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name, path.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or "", path.name


def test_only_the_standard_library_is_imported() -> None:
    found = set(imported())
    assert ("logging", "logging_config.py") in found
    foreign = {
        (module, where)
        for module, where in found
        if module.partition(".")[0] not in sys.stdlib_module_names and not module.startswith(OWN)
    }
    assert foreign == set()


def test_a_logger_is_a_logger_adapter() -> None:
    assert isinstance(get_logger(instrument_id="Stock:211"), logging.LoggerAdapter)
