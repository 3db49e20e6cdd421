"""ISO 8601 durations, as the task XML writes every length of time."""

from __future__ import annotations

import math
import re

_UNITS = (("D", 86400), ("H", 3600), ("M", 60), ("S", 1))
_WRITTEN = re.compile(
    r"P(?:(?P<Y>\d+)Y)?(?:(?P<Mo>\d+)M)?(?:(?P<D>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<H>\d+)H)?(?:(?P<M>\d+)M)?(?:(?P<S>\d+(?:\.\d+)?)S)?)?"
)
_LENGTHS = {"Y": 365 * 86400, "Mo": 30 * 86400, "D": 86400, "H": 3600, "M": 60, "S": 1}


def duration_text(seconds: float) -> str:
    """`PT4M45S`; parts of a second are rounded up."""
    rest = math.ceil(seconds)
    day, clock = "", ""
    for letter, length in _UNITS:
        count, rest = divmod(rest, length)
        if count and letter == "D":
            day = f"{count}D"
        elif count:
            clock += f"{count}{letter}"
    return f"P{day}T{clock}" if clock else f"P{day or 'T0S'}"


def seconds_of(text: str) -> float | None:
    """The length in seconds, a month counted as 30 days; None when it is no duration."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or not any(found.groupdict().values()):
        return None
    return sum(float(value) * _LENGTHS[name] for name, value in found.groupdict().items() if value)
