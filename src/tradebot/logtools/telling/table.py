"""Columns and numbers for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with aligned columns, two spaces apart: numbers to the right, all else to the left."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in head]
    widths = [
        max(len(title), *map(len, cells)) if cells else len(title)
        for title, cells in zip(head, columns, strict=True)
    ]
    right = [all(map(_is_number, cells)) for cells in columns]
    for row in (head, *rows):
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _is_number(cell: str) -> bool:
    return cell in ("", "-") or cell.replace(",", "").replace(".", "").isdecimal()


def duration(seconds: float) -> str:
    """`0.214 s`, `12.3 s`, `4 min 05 s`, `3 h 20 min`, `2 d 04 h`."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 10:
        return f"{seconds:.3f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours:02d} h"


def count(number: int, noun: str) -> str:
    """`no orders`, `1 order`, `2 orders`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def harmless(text: str) -> str:
    """Text of unknown origin for a terminal: what is not printable is escaped."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )
