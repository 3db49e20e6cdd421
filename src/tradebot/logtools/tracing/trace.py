"""The lines of an order or a run, wherever in the log they are, and no file read without need.

Files are read turn by turn, the likely ones first, until the story is finished and a neighbouring
day on each side of it has been read; what does not finish is looked for everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Entry, Selection, entry_of, in_order, mask_of, masked
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.scan import lines_with
from tradebot.logtools.stories.journal_side import Known
from tradebot.logtools.tracing.reading_order import (
    DAYS_AFTER_THE_BAR,
    days_in_turn,
    of_days,
    with_neighbours,
)
from tradebot.logtools.tracing.subjects import REFERENCE, Kind, Subject, mentions

if TYPE_CHECKING:
    from tradebot.logtools.stories.order_story import OrderStory
    from tradebot.logtools.stories.run_story import RunStory

MOST_LINES = 20_000
"""Lines of one id that are kept: a run that loops for a month has a gigabyte of them."""

_INFERRED = ("not_placed", "resolved_by_hand")
"""Verdicts that a later run may contradict: it looks for such an order for some days."""


@dataclass(slots=True)
class Trace:
    """What was found of one id."""

    subject: Subject
    known: Known
    """What the journals have of it."""
    entries: list[Entry] = field(default_factory=list)
    """Its lines in order of time; what has the same time, in the order of the log."""
    references: list[str] = field(default_factory=list)
    """Of an order id: the references under which the bot speaks of it."""
    mentioned: int = 0
    """Lines of others in which it occurs."""
    finished: bool = False
    """Was nothing left to be expected, so that other files were not read for it?"""
    cut: bool = False
    """Were there more than MOST_LINES?"""

    def orders(self) -> list[OrderStory]:
        """The stories of the orders among its lines; none for what is no order."""
        if self.subject.kind not in (Kind.REFERENCE, Kind.ORDER):
            return []
        from tradebot.logtools.stories.order_story import stories

        told = stories(self.entries)
        wanted = self.references or [self.subject.value]
        return [told[reference] for reference in wanted if reference in told]

    def runs(self) -> list[RunStory]:
        """The cycles of the run; none for what is no run."""
        if self.subject.kind is not Kind.RUN:
            return []
        from tradebot.logtools.stories.run_story import runs

        return [run for run in runs(self.entries) if run.run_id == self.subject.value]


class Tracer:
    """Reads a log's files for one id after the other."""

    def __init__(
        self,
        files: Sequence[LogFile],
        notes: Notes,
        known: Mapping[str, Known],
        *,
        selection: Selection | None = None,
        read_all: bool = False,
    ) -> None:
        """`selection` narrows by time; `read_all` reads every file, finished or not."""
        self._files = files
        self._notes = notes
        self._known = known
        self._selection = selection or Selection()
        self._read_all = read_all

    def trace(self, subject: Subject) -> Trace:
        """Its lines and what else there is to know. Raises nothing for what cannot be read: that
        goes to the notes."""
        known = self._known.get(subject.value, Known())
        trace = Trace(subject, known)
        if subject.kind is Kind.ORDER:
            trace.references = [found.external_reference for found in known.orders]
        hunt = _Hunt(self._files, self._notes, trace, self._selection)
        for turn in () if self._read_all else self._turns(hunt):
            hunt.read(turn)
            if hunt.is_over():
                trace.finished = True
                return trace
        hunt.everywhere = True
        hunt.read(self._files)
        return trace

    def _turns(self, hunt: _Hunt) -> Iterator[Iterable[LogFile]]:
        """The files to read, the likeliest first; each turn may use what the one before found."""
        trace, files = hunt.trace, self._files
        days = trace.known.days()
        if trace.subject.kind is Kind.RUN and not days:
            yield from ([file] for file in reversed(files))
            return
        if trace.subject.kind is Kind.ORDER and not days:
            # Nothing says when it was; afterwards its reference does.
            yield files
            days = {_day_of(entry) for entry in trace.entries} - {None}  # type: ignore[assignment]
        references = [trace.subject.value, *trace.references]
        for wanted in days_in_turn(days, references):
            yield of_days(files, wanted)


class _Hunt:
    """The reading for one id: no file twice for the same bytes."""

    def __init__(
        self, files: Sequence[LogFile], notes: Notes, trace: Trace, selection: Selection
    ) -> None:
        self.trace = trace
        self._files = files
        self._place = {file.path: number for number, file in enumerate(files)}
        self._notes = notes
        self._selection = selection
        self._mask = mask_of(selection)
        self._sought: dict[str, set[bytes]] = {}
        """By file: what was looked for in it."""
        self._found: dict[tuple[int, int], Entry] = {}
        """By place: file and offset."""
        self._mentions: set[tuple[int, int]] = set()
        self.everywhere = False
        """Is every file to be searched for everything, however unlikely?"""

    def read(self, files: Iterable[LogFile]) -> None:
        """Look into these files for everything that is known to look for by now."""
        files = list(files)
        while True:
            for file in files:
                self._look_into(file, self._needles(file))
            self.trace.entries = in_order(self._found[place] for place in sorted(self._found))
            self.trace.mentioned = len(self._mentions)
            if self.trace.subject.kind is not Kind.ORDER or not self._learn():
                return
            files = self._near()

    def _needles(self, file: LogFile) -> set[bytes]:
        """What to look for in this file. Where the references of an order are known, its id is
        looked for only on its own days: what has the id and none of them is somebody else's."""
        trace = self.trace
        references = {reference.encode() for reference in trace.references}
        if not references or self.everywhere or file.day is None:
            return {trace.subject.needle, *references}
        own = file.day in self._days() | trace.known.days()
        return {trace.subject.needle, *references} if own else references

    def _look_into(self, file: LogFile, needles: set[bytes]) -> None:
        sought = self._sought.setdefault(file.path, set())
        due = needles - sought
        if not due:
            return
        # What is odd about a file is told once.
        notes = Notes() if sought or file.path in self._notes.read else self._notes
        sought |= due
        for found in lines_with(file, due, notes):
            entry = entry_of(file, found, notes)
            if entry is not None and self._selection.takes(entry.line):
                self._take((self._place[file.path], found.offset), entry)

    def _take(self, place: tuple[int, int], entry: Entry) -> None:
        trace = self.trace
        if trace.subject.owns(entry) or entry.get(REFERENCE) in trace.references:
            if len(self._found) >= MOST_LINES:
                trace.cut = True
                return
            self._found[place] = masked(entry, self._mask)
            self._mentions.discard(place)
        elif mentions(entry, trace.subject):
            self._mentions.add(place)

    def _learn(self) -> bool:
        """Are there references of the order that were not looked for yet?"""
        trace = self.trace
        before = len(trace.references)
        for entry in trace.entries:
            reference = entry.get(REFERENCE)
            if reference and reference not in trace.references:
                trace.references.append(reference)
        return len(trace.references) > before

    def _near(self) -> list[LogFile]:
        """The files of the days on which something was found, and of those beside them."""
        return list(of_days(self._files, with_neighbours(self._days())))

    def _days(self) -> set[date]:
        return {day for entry in self.trace.entries if (day := _day_of(entry)) is not None}

    # -- is there more to come? -----------------------------------------------------------------

    def is_over(self) -> bool:
        """Is the story finished, with a neighbouring day read on each side? Reads that one."""
        while (after := self._days_to_come()) is not None:
            wanted = with_neighbours(self._days(), after)
            missing = [
                file
                for file in of_days(self._files, wanted)
                if self._needles(file) - self._sought.get(file.path, set())
            ]
            if not missing:
                return True
            self.read(missing)
        return False

    def _days_to_come(self) -> int | None:
        """For how many days after its last line something may still follow; None for any number."""
        if self.trace.subject.kind is Kind.RUN:
            return 1 if _run_is_over(self.trace) else None
        orders = self.trace.orders()
        if not orders or any(order.status != "done" for order in orders):
            return None
        inferred = any(o.failure_reason in _INFERRED and not o.contradicted for o in orders)
        return DAYS_AFTER_THE_BAR if inferred else 1


def _run_is_over(trace: Trace) -> bool:
    cycles = trace.runs()
    if not cycles or not cycles[0].from_its_beginning:
        return False
    if trace.known.ended or cycles[-1].killed_found_by:
        return True
    last = trace.entries[-1]
    if last.event == "run_stopped":
        return True
    return bool(cycles[-1].ended) and last.get("single_cycle") == "true"


def _day_of(entry: Entry) -> date | None:
    try:
        return date.fromisoformat(entry.time[:10])
    except ValueError:  # a date that never was
        return None
