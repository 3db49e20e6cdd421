"""Times, lengths and code words as a reader of the page gets them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from tradebot.logtools.reading.times import moment_of, seconds_between
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.telling.table import duration
from tradebot.logtools.words.explaining import plain

CLIPPED = 400
"""Characters of a text of unknown length that are shown."""


class Clock:
    """Shows times in one zone; None is this machine's."""

    def __init__(self, zone: tzinfo | None = UTC) -> None:
        self.zone = zone

    def full(self, timestamp: str) -> str:
        """Date and time: in UTC as the log has it, else with the zone's offset."""
        if self.zone is UTC:
            return timestamp
        moment = self._moment(timestamp)
        return timestamp if moment is None else moment.isoformat(timespec="milliseconds")

    def time(self, timestamp: str) -> str:
        """The time of day."""
        moment = self._moment(timestamp)
        return (
            timestamp if moment is None else f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
        )

    def short(self, timestamp: str) -> str:
        """Date and time to the second."""
        moment = self._moment(timestamp)
        return timestamp if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"

    def minute(self, timestamp: str) -> str:
        """Date and time to the minute."""
        moment = self._moment(timestamp)
        return timestamp if moment is None else f"{moment:%Y-%m-%d %H:%M}"

    def at(self, seconds: float) -> str:
        """The time of day of epoch seconds."""
        moment = datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"

    def minute_at(self, seconds: float) -> str:
        """Date and time to the minute of epoch seconds."""
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(self.zone):%Y-%m-%d %H:%M}"

    def period(self, first: str, last: str) -> str:
        """From one timestamp to another; the day once, if it is the same."""
        start, end = self._moment(first), self._moment(last)
        if start is None or end is None:
            return f"{first} to {last}"
        until = (
            self.time(last) if start.date() == end.date() else f"{end:%Y-%m-%d} {self.time(last)}"
        )
        zone = "UTC" if self.zone is UTC else f"{end:%z}"
        other = "" if self.zone is UTC or f"{start:%z}" == zone else f" {start:%z}"
        return f"{start:%Y-%m-%d} {self.time(first)}{other} to {until} {zone}"

    def begin(self, timestamp: str) -> str:
        """Date and, where it is not midnight, time to the minute, as a person typed it."""
        moment = self._moment(timestamp)
        if moment is None:
            return timestamp
        shown = f"{moment:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
        return shown if self.zone is UTC else f"{shown} {moment:%z}"

    @property
    def name(self) -> str:
        """What the times of the page are in."""
        return "UTC" if self.zone is UTC else "the time zone of the machine that made this page"

    def element(self, timestamp: str, text: str | None = None) -> Element:
        """A `time` element."""
        shown = text or self.full(timestamp)
        return h("time", shown, datetime=None if shown == timestamp else timestamp)

    def _moment(self, timestamp: str) -> datetime | None:
        try:
            return moment_of(timestamp).astimezone(self.zone)
        except (ValueError, OverflowError):
            return None


def epoch(timestamp: str) -> float | None:
    """Epoch seconds of a timestamp; None when it is none."""
    try:
        return moment_of(timestamp).timestamp()
    except ValueError:
        return None


def clipped(text: str, limit: int = CLIPPED) -> str:
    """Text of any length in a bounded one."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def prose(text: str) -> list[Node]:
    """A text of the catalogue: what stands between backticks is code."""
    parts = text.split("`")
    return [h("code", part) if number % 2 else part for number, part in enumerate(parts)]


def to_do(next_step: str) -> Element:
    """What a reader does next, by the catalogue."""
    return h("span", h("b", "What to do: "), prose(next_step), class_="to-do")


def spaced(word: str) -> str:
    """A code word to be read: `not_placed` as `not placed`."""
    return clipped(word, 80).replace("_", " ")


def event_name(event: str) -> str:
    """An event of an order as a step: `execution_order_sending` as `order sending`."""
    return spaced(event.removeprefix("execution_"))


def meaning(word: str, kind: str) -> str:
    """What a word means in a sentence; the word itself where nobody knows."""
    return plain(word, kind) or plain(word, "event") or spaced(word)


def long(seconds: float | None) -> str:
    """A length of time; an empty text for none. Below a second in milliseconds."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if 0 <= seconds < 1 else duration(seconds)


def between(earlier: str, later: str) -> str:
    """The time from one timestamp to another."""
    return long(seconds_between(earlier, later))


def badge(kind: str, text: str) -> Element:
    """A word in a coloured frame; the sign before it says the same as the colour."""
    return h("span", text, class_=f"badge {kind}")


def section(name: str, title: str, *body: Node, lead: Node = None) -> Element:
    """A part of the page with its heading."""
    return h(
        "section",
        h("h2", title, id=f"{name}-title"),
        h("p", lead, class_="lead") if lead else None,
        *body,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def table(
    head: Sequence[str], rows: Sequence[Sequence[Node]], *, numbers: tuple[int, ...] = ()
) -> Element:
    """A table that scrolls where it is too wide; columns without anything in them are left out.
    `numbers` are the columns set to the right."""
    shown = [column for column in range(len(head)) if any(row[column] for row in rows)]

    def kind(column: int) -> str | None:
        return "number" if column in numbers else None

    titles = (h("th", head[column], scope="col", class_=kind(column)) for column in shown)
    lines = (h("tr", *(h("td", row[i], class_=kind(i)) for i in shown)) for row in rows)
    return h(
        "div",
        h("table", h("thead", h("tr", *titles)), h("tbody", *lines)),
        class_="scroll",
        tabindex=0,
    )
