"""Every intent to order, what became of it, and why.

Three things are kept apart that all look like "nothing happened": no outcome logged (the lines
end without a verdict), unknown at broker (it was sent, and nobody knows), and still open (the
broker has it and works on it). An order belongs to the time at which its intent was created;
what became of it is read on from there, also behind --until.

`--compare` (or `--journal FILE`) holds the log against the journal, both ways.

Exits with 0 when there are such orders (with --compare: when there is no difference), else with 1,
and with 2 when something could not be read.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem
from tradebot.logtools.options import add_journal, add_output, add_times, add_where, selection
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.folder import LogFile, missing_days, span_of
from tradebot.logtools.reading.sources import STDIN
from tradebot.logtools.stories.order_story import (
    CORRELATED,
    FACTS,
    NEEDLES,
    OrderStatus,
    OrderStory,
    facts,
    stories,
)
from tradebot.logtools.telling.documents import has_values, require_known, say_many
from tradebot.logtools.telling.order_rows import order_table
from tradebot.logtools.telling.table import count, harmless, table

_FILTERS: dict[str, tuple[str, Callable[[OrderStory], bool]]] = {
    "missing_outcome": (
        "whose lines end without a verdict",
        lambda story: story.status is OrderStatus.NO_OUTCOME_LOGGED,
    ),
    "unknown": (
        "of which nobody knows yet whether the broker has them",
        lambda story: story.status is OrderStatus.UNKNOWN_AT_BROKER,
    ),
    "open": (
        "that the broker has and works on",
        lambda story: story.status is OrderStatus.STILL_OPEN,
    ),
    "failed": ("that failed, or ended before they were filled whole", lambda story: story.failed),
    "skipped": ("that were not sent on purpose: dry runs", lambda s: s.outcome == "SKIPPED"),
    "placed": (
        "that the broker took",
        lambda story: story.outcome == "SUCCESS" or story.contradicted,
    ),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `orders`."""
    for name, (what, _) in _FILTERS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, action="store_true", help=f"only orders {what}")
    parser.add_argument("--instrument", metavar="X", help="only of this instrument or symbol")
    parser.add_argument(
        "filters",
        metavar="FIELD=VALUE",
        nargs="*",
        help="only orders with this value in what `--output json` shows; the same field twice "
        "means either, different fields both",
    )
    parser.add_argument(
        "--compare", action="store_true", help="hold the log's orders against the journal's"
    )
    add_times(parser)
    add_where(parser)
    add_journal(parser)
    add_output(parser)


def run(options: argparse.Namespace, desk: Desk) -> int:
    """List, or compare."""
    wanted = selection(desk, options)
    require_known(wanted.fields, FACTS)
    if options.compare or desk.journal is not None:
        return _compare(options, desk, wanted)
    files = desk.files()
    found = _read(desk, files, wanted)
    within = [story for story in found.values() if _in_time(story, wanted)]
    chosen = [story for story in within if _chosen(story, options, wanted)]
    match desk.output:
        case "raw":
            _say_raw(desk, files, chosen)
        case "text":
            desk.say(*_text(desk, chosen, len(within)))
        case _:
            _say_json(desk, chosen)
    desk.tell_what_was_read(files)
    _tell_of_earlier(desk, found.values(), wanted)
    if desk.notes.unreadable:
        return UNREADABLE
    return FOUND if chosen else NOTHING


# -- reading and choosing ----------------------------------------------------------------------


def _read(desk: Desk, files: Sequence[LogFile], wanted: Selection) -> dict[str, OrderStory]:
    """Every order with a line since `wanted.since`. What comes later than `until` counts, too."""
    # Standard input can be read once only, so what may be shown of it is kept.
    keep = desk.output == "raw" and any(file.path == STDIN for file in files)
    needles = (CORRELATED,) if keep else NEEDLES
    look_for = Selection(wanted.since, needles=needles, masked=wanted.masked)
    return stories(entries(files, look_for, desk.notes), keep_steps=keep)


def _in_time(story: OrderStory, wanted: Selection) -> bool:
    """Was its intent created in the time asked for?

    Where the line is missing its first one stands for it, unless it may be just before `since`.
    """
    if wanted.since and not story.created:
        return False
    return not wanted.until or (story.created or story.first) < wanted.until


def _chosen(story: OrderStory, options: argparse.Namespace, wanted: Selection) -> bool:
    asked = [takes for name, (_, takes) in _FILTERS.items() if getattr(options, name)]
    if asked and not any(takes(story) for takes in asked):
        return False
    if options.instrument and not _is_of(story, options.instrument):
        return False
    return not wanted.fields or has_values(facts(story), wanted.fields)


def _is_of(story: OrderStory, instrument: str) -> bool:
    """`Stock:211`, `211`, `MSFT:xnas` or `MSFT`, in any case."""
    asked = instrument.casefold()
    names = (story.instrument_id, story.symbol)
    return any(
        asked in (name.casefold(), part)
        for name, part in zip(names, _short(names), strict=True)
        if name
    )


def _short(names: tuple[str, str]) -> tuple[str, str]:
    instrument_id, symbol = (name.casefold() for name in names)
    return instrument_id.partition(":")[2], symbol.partition(":")[0]


# -- telling -----------------------------------------------------------------------------------


def _text(desk: Desk, chosen: Sequence[OrderStory], of: int) -> Iterator[str]:
    if chosen:
        yield from order_table(desk, chosen)
        yield ""
    among = f" of {of}" if len(chosen) != of else ""
    results = Counter(story.result for story in chosen).most_common()
    told = ", ".join(f"{number} {result}" for result, number in results)
    yield f"{count(len(chosen), 'order')}{among}" + (f": {harmless(told)}" if told else "")


def _say_json(desk: Desk, chosen: Sequence[OrderStory]) -> None:
    counts = {
        "orders": len(chosen),
        "by_status": dict(Counter(story.status.value for story in chosen)),
        "by_result": dict(Counter(story.result for story in chosen)),
    }
    say_many(desk, "orders", ({"type": "order", **facts(story)} for story in chosen), counts)


def _say_raw(desk: Desk, files: Sequence[LogFile], chosen: Sequence[OrderStory]) -> None:
    """Every line of these orders, whatever its time: an order's story is whole or misleading."""
    references = {story.reference for story in chosen}
    if any(story.steps for story in chosen):
        kept = [entry for story in chosen for entry in story.steps or ()]
    elif references:
        first = min(story.first for story in chosen)
        own = Selection(first, needles=(CORRELATED,), masked=False)
        again = entries(files, own, desk.notes)
        for entry in again:
            if entry.get("external_reference") in references:
                desk.say_raw(entry.raw)
        return
    else:
        return
    for entry in sorted(kept, key=lambda entry: entry.offset):
        desk.say_raw(entry.raw)


def _tell_of_earlier(desk: Desk, found: Iterable[OrderStory], wanted: Selection) -> None:
    earlier = sum(not story.created for story in found) if wanted.since else 0
    if earlier:
        desk.note(
            f"not listed: {count(earlier, 'order')} with lines since then, but an intent from "
            "before --since"
        )


# -- comparing with the journal ------------------------------------------------------------------


def _compare(options: argparse.Namespace, desk: Desk, wanted: Selection) -> int:
    from tradebot.logtools.stories import journal_orders

    if desk.output == "raw":
        raise UsageProblem("--compare has no lines to show; use --output text, json or jsonl")
    paths = desk.journals()
    if not paths:
        raise UsageProblem("there is no journal to compare with; name it: --journal FILE")
    files = desk.files()
    found = _read(desk, files, wanted)
    between = _covered(files, found.values(), wanted)
    journal = journal_orders.orders_of(paths, *between)
    chosen = [s for s in found.values() if _in_time(s, wanted) and _chosen(s, options, wanted)]
    comparison = journal_orders.compare(
        chosen, found, journal, _unfiltered(options, wanted, between), set(missing_days(files))
    )
    if desk.output == "text":
        desk.say(*_compared(desk, comparison, paths, between))
    else:
        _say_compared(desk, comparison, paths, between)
    desk.tell_what_was_read(files)
    if comparison.of_others:
        desk.note(f"not compared: {count(comparison.of_others, 'order')} of another journal")
    if comparison.without_file:
        desk.note(
            f"not compared: {count(comparison.without_file, 'order')} of the journal, from days "
            "of which the log has no file"
        )
    if desk.notes.unreadable:
        return UNREADABLE
    return NOTHING if comparison.differences or not comparison.compared else FOUND


def _covered(
    files: Sequence[LogFile], found: Iterable[OrderStory], wanted: Selection
) -> tuple[str, str]:
    """The time of which this log should have every intent: its own, as far as it was asked for."""
    spans = [span_of(file) for file in files]
    told = list(found)
    firsts = [span.first for span in spans if span.first] or [story.first for story in told]
    lasts = [span.last for span in spans if span.last] or [story.last for story in told]
    first, last = min(firsts, default=""), max(lasts, default="")
    return max(first, wanted.since), min(last, wanted.until) if wanted.until else last


def _unfiltered(
    options: argparse.Namespace, wanted: Selection, between: tuple[str, str]
) -> tuple[str, str]:
    """What the journal has besides is only looked for when all orders are asked for."""
    filtered = options.instrument or wanted.fields or any(getattr(options, n) for n in _FILTERS)
    return ("", "") if filtered else between


def _compared(
    desk: Desk, comparison: Any, paths: Sequence[str], between: tuple[str, str]
) -> Iterator[str]:
    differences = comparison.differences
    if differences:
        rows = [
            [desk.shown_time(d.time), d.reference, d.what.value, d.log, d.journal]
            for d in differences
        ]
        lines = table(
            ("TIME", "REFERENCE", "DIFFERENCE", "THE LOG SAYS", "THE JOURNAL SAYS"),
            [list(map(harmless, row)) for row in rows],
        )
        yield desk.paint(next(lines), "bold")
        yield from lines
        yield ""
        yield desk.paint("what to do", "bold")
        for what in dict.fromkeys(d.what for d in differences):
            yield f"  {what.value}: {what.meaning} {what.next_step}"
        yield ""
    first, last = map(desk.shown_time, between)
    yield (
        f"{count(comparison.compared, 'order')} compared with {', '.join(paths)} "
        f"({first or '?'} to {last or '?'}): {count(len(differences), 'difference')}"
    )


def _say_compared(
    desk: Desk, comparison: Any, paths: Sequence[str], between: tuple[str, str]
) -> None:
    differences = [
        {
            "type": "difference",
            "external_reference": difference.reference,
            "created": difference.time,
            "difference": difference.what.value,
            "log": difference.log,
            "journal": difference.journal,
        }
        for difference in comparison.differences
    ]
    counts = {
        "journals": list(paths),
        "since": between[0],
        "until": between[1],
        "compared": comparison.compared,
        "of_others": comparison.of_others,
        "without_file": comparison.without_file,
        "differences": len(differences),
    }
    say_many(desk, "differences", differences, counts)
