"""The kinds of faults as a table, for docs/simulator.md.

python -m tradebot.simulator.fault_table --write FILE     after a change of the kinds
python -m tradebot.simulator.fault_table --check FILE     exit code 1 when it is not up to date
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tradebot.simulator.fault_kinds import KINDS, Kind, Param

BEGIN = (
    "<!-- faults: begin (python -m tradebot.simulator.fault_table --write docs/simulator.md) -->"
)
END = "<!-- faults: end -->"
HEADINGS = {
    "before": "Instead of processing, or before it",
    "after": "After processing: what was done is done",
    "inside": "What the broker does",
}
HEAD = "| kind | at | what happens | parameters (default) | in a mix |\n|---|---|---|---|---|\n"


def table() -> str:
    """The text between the markers."""
    return "\n".join(_section(stage, title) for stage, title in HEADINGS.items())


def _section(stage: str, title: str) -> str:
    rows = "".join(_row(kind) for kind in KINDS.values() if kind.stage == stage)
    return f"### {title}\n\n{HEAD}{rows}"


def _row(kind: Kind) -> str:
    where = "any" if kind.endpoint == "*" else f"`{kind.method} {kind.endpoint}`"
    params = "; ".join(map(_param, kind.params)) or "–"
    mixed = len(kind.mixed) if len(kind.mixed) > 1 else ("yes" if kind.mixed else "–")
    forms = f"{mixed} forms" if isinstance(mixed, int) else mixed
    return f"| `{kind.name}` | {where} | {kind.meaning} | {params} | {forms} |\n"


def _param(param: Param) -> str:
    words = f": one of {', '.join(f'`{w}`' for w in param.choices if w)}" if param.choices else ""
    default = "" if param.default is None else f" (`{json.dumps(param.default)}`)"
    return f"`{param.name}`{default} {param.meaning}{words}"


def with_table(page: str) -> str:
    """`page` with its table made anew. Raises ValueError without markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no table between {BEGIN!r} and {END!r}")
    return f"{before}{begin}\n\n{table()}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tradebot.simulator.fault_table")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE")
    what.add_argument("--check", type=Path, metavar="FILE")
    chosen = parser.parse_args(arguments)
    path: Path = chosen.write or chosen.check
    page = path.read_text(encoding="utf-8")
    if with_table(page) == page:
        return 0
    if chosen.check:
        print(f"{path} is not up to date: run it with --write", file=sys.stderr)  # noqa: T201
        return 1
    path.write_text(with_table(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
