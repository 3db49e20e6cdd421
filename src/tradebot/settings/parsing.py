"""What the text of one variable may look like, and what it means.

A `Kind` pairs a parser with the sentence that says what it expects. A parser raises `ValueError`;
its text may add a detail, but never repeats what it was given: a secret may have been pasted into
any variable. Values that were understood (a number, a known word) may be named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECRET_MIN_LENGTH = 8
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(s|m|h|)")
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})")
_INTEGER = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,12})?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_LOOPBACK = re.compile(r"localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|::1")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A parser and the words for what it accepts: "NAME: expected {expects}"."""

    expects: str
    parse: Callable[[str], T]


def format_seconds(seconds: float) -> str:
    """300.0 -> "5m": the shortest form that `duration()` reads back as the same number."""
    for unit in ("h", "m"):
        if seconds and seconds % _UNIT_SECONDS[unit] == 0:
            return f"{seconds / _UNIT_SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def duration(minimum: float = 0, maximum: float = 86400) -> Kind[float]:
    """90s, 5m, 1h or plain seconds. The value is in seconds."""

    def parse(text: str) -> float:
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError
        seconds = float(Decimal(match[1]) * _UNIT_SECONDS[match[2]])
        if not minimum <= seconds <= maximum:
            raise ValueError(f"it is {format_seconds(seconds)}")
        return seconds

    least, most = format_seconds(minimum), format_seconds(maximum)
    return Kind(f"a duration from {least} to {most}, such as 90s, 5m, 1h or plain seconds", parse)


def integer(minimum: int = 0, maximum: int = 10**12) -> Kind[int]:
    """A whole number without sign or separators."""

    def parse(text: str) -> int:
        if _INTEGER.fullmatch(text) is None:
            raise ValueError
        value = int(text)
        if not minimum <= value <= maximum:
            raise ValueError(f"it is {value}")
        return value

    return Kind(f"a whole number from {minimum} to {maximum}", parse)


def decimal(*, positive: bool) -> Kind[Decimal]:
    """A plain decimal number, kept exactly as written."""

    def parse(text: str) -> Decimal:
        if _DECIMAL.fullmatch(text) is None:
            raise ValueError
        value = Decimal(text)
        if positive and not value:
            raise ValueError("it is 0")
        return value

    return Kind(f"a number {'above 0' if positive else 'of at least 0'}, such as 10 or 2.5", parse)


def choice(*words: str, aliases: Mapping[str, str] | None = None) -> Kind[str]:
    """One of a few words, in any case; the value is the word as given here."""
    known = {word.lower(): word for word in words} | dict(aliases or {})

    def parse(text: str) -> str:
        try:
            return known[text.lower()]
        except KeyError:
            raise ValueError(_did_you_mean(text, known)) from None

    return Kind("one of " + ", ".join(words), parse)


def _did_you_mean(text: str, known: Mapping[str, str]) -> str:
    """Names the nearest known word, never the text itself."""
    from difflib import get_close_matches

    near = get_close_matches(text.lower()[:64], known, n=1, cutoff=0.6)
    return f"did you mean {known[near[0]]}?" if near else ""


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


BOOLEAN = Kind("true or false (also yes/no, on/off, 1/0)", _boolean)


def _confirmation(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError
    return text.lower() == "yes"


CONFIRMATION = Kind("the word yes, written out (or no)", _confirmation)


def _time_of_day(text: str) -> time:
    match = _TIME.fullmatch(text)
    if match is None or int(match[1]) > 24 or int(match[2]) > 59:
        raise ValueError
    if match[1] == "24":
        if match[2] != "00":
            raise ValueError
        return time(0)
    return time(int(match[1]), int(match[2]))


TIME_OF_DAY = Kind("a time of day such as 09:30 (00:00 to 24:00)", _time_of_day)


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"the days are {', '.join(DAYS)}")
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % 7 if dash else 0
        days.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(days)


WEEKDAYS = Kind("days as ranges and lists, such as mon-fri, sun-thu or mon,wed", _days)


def format_days(days: frozenset[int]) -> str:
    """{0, 1, 2, 3, 4} -> "mon-fri": the inverse of the day parser."""
    starts = [day for day in sorted(days) if (day - 1) % 7 not in days]
    if not starts:
        return "mon-sun"
    parts = []
    for start in starts:
        length = 0
        while (start + length + 1) % 7 in days:
            length += 1
        last = DAYS[(start + length) % 7]
        parts.append(DAYS[start] if length == 0 else f"{DAYS[start]}-{last}")
    return ",".join(parts)


def _timezone(text: str) -> str:
    if text == "UTC":
        return text
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        zones = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        raise ValueError(_did_you_mean(text, zones)) from None
    return text


TIMEZONE = Kind("an IANA time zone such as UTC, Europe/Copenhagen or America/New_York", _timezone)


def _holiday_calendar(text: str) -> str:
    import holidays

    code = text.upper()
    known = {
        name.lower(): name
        for name in (*holidays.list_supported_financial(), *holidays.list_supported_countries())
    }
    if code.lower() not in known:
        raise ValueError(_did_you_mean(text, known) if len(code) > 2 else "")
    return code


HOLIDAY_CALENDAR = Kind(
    "a market such as XNYS, XLON or XETR, or a two-letter country code", _holiday_calendar
)


def _instance(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError
    return text


INSTANCE = Kind("1 to 32 letters, digits, - or _ (it becomes a folder's name)", _instance)


def _strategy(text: str) -> str:
    module, _, name = text.partition(":")
    if not all(part.isidentifier() for part in module.split(".")):
        raise ValueError
    if ":" in text and not name.isidentifier():
        raise ValueError
    return text


STRATEGY = Kind("a built-in name such as sma_cross, or package.module:ClassName", _strategy)


def _path(text: str) -> Path:
    if text.startswith("~"):
        raise ValueError("~ is not expanded here: write the folder out in full")
    if "\0" in text:
        raise ValueError
    return Path(text)


PATH = Kind("a path; a relative one starts at the bot's own folder", _path)


def _secret(text: str) -> str:
    if len(text) < SECRET_MIN_LENGTH:
        raise ValueError("what is there is shorter")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("what is there has a space, a line end or another such character")
    return text


SECRET = Kind(f"at least {SECRET_MIN_LENGTH} printable ASCII characters without spaces", _secret)


def is_loopback(url: str) -> bool:
    """Does this URL (already accepted by a URL kind) point at this machine?"""
    return _LOOPBACK.fullmatch(_split(url)[1]) is not None


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, host, path of an absolute URL. Raises ValueError on any other text."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its own text repeats what it was given
        raise ValueError from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ValueError
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not hold a user name or a password")
    if parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise ValueError("it must not hold a query, a fragment or spaces")
    return parts.scheme, host, parts.path


split_url = _split


def _base_url(text: str) -> str:
    scheme, host, _ = _split(text)
    if scheme == "http" and _LOOPBACK.fullmatch(host) is None:
        raise ValueError("plain http is only for this machine (127.0.0.1, ::1, localhost)")
    return text.rstrip("/")


BASE_URL = Kind(
    "an https:// address (http:// only for this machine) without user, password or query", _base_url
)


def _redirect_uri(text: str) -> str:
    _split(text)
    return text


REDIRECT_URI = Kind(
    "the redirect address registered with the app, such as http://localhost/callback",
    _redirect_uri,
)


def parse_decimal_json(value: Any) -> Decimal | None:
    """A positive JSON number (or a text holding one) as a Decimal; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 else None
