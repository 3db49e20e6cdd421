"""What was put together from many lines, for programs: asked for by its facts, told one by one."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from tradebot.logtools.desk import Desk, UsageProblem


def require_known(wanted: Mapping[str, frozenset[str]] | None, known: Sequence[str]) -> None:
    """Raises UsageProblem for a field that nothing can have."""
    for name in wanted or ():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
            raise UsageProblem(f"there is no field {name!r} here.{hint}")


def has_values(known: Mapping[str, Any], wanted: Mapping[str, frozenset[str]]) -> bool:
    """Has each of these facts one of the values? Of a list one member is enough."""
    return all(values & _texts(known.get(name)) for name, values in wanted.items())


def _texts(value: Any) -> frozenset[str]:
    if isinstance(value, list):
        return frozenset(map(str, value))
    return frozenset((str(value).lower() if isinstance(value, bool) else str(value),))


def say_many(
    desk: Desk, name: str, found: Iterable[Mapping[str, Any]], counts: Mapping[str, Any]
) -> None:
    """One document with the list `name` and the `counts`, or a line for each (`jsonl`).

    Written as it comes: the document of a year need not fit into memory.
    """
    if desk.output == "jsonl":
        for one in found:
            desk.say_json(one)
        desk.say_json({"type": "counts", **counts})
        return
    desk.say("{", f'  "{name}": [')
    before = ""
    for one in found:
        if before:
            desk.say(f"{before},")
        before = _indented(one, "    ")
    if before:
        desk.say(before)
    desk.say("  ],", f'  "counts": {_indented(counts, "  ").lstrip()}', "}")


def _indented(value: Mapping[str, Any], by: str) -> str:
    return textwrap.indent(json.dumps(value, indent=2, ensure_ascii=False), by)
