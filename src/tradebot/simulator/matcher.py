"""Which requests a fault, a sequence or a mix is for, and when.

endpoint            shell pattern(s) over the path below the OpenAPI base, or /token, /authorize
method              GET, POST, …, or * for all
reference           shell pattern over the order's ExternalReference
starts_in_seconds   how long after it was switched on it begins (0), by the simulator's clock
lasts_seconds       for how long it is on (for ever)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tradebot.simulator.fault_kinds import BadFault, Kind, unknown

FIELDS = ("endpoint", "method", "reference", "starts_in_seconds", "lasts_seconds")


@dataclass(frozen=True, slots=True)
class Matcher:
    """As it was asked for; several endpoints are separated by blanks."""

    endpoint: str = "*"
    method: str = "*"
    reference: str | None = None
    starts_in_seconds: float = 0
    lasts_seconds: float | None = None

    def columns(self, now: float) -> dict[str, object]:
        """What is stored of it when it is switched on at `now`."""
        begins = now + self.starts_in_seconds
        return {
            "endpoint": self.endpoint,
            "method": self.method,
            "reference": self.reference,
            "begins": begins,
            "ends": None if self.lasts_seconds is None else begins + self.lasts_seconds,
        }


def parse_matcher(body: Mapping[str, Any], *, endpoint: str = "*", method: str = "*") -> Matcher:
    """The matcher's fields of a request or of an entry in a file. Raises BadFault."""
    reference = body.get("reference")
    if reference is not None and not isinstance(reference, str):
        raise BadFault(f"reference is {reference!r}, not a text")
    lasts = body.get("lasts_seconds")
    return Matcher(
        endpoint=_endpoints(body.get("endpoint", endpoint)),
        method=str(body.get("method", method)).upper(),
        reference=reference,
        starts_in_seconds=_seconds("starts_in_seconds", body.get("starts_in_seconds", 0)),
        lasts_seconds=None if lasts is None else _seconds("lasts_seconds", lasts),
    )


def _endpoints(value: object) -> str:
    patterns: list[str] = []
    for pattern in value if isinstance(value, list) else [value]:
        if not isinstance(pattern, str) or pattern.split() != [pattern]:
            raise BadFault(f"endpoint is {value!r}, not a pattern such as '/trade/v2/*' or a list")
        if pattern[0] not in "/*[?":
            raise BadFault(f"endpoint is {pattern!r}; it begins with a slash, or is '*'")
        patterns.append(pattern)
    return " ".join(patterns)


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise BadFault(f"{name} is {value!r}, not a number from 0 up")
    return value


def check_place(kind: Kind, matcher: Matcher) -> None:
    """Raises BadFault when a fault of the broker is to happen where it never can."""
    methods = matcher.method in ("*", kind.method) or kind.method == "*"
    example = kind.endpoint.replace("*", "")
    if kind.stage != "inside" or (
        methods
        and any(
            fnmatchcase(example, pattern) or fnmatchcase(pattern, kind.endpoint)
            for pattern in matcher.endpoint.split()
        )
    ):
        return
    raise BadFault(
        f"{kind.name} cannot happen at {matcher.method} {matcher.endpoint},"
        f" only at {kind.method} {kind.endpoint}"
    )


def only(what: str, body: Mapping[str, object], known: Sequence[str]) -> None:
    """Raises BadFault for a field that `what` does not have."""
    for name in body:
        if name not in known:
            raise BadFault(unknown(f"field of a {what}", name, known))


def probability_of(body: Mapping[str, Any], default: float | None = None) -> float:
    """The field `probability`. Raises BadFault."""
    value = body.get("probability", default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadFault(f"probability is {value!r}; it must be a number from 0 to 1")
    return float(value)


def applies(
    row: Mapping[str, Any], method: str, path: str, reference: str | None, now: float
) -> bool:
    """Is the stored matcher `row` on now, and for this request?"""
    if now < row["begins"] or (row["ends"] is not None and now >= row["ends"]):
        return False
    if row["method"] not in ("*", method):
        return False
    if not any(fnmatchcase(path, pattern) for pattern in row["endpoint"].split()):
        return False
    wanted = row["reference"]
    return wanted is None or (reference is not None and fnmatchcase(reference, wanted))


def shown(row: Mapping[str, Any], now: float) -> dict[str, object]:
    """A stored matcher as a person reads it: the times count from now."""
    found: dict[str, object] = {
        "endpoint": row["endpoint"],
        "method": row["method"],
        "reference": row["reference"],
    }
    if row["begins"] > now:
        found["starts_in_seconds"] = round(row["begins"] - now, 3)
    if row["ends"] is not None:
        found["ends_in_seconds"] = round(row["ends"] - now, 3)
    return found
