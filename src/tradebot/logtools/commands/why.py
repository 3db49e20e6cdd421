"""Say why an instrument did or did not trade.

  why                 every watched instrument in the last cycle
  why MSFT:xnas       one instrument: as Stock:211, 211, AAPL:xnas or AAPL
  why --at TIME       in the slot of this time, by the run that came furthest; where there was no
                      run, why there was none, and the runs before and after
  why --since -7d     how often each reason stopped each instrument, and what was traded

Where a log is of several bots (instances, environments, dry runs), each answers for itself.
Exits with 0 when there is an answer, 1 when there is none, 2 when something could not be read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import timedelta

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem
from tradebot.logtools.options import add_output, add_times, add_where, time_of
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.times import shifted, stamp
from tradebot.logtools.telling.table import harmless
from tradebot.logtools.why.cycles import NEEDLES, Cycles
from tradebot.logtools.why.question import About, ask
from tradebot.logtools.why.table import tallies
from tradebot.logtools.why.telling import at_documents, at_text, table_documents, table_text

_AROUND = timedelta(hours=2)
"""A run that began before --since may end after it, and gaps are told later than they were."""
_LATER = timedelta(days=2)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `why`."""
    parser.add_argument(
        "instrument",
        metavar="INSTRUMENT",
        nargs="?",
        help="Stock:211, 211, AAPL:xnas or AAPL (default: every watched one)",
    )
    parser.add_argument("--at", metavar="TIME", help="the cycle at this time (default: the last)")
    add_times(parser)
    add_where(parser)
    add_output(parser)


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Answer, and say what was read."""
    if options.at is not None and (options.since or options.until):
        raise UsageProblem("--at is one time and --since a span: leave one of them out")
    if options.until is not None and options.since is None:
        raise UsageProblem("--until needs --since, where the span begins")
    if options.since is not None:
        return _table(options, desk)
    at = None if options.at is None else time_of(desk, "--at", options.at)
    files = desk.files()
    abouts = ask(desk, files, options.instrument, at)
    if desk.output == "raw":
        shown = {line.raw: None for one in abouts for lines in one.lines for line in lines}
        for raw in shown:
            desk.say_raw(raw)
    elif desk.output == "text":
        desk.say(*at_text(desk, abouts))
    else:
        _say_documents(desk, at_documents(abouts))
    _note_what_is_missing(desk, abouts, options.instrument)
    desk.tell_what_was_read(files)
    return _code(desk, found=any(about.is_answered for about in abouts))


def _note_what_is_missing(desk: Desk, abouts: Sequence[About], wanted: str | None) -> None:
    if any(about.answers for about in abouts):
        return
    watched = dict.fromkeys(name for about in abouts for name in about.watched)
    if not watched:
        desk.note("no run in what was read: there is no cycle to explain")
        return
    desk.note(f"{harmless(str(wanted))} is watched by no run in what was read; watched are: ")
    desk.note(*(f"  {harmless(name)}" for name in watched))


def _table(options: argparse.Namespace, desk: Desk) -> int:
    if desk.output == "raw":
        raise UsageProblem(
            "--output raw shows the lines of one cycle: take --at instead of --since"
        )
    begin = time_of(desk, "--since", options.since)
    end = None if options.until is None else time_of(desk, "--until", options.until)
    if end is not None and end <= begin:
        raise UsageProblem("--since is not before --until, so there is nothing between them")
    files = desk.files()
    wanted = Selection(
        stamp(shifted(begin, -_AROUND)),
        "" if end is None else stamp(shifted(end, _LATER)),
        needles=NEEDLES,
    )
    read = Cycles().read(entries(files, wanted, desk.notes))
    since, until = stamp(begin), "" if end is None else stamp(end)
    found, cycles = tallies(read, options.instrument, since, until, stamp(desk.now))
    if desk.output == "text":
        desk.say(*table_text(desk, found, cycles))
    else:
        _say_documents(desk, table_documents(found, cycles, since, until))
    if not found:
        watched = [harmless(f"  {i} {symbol}".rstrip()) for i, symbol in read.symbols.items()]
        known = ["watched are:", *watched] if watched else []
        desk.note("no cycle of it in this span", *known)
    desk.tell_what_was_read(files)
    return _code(desk, found=bool(found))


def _say_documents(desk: Desk, documents: list[dict[str, object]]) -> None:
    """The first one is the whole; the others are its lines."""
    for document in documents[:1] if desk.output == "json" else documents[1:]:
        desk.say_json(document)


def _code(desk: Desk, *, found: bool) -> int:
    if desk.notes.unreadable:
        return UNREADABLE
    return FOUND if found else NOTHING
