"""Our lines in a crontab that belongs to somebody else: between two markers, and nothing else."""

from __future__ import annotations

import re

from tradebot.errors import UsageError

_MARKER = re.compile(r"# (BEGIN|END) ai-tradebot@([A-Za-z0-9_-]+)(?: .*)?")


def begin(instance: str) -> str:
    return f"# BEGIN ai-tradebot@{instance} (made by `tradebot schedule install cron`)"


def end(instance: str) -> str:
    return f"# END ai-tradebot@{instance}"


def marker(line: str) -> tuple[str, str] | None:
    """BEGIN or END, and the instance, when the line is a marker."""
    found = _MARKER.fullmatch(line.rstrip())
    return (found[1], found[2]) if found else None


def extent(text: str, instance: str, label: str) -> tuple[int, int] | None:
    """The lines from the first marker up to behind the last, counted from 0; None: no block.

    Raises UsageError naming the lines when the markers are not one pair in order.
    """
    places = [
        (kind, number)
        for number, line in enumerate(_lines(text))
        if (found := marker(line)) is not None
        for kind, name in [found]
        if name == instance
    ]
    if not places:
        return None
    if [kind for kind, _ in places] != ["BEGIN", "END"]:
        there = ", ".join(f"line {number + 1}: {kind}" for kind, number in places)
        raise UsageError(
            f"{label}: the markers of ai-tradebot@{instance} must be one BEGIN and one END after "
            f"it, and are {there}; mend them by hand (`crontab -e`, or in the file), so that no "
            "line of yours is lost"
        )
    return places[0][1], places[1][1] + 1


def find(text: str, instance: str, label: str) -> str | None:
    """The block with its markers. Raises UsageError for damaged markers."""
    lines = _lines(text)
    found = extent(text, instance, label)
    return None if found is None else "".join(lines[slice(*found)])


def put(text: str, instance: str, block: str, label: str) -> str:
    """`text` with `block` in the place of the old one, or at the end; no other line changes.

    Raises UsageError for damaged markers. An empty block takes the old one away.
    """
    lines = _lines(text)
    found = extent(text, instance, label)
    if found is not None:
        lines[slice(*found)] = [block]
        return "".join(lines)
    if not block:
        return text
    # cron reads no line without an end; crontab refuses such a file.
    ended = text if not text or text.endswith("\n") else text + "\n"
    return ended + block


def _lines(text: str) -> list[str]:
    """Only a line feed ends a line of a crontab: everything else stays as it is."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
