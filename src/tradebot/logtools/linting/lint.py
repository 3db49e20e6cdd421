"""Holds a log against its grammar and its catalogue, line by line, in one pass.

What is wrong with one line is in `rules`; here is what only the lines around it can tell: whether
a piece of a line is a fragment that was written again, and whether time runs backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tradebot.logtools.linting.findings import KEPT_PER_KIND, FileRead, Kind, Report
from tradebot.logtools.linting.fragments import is_beginning, is_repeated, second_line
from tradebot.logtools.linting.rules import LineRules
from tradebot.logtools.reading.sources import PhysicalLine, Unreadable, log_files, physical_lines
from tradebot.observability.line import LINE_LIMIT, SEPARATOR, LineError, parse
from tradebot.observability.schema import Catalogue
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.reasons import DecisionReason, FailureReason

TIME_SLACK_SECONDS = 5.0
"""How far a line may be behind the one before it: a process that shares the file is interrupted
between making a line and writing it, on a busy machine for seconds."""

DOCUMENTED_WORDS = {
    "failure_reason": frozenset(
        word.value for words in (FailureReason, DecisionReason) for word in words
    )
}
"""Without market data, a decision's reason is what the cycle failed for."""


def lint(
    lines: Iterable[str | bytes],
    *,
    catalogue: Catalogue = CATALOGUE,
    name: str = "-",
    kept: int = KEPT_PER_KIND,
) -> Report:
    """Judge lines as iterating over a file yields them, each with its newline.

    `catalogue` is the vocabulary they were written with, `name` what findings call the file.
    """
    report = Report(kept=kept)
    _Linter(report, catalogue).read(name, _numbered(lines))
    return report


def lint_paths(
    paths: Iterable[str],
    *,
    catalogue: Catalogue = CATALOGUE,
    kept: int = KEPT_PER_KIND,
) -> Report:
    """Judge files, folders of logs (rotated and compressed ones included), and `-` for stdin.

    What cannot be read is in the report's `unreadable`. Never raises for what a file holds.
    """
    report = Report(kept=kept)
    linter = _Linter(report, catalogue)
    for path in paths:
        try:
            for file in log_files(path):
                linter.read_file(file)
        except Unreadable as error:
            report.unreadable.append(str(error))
    return report


def _numbered(lines: Iterable[str | bytes]) -> Iterator[PhysicalLine]:
    for number, line in enumerate(lines, start=1):
        data = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        plain = data.removesuffix(b"\n")
        yield PhysicalLine(number, plain, len(data), len(plain) < len(data))


class _Linter:
    def __init__(self, report: Report, catalogue: Catalogue) -> None:
        self._report = report
        words: Mapping[str, frozenset[str]] = DOCUMENTED_WORDS if catalogue is CATALOGUE else {}
        self._rules = LineRules(catalogue, words)
        self._file = FileRead("-")
        self._clock = _Clock()

    def read_file(self, path: str) -> None:
        try:
            self.read(path, physical_lines(path))
        except Unreadable as error:
            self._report.unreadable.append(str(error))
            if not self._file.lines:
                self._report.files.remove(self._file)

    def read(self, name: str, lines: Iterable[PhysicalLine]) -> None:
        self._file = FileRead(name)
        self._clock = _Clock()
        self._report.files.append(self._file)
        before: PhysicalLine | None = None
        try:
            for line in lines:
                self._file.lines += 1
                self._file.bytes += line.size
                if before is not None:
                    self._judge(before, line.data)
                before = line
        finally:
            # Also when the file turns out to be damaged further on.
            if before is not None:
                self._judge(before, b"")

    def _add(self, line: PhysicalLine, kind: Kind, what: str) -> None:
        self._report.add(self._file.name, line.number, kind, what)

    def _judge(self, line: PhysicalLine, following: bytes) -> None:
        if line.size > LINE_LIMIT:
            self._add(line, Kind.TOO_LONG, f"the line has {line.size} bytes, not {LINE_LIMIT}")
        elif not line.data:
            self._add(line, Kind.BLANK_LINE, "an empty line")
        elif is_repeated(line.data, following):
            self._add(line, Kind.REPEATED_FRAGMENT, "the beginning of the next line")
        else:
            self._judge_text(line)

    def _judge_text(self, line: PhysicalLine) -> None:
        try:
            text = line.data.decode()
        except UnicodeDecodeError as error:
            cut = error.reason == "unexpected end of data"
            if cut and is_beginning(line.data[: error.start].decode()):
                self._add_fragment(line)
            else:
                self._add(line, Kind.NOT_UTF8, f"byte {error.start} of the line is not UTF-8")
            return
        try:
            parsed = parse(text)
        except LineError as error:
            self._judge_rubbish(line, text, str(error))
            return
        if not line.ended:
            # Where it was cut its fields end, or a value does: what it lacks or shows says nothing.
            self._add(line, Kind.NO_NEWLINE, "the last line has no newline: it may go on")
            return
        problem = self._clock.judge(parsed.timestamp)
        if problem is not None:
            self._add(line, *problem)
        for kind, what in self._rules.judge(parsed, text.split(SEPARATOR, 4)[4]):
            self._add(line, kind, what)

    def _add_fragment(self, line: PhysicalLine) -> None:
        last = "" if line.ended else "; it is the last one: a run may be writing it right now"
        self._add(line, Kind.FRAGMENT, f"the beginning of a line{last}")

    def _judge_rubbish(self, line: PhysicalLine, text: str, problem: str) -> None:
        glued = second_line(text)
        if glued and is_beginning(text[:glued]):
            self._add(line, Kind.FRAGMENT, f"the beginning of a line; at {glued} another follows")
        elif is_beginning(text):
            self._add_fragment(line)
        else:
            self._add(line, Kind.NOT_A_LINE, self._rules.told(problem))


class _Clock:
    """Follows the timestamps of one file."""

    def __init__(self) -> None:
        self._latest = ""

    def judge(self, timestamp: str) -> tuple[Kind, str] | None:
        """What is wrong with the next timestamp. All have the same form, so text compares."""
        latest = self._latest
        if timestamp[:19] == latest[:19]:
            return None
        try:
            now = datetime.fromisoformat(timestamp)
        except ValueError:
            return Kind.TIMESTAMP, "there is no such time"
        if timestamp > latest:
            self._latest = timestamp
            return None
        behind = (datetime.fromisoformat(latest) - now).total_seconds()
        if behind <= TIME_SLACK_SECONDS:
            return None
        # From here on, so that a clock that was set back is told once.
        self._latest = timestamp
        return Kind.TIME_BACKWARDS, f"{behind:.1f} s before the line before it"
