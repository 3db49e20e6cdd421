"""Rows of the log for people: what is the same on every line is said once, free text is unfolded.

Nothing here sends a control character of the log to a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tradebot.logtools.exporting.columns import pair_value
from tradebot.logtools.masking import masked_text
from tradebot.logtools.reading.ordering import UNFINISHED, Row
from tradebot.logtools.telling.table import harmless
from tradebot.observability.line import LogLine, quote
from tradebot.observability.schema import CORRELATION

MARK = "? "
"""Before what is no line of the log."""

_INDENT = "    "
_LONGEST_ROW = 2000
"""Characters shown of what is no line of the log."""

_HTTP = ("http_method", "http_url_path", "http_status", "latency_ms")
_BELOW = ("msg", "exc_type", "exc_msg", "stack")

_DIM = "DEBUG"
"""What is dim has the colour of this level."""

Paint = Callable[[str, str], str]


class Show:
    """Rows as text, one after the other. `fields` are those to show; None for all."""

    def __init__(
        self, paint: Paint, shown_time: Callable[[str], str], fields: Sequence[str] | None = None
    ) -> None:
        self._paint = paint
        self._shown_time = shown_time
        self._fields = fields
        self._run: tuple[str, ...] | None = None
        self.odd = 0
        """How many rows were shown that are no lines of the log."""

    def text(self, row: Row) -> Iterator[str]:
        """The lines that a row is shown as."""
        if row.line is None:
            self.odd += 1
            yield self._foreign(row)
            return
        yield from self._header(row.line)
        yield from self._line(row.line)

    def _foreign(self, row: Row) -> str:
        text = masked_text(row.raw.decode("utf-8", "replace"))
        if len(text) > _LONGEST_ROW:
            text = f"{text[:_LONGEST_ROW]} … (of {len(row.raw)} bytes)"
        end = " (unfinished: no newline)" if row.odd == UNFINISHED else ""
        return self._paint(f"{MARK}{harmless(text)}{end}", _DIM)

    # -- the run --------------------------------------------------------------------------------

    def _header(self, line: LogLine) -> Iterator[str]:
        now = tuple(line.fields.get(name, "-") for name in CORRELATION)
        before, self._run = self._run, now
        if before is None or now[0] != before[0]:
            said = [_said(name, value) for name, value in zip(CORRELATION, now, strict=True)]
        elif now != before:
            said = [
                _said(name, value)
                for name, value, old in zip(CORRELATION, now, before, strict=True)
                if value != old
            ]
        else:
            return
        if text := ", ".join(filter(None, said)):
            yield self._paint(f"-- {text}", "bold")

    # -- a line ---------------------------------------------------------------------------------

    def _line(self, line: LogLine) -> Iterator[str]:
        fields = self._chosen(line)
        below = list(_unfolded(fields))
        beside = [
            f"{name}={pair_value(name, value)}"
            for name, value in fields.items()
            if name not in _BELOW
        ]
        head = [
            self._shown_time(line.timestamp),
            self._paint(f"{line.level:<5}", line.level),
            line.component,
            self._paint(line.event, "bold"),
        ]
        request = _request(fields)
        if request:
            beside = [pair for pair in beside if pair.partition("=")[0] not in _HTTP]
            head.append(request)
        if not beside and not request and len(below) == 1:
            head.append(below.pop())
        yield " ".join((*head, *beside))
        for text in below:
            yield f"{_INDENT}{text}"

    def _chosen(self, line: LogLine) -> dict[str, str]:
        if self._fields is None:
            return {name: value for name, value in line.fields.items() if name not in CORRELATION}
        return {name: line.fields[name] for name in self._fields if name in line.fields}


def _said(name: str, value: str) -> str:
    """One of the six fields in words; nothing for one that says nothing new."""
    value = harmless(value)
    match name, value:
        case "run_id", _:
            return f"run {value}"
        case "cycle_id", "-":
            return "no cycle yet"
        case "cycle_id", _:
            return f"cycle {value}"
        case "dry_run", "true":
            return "dry run"
        case "dry_run", "false":
            return "orders are real"
        case "single_cycle", "true":
            return "single cycle"
        case _, "-" | "false":
            return ""
    return value


def _request(fields: dict[str, str]) -> str:
    """`POST /trade/v2/orders 201 in 143 ms`, as far as it is known."""
    if "http_url_path" not in fields:
        return ""
    parts = [quote(fields[name]) for name in _HTTP[:3] if name in fields]
    if "latency_ms" in fields:
        parts.append(f"in {quote(fields['latency_ms'])} ms")
    return " ".join(parts)


def _unfolded(fields: dict[str, str]) -> Iterator[str]:
    """Free text line by line: the message, the exception, the traceback."""
    yield from _lines_of(fields.get("msg", ""))
    stack = fields.get("stack", "")
    error = ": ".join(fields[name] for name in ("exc_type", "exc_msg") if name in fields)
    if error and error not in stack:
        yield from _lines_of(error)
    yield from _lines_of(stack)


def _lines_of(text: str) -> Iterator[str]:
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n") if text else ():
        yield harmless(line.replace("\t", "    "))
