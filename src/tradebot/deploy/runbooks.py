"""The parts of docs/runbooks that the model writes: `python -m tradebot.deploy.runbooks --write`.

A page says `<!-- made: NAME -->` … `<!-- end -->`, and what stands between is the block NAME of the
module `tradebot.deploy.SCHEDULER.runbook`. What is typed and what is printed in a runbook can so
never be another than what the program renders. The systemd unit files are written whole.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradebot.deploy.scheduler import NAMES

_BLOCK = re.compile(r"(<!-- made: ([a-z0-9-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
Blocks = Mapping[str, Callable[[], str]]


def blocks() -> Blocks:
    """Every block of every scheduler, by its name."""
    return {name: make for module in _modules() for name, make in module.BLOCKS.items()}


def whole_files() -> Blocks:
    """Files of docs/runbooks that are made from the first line to the last, by their name."""
    return {name: make for module in _modules() for name, make in module.FILES.items()}


def _modules() -> Iterator[Any]:
    """The modules with the two mappings BLOCKS and FILES."""
    for name in NAMES:
        yield importlib.import_module(f"tradebot.deploy.{name}.runbook")


def with_blocks(page: str, made: Blocks) -> str:
    """`page` with its blocks made anew. Raises ValueError for one that nobody makes."""

    def fill(found: re.Match[str]) -> str:
        if found[2] not in made:
            raise ValueError(f"nothing makes the block {found[2]!r}")
        return f"{found[1]}{made[found[2]]().rstrip()}\n{found[3]}"

    return _BLOCK.sub(fill, page)


def fresh(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file of the folder and what it should say."""
    made = blocks()
    for path in sorted(folder.glob("*.md")):
        yield path, with_blocks(path.read_text(encoding="utf-8"), made)
    for name, make in whole_files().items():
        yield folder / name, make()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tradebot.deploy.runbooks")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FOLDER")
    what.add_argument("--check", type=Path, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    stale = []
    for path, text in fresh(chosen.write or chosen.check):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if chosen.write:
            path.write_text(text, encoding="utf-8", newline="\n")
    if chosen.check and stale:
        names = ", ".join(map(str, stale))
        print(f"not up to date: {names}: run it with --write", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
