"""The whole story of an order or a run, over all files of the log, in order of time.

An order is named by its external reference or by the broker's order id (digits), a run by its run
id; FIELD=VALUE finds every line with that value, for example saxo_request_id=… or cycle_id=42.
Text from a paste around an id does no harm.

Only the files in which the story is likely to stand are read, and the others if it does not end
there; what was read is said on stderr. Exits with 0 when everything was found, with 1 when
something was not (then every file was read), and with 2 when it was not, but not everything could
be read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem
from tradebot.logtools.options import add_journal, add_output, add_times, add_where, selection
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.folder import LogFile, days_of, within
from tradebot.logtools.reading.times import seconds_between, stamp
from tradebot.logtools.stories.journal_side import ask
from tradebot.logtools.telling.table import count, harmless
from tradebot.logtools.tracing.subjects import EXPECTED, Kind, Subject, subject_of
from tradebot.logtools.tracing.trace import MOST_LINES, Trace, Tracer

if TYPE_CHECKING:
    from tradebot.logtools.tracing.verdict import Conclusion


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `trace`."""
    parser.add_argument("ids", metavar="ID", nargs="+", help=EXPECTED)
    parser.add_argument(
        "--all", dest="read_all", action="store_true", help="read every file in any case"
    )
    add_where(parser)
    add_journal(parser)
    add_times(parser)
    add_output(parser)


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Find, and tell."""
    subjects = _subjects(options.ids)
    wanted = selection(desk, options)
    every = desk.files()
    timed = bool(wanted.since or wanted.until)
    files = list(within(every, wanted.since, wanted.until)) if timed else every
    known, problems = ask(
        desk.journals(),
        orders=[subject.value for subject in subjects if subject.kind is Kind.ORDER],
        references=[subject.value for subject in subjects if subject.kind is Kind.REFERENCE],
        runs=[subject.value for subject in subjects if subject.kind is Kind.RUN],
    )
    tracer = Tracer(files, desk.notes, known, selection=wanted, read_all=options.read_all)
    traces = []
    for subject in subjects:
        trace = tracer.trace(subject)
        traces.append(trace)
        _tell(trace, desk)
    if desk.output == "json":
        desk.say_json({"traces": [_document(trace, desk) for trace in traces]})
    desk.note(*problems)
    desk.tell_what_was_read(every)
    _tell_why_not_all(traces, every, desk)
    for trace in traces:
        desk.note(*_remarks(trace, files, desk.notes, timed=timed))
        desk.note(*_cut_off(trace, wanted.until))
    if all(trace.entries for trace in traces):
        return FOUND
    return UNREADABLE if desk.notes.unreadable else NOTHING


def _subjects(texts: Sequence[str]) -> list[Subject]:
    subjects: dict[Subject, None] = {}
    for text in texts:
        subject = subject_of(text)
        if subject is None:
            raise UsageProblem(f"{text!r} is no id that is understood; give {EXPECTED}")
        subjects[subject] = None
    return list(subjects)


# -- telling ----------------------------------------------------------------------------------


def _tell(trace: Trace, desk: Desk) -> None:
    match desk.output:
        case "raw":
            for entry in trace.entries:
                desk.say_raw(entry.raw)
        case "jsonl":
            for document in _lines(trace):
                desk.say_json({"type": "line", "id": trace.subject.value, **document})
            desk.say_json({"type": "trace", **_summary(trace, desk)})
        case "text":
            _tell_people(trace, desk)


def _tell_people(trace: Trace, desk: Desk) -> None:
    from tradebot.logtools.tracing.text import conclusion_lines, heading, lines_of, order_line

    if not trace.entries:
        return
    desk.say(desk.paint(heading(trace), "bold"))
    desk.say(*(f"  {order_line(order)}" for order in trace.orders()))
    desk.say("", *lines_of(trace, desk.paint, desk.shown_time), "")
    for name, conclusion in _conclusions(trace, desk):
        desk.say(*conclusion_lines(name, conclusion, desk.paint))
    desk.say(*(f"  journal:    {harmless(words)}" for words in trace.known.words()))
    desk.say("")


def _conclusions(trace: Trace, desk: Desk) -> Iterator[tuple[str, Conclusion]]:
    from tradebot.logtools.tracing.verdict import of_order, of_run

    for order in trace.orders():
        yield order.reference, of_order(order)
    cycles = trace.runs()
    if cycles:
        yield trace.subject.name, of_run(cycles, stamp(desk.now))


def _document(trace: Trace, desk: Desk) -> dict[str, Any]:
    return {**_summary(trace, desk), "lines": list(_lines(trace))}


def _summary(trace: Trace, desk: Desk) -> dict[str, Any]:
    from tradebot.logtools.stories.order_story import facts as order_facts
    from tradebot.logtools.stories.run_story import facts as run_facts

    now = stamp(desk.now)
    return {
        "id": trace.subject.value,
        "kind": trace.subject.kind.value,
        "found": bool(trace.entries),
        "finished": trace.finished,
        "mentioned": trace.mentioned,
        "stories": [
            *map(order_facts, trace.orders()),
            *(run_facts(cycle, now) for cycle in trace.runs()),
        ],
        "verdicts": [
            {"name": name, "outcome": told.outcome, "reason": told.reason, "next": told.next_step}
            for name, told in _conclusions(trace, desk)
        ],
        "journal": trace.known.documents(),
    }


def _lines(trace: Trace) -> Iterator[dict[str, Any]]:
    before: Entry | None = None
    for entry in trace.entries:
        gap = None if before is None else round(seconds_between(before.time, entry.time), 3)
        yield {
            "timestamp": entry.time,
            "gap_seconds": gap,
            "level": entry.line.level,
            "component": entry.line.component,
            "event": entry.event,
            "fields": dict(entry.fields),
            "file": entry.file.name,
            "offset": entry.offset,
        }
        before = entry


# -- remarks ----------------------------------------------------------------------------------


def _tell_why_not_all(traces: Sequence[Trace], files: Sequence[LogFile], desk: Desk) -> None:
    unread = [file for file in files if file.path not in desk.notes.read]
    if unread and any(trace.finished for trace in traces):
        desk.note(
            "why not: the story has its end, and a neighbouring day on each side of it was read; "
            "--all reads the rest, too"
        )


def _cut_off(trace: Trace, until: str) -> Iterator[str]:
    """A verdict that a later line may have changed."""
    if until and any(order.status != "done" for order in trace.orders()):
        yield (
            f"{trace.subject.name}: how it stood at --until; what later lines say of it was not "
            "looked at"
        )


def _remarks(trace: Trace, files: Sequence[LogFile], notes: Notes, *, timed: bool) -> Iterator[str]:
    name = trace.subject.name
    if trace.mentioned:
        yield (
            f"{name} also stands in {count(trace.mentioned, 'line')} that "
            f"{'is' if trace.mentioned == 1 else 'are'} not its own: try `grep`"
        )
    if trace.cut:
        yield f"{name}: only {MOST_LINES} of its lines are shown; use --since and --until"
    if not trace.entries:
        unread = sum(map(notes.is_unreadable, files))
        some = f"{len(files) - unread} of " if unread else ""
        where = f"in {some}{count(len(files), 'file')}"
        if timed:
            where = "between --since and --until"
        yield f"{name}: not found {where}{_days(files)}"
        yield from _hints(trace, timed=timed)


def _days(files: Sequence[LogFile]) -> str:
    days = {day for file in files for day in days_of(file)}
    if not days:
        return ""
    return f" of {min(days)}" + (f" to {max(days)}" if len(days) > 1 else "")


def _hints(trace: Trace, *, timed: bool) -> Iterator[str]:
    words = trace.known.words()
    if words and not timed:
        yield from (f"the journal knows it: {harmless(text)}" for text in words)
        yield (
            "so its lines are gone: LOG_RETENTION_DAYS or LOG_MAX_TOTAL_MB removed their file, or "
            "it is elsewhere; --logs names another folder"
        )
    elif trace.subject.kind is Kind.REFERENCE and set(trace.subject.value[-10:]) & set("0189"):
        yield "a reference ends in ten of A to Z and 2 to 7: is a 0 an O, a 1 an I, an 8 a B?"
