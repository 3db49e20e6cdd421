"""The tables of docs/orders.md, made of the rows that the tests go through.

python scripts/order_answers.py --write     after a change of tests/execution/order_answers/
python scripts/order_answers.py --check     exit code 1 when the page is not up to date
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.order_answers import Group, Row, load  # noqa: E402

PAGE = ROOT / "docs" / "orders.md"
BEGIN = "<!-- answers: begin (python scripts/order_answers.py --write) -->"
END = "<!-- answers: end -->"

_HEAD = """\
| what happens | what the log says, among the rest | this cycle | exit | the next cycle | orders |
|---|---|---|---|---|---|
"""
_DOES = {
    "nothing": "nothing more",
    "tries again": "a second attempt",
    "settles": "settles it",
    "waits": "looks, and waits",
    "books": "books it",
}


def tables(groups: Iterable[Group]) -> str:
    """A section per group: heading, what holds for all of it, a row per answer."""
    return "\n".join(_section(group) for group in groups)


def _section(group: Group) -> str:
    rows = "".join(_line(row) for row in group.rows)
    return f"### {group.title}\n\n{group.about}\n\n{_HEAD}{rows}"


def _line(row: Row) -> str:
    cells = (_says(row), _code(row.now.line), _now(row), _exit(row.now.exit), _later(row))
    return f"| {' | '.join(map(_cell, cells))} | {row.later.orders} |\n"


def _says(row: Row) -> str:
    also = row.codes[1:]
    if not also:
        return row.says
    return f"{row.says} {_code(row.codes[0])}; likewise {', '.join(map(_code, also))}."


def _now(row: Row) -> str:
    if row.now.killed:
        return "none: the run is dead, the intent open"
    told = _outcome(row.now.outcome, row.now.reason)
    return told if row.now.state == "resolved" else f"{told}; open"


def _later(row: Row) -> str:
    later = row.later
    parts = [_DOES[later.does]]
    if later.line is not None:
        parts.append(_code(later.line))
    if later.does not in ("nothing", "books"):
        parts.append(_outcome(later.outcome, later.reason))
    if later.exit:
        parts.append(f"exit {later.exit}")
    return ": ".join((parts[0], ", ".join(parts[1:]))) if parts[1:] else parts[0]


def _outcome(outcome: str | None, reason: str | None) -> str:
    return f"{outcome} {_code(reason)}" if reason else str(outcome)


def _exit(code: int | None) -> str:
    return "" if code is None else str(code)


def _code(text: str) -> str:
    return f"`{text}`"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def with_tables(page: str) -> str:
    """`page` with its tables between the markers made anew. Raises ValueError without markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no place for its tables between {BEGIN!r} and {END!r}")
    return f"{before}{begin}\n\n{tables(load())}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page. Exit code 0, or 1 when `--check` finds it stale."""
    parser = argparse.ArgumentParser(prog="python scripts/order_answers.py", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="bring the page up to date")
    action.add_argument("--check", action="store_true", help="fail when the page is out of date")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page")
    chosen = parser.parse_args(arguments)
    old = chosen.page.read_text(encoding="utf-8")
    new = with_tables(old)
    if chosen.write:
        chosen.page.write_text(new, encoding="utf-8")
    elif old != new:
        sys.stderr.write(f"{chosen.page} is out of date: python scripts/order_answers.py --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
