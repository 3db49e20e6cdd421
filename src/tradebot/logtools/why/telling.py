"""Why something was traded or not, for people and for programs."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Sequence

from tradebot.logtools.desk import Desk
from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.times import stamp
from tradebot.logtools.stories.bots import Bot
from tradebot.logtools.telling.table import harmless, table
from tradebot.logtools.why.cycles import Cycle
from tradebot.logtools.why.question import About
from tradebot.logtools.why.reasons_chain import Answer, Result
from tradebot.logtools.why.steps import steps
from tradebot.logtools.why.table import Tally

_WIDTH = 96
_MOST_TRADED = 20
_HEAD = ("TIMES", "RESULT", "REASON", "FIRST", "LAST", "WHAT IT MEANS")


# -- one cycle -------------------------------------------------------------------------------


def at_text(desk: Desk, abouts: Sequence[About]) -> Iterator[str]:
    """For people: the run, and for each instrument the reason and the way to it; of several bots
    each for itself."""
    told = [about for about in abouts if about.answers]
    for place, about in enumerate(told):
        if place:
            yield ""
        if len(abouts) > 1 and about.bot is not None:
            yield desk.paint(harmless(f"{about.bot.name}:"), "bold")
        yield from _one_bot(desk, about)


def _one_bot(desk: Desk, about: About) -> Iterator[str]:
    yield from _run(desk, about)
    run_id = about.found.cycle.run.run_id if about.found.cycle else ""
    alone = len(about.answers) == 1
    if not alone and about.lines:
        common = [line for line in about.lines[0] if not line.get("instrument_id")]
        yield from _steps(desk, common, run_id)
    for alike in _alike(about.answers):
        yield ""
        yield from _answer(desk, [about.answers[place] for place in alike])
        if len(alike) == 1 and about.lines:
            its = about.lines[alike[0]]
            yield from _steps(desk, [n for n in its if alone or n.get("instrument_id")], run_id)
        order = about.answers[alike[0]].order
        if order:
            yield f"  more: {desk.surroundings.program} trace {harmless(order)}"
    if any(one.result is Result.NOT_WATCHED for one in about.answers):
        yield ""
        yield f"  watched were: {harmless(', '.join(about.watched)) or 'none'}"


def _alike(answers: Sequence[Answer]) -> list[list[int]]:
    """The places of the answers; those that say the same together."""
    found: dict[Answer, list[int]] = {}
    for place, one in enumerate(answers):
        key = dataclasses.replace(one, instrument="", symbol="")
        found.setdefault(key, []).append(place)
    return list(found.values())


def _steps(desk: Desk, lines: Sequence[Entry], run_id: str) -> Iterator[str]:
    for time, words in steps(lines, run_id):
        yield f"    {desk.shown_time(time)}  {harmless(words)}"


def _run(desk: Desk, about: About) -> Iterator[str]:
    found = about.found
    if found.cycle is None:
        slot = f" of the slot {stamp(found.slot)[:19]}Z" if found.slot else ""
        yield desk.paint(f"{desk.shown_time(about.at)}: no run{slot}", "bold")
        for name, cycle in (("before", found.before), ("after", found.after)):
            if cycle is not None:
                yield f"  the run {name} it: {_named(desk, cycle)}"
        return
    yield desk.paint(_named(desk, found.cycle), "bold")
    if about.remark:
        yield f"  {about.remark}"
    for other in found.others:
        yield f"  also in this slot: {_named(desk, other)}"


def _named(desk: Desk, cycle: Cycle) -> str:
    run = cycle.run
    parts = [f"run {run.run_id}"]
    if run.cycle_id:
        parts.append(f"cycle {run.cycle_id}")
    if run.slot:
        parts.append(f"slot {run.slot}")
    outcome = run.outcome(stamp(desk.now))
    ended = outcome.value.replace("_", " ")
    reason = f" ({run.reason})" if run.reason else ""
    code = "" if run.exit_code is None else f", exit code {run.exit_code}"
    if run.dry_run == "true":
        ended = f"dry run, {ended}"
    if run.stopped:
        process = "" if run.stopped_with is None else f", exit code {run.stopped_with}"
        code += f"; stopped at {desk.shown_time(run.stopped)}{process}"
    return harmless(f"{desk.shown_time(run.started)}  {', '.join(parts)}: {ended}{reason}{code}")


def _answer(desk: Desk, alike: Sequence[Answer]) -> Iterator[str]:
    one = alike[0]
    names = ", ".join(_name(answer.symbol, answer.instrument) for answer in alike)
    said = one.result.value.replace("_", " ")
    ended = f", {one.ended_as}" if one.ended_as else ""
    reason = f": {one.reason}" if one.reason else ""
    colour = "INFO" if one.result is Result.TRADED else "WARN"
    yield f"{desk.paint(harmless(names), 'bold')}: " + desk.paint(
        harmless(f"{said}{reason}{ended}"), colour
    )
    yield from _wrapped(one.meaning)
    if one.where:
        yield from _wrapped(f"where: {one.where}")
    for more in one.because:
        yield from _wrapped(more)
    if one.next_step:
        yield from _wrapped(f"what to do: {one.next_step}")


def _name(symbol: str, instrument: str) -> str:
    return f"{symbol} ({instrument})" if symbol else instrument


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        harmless(text),
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def at_documents(abouts: Sequence[About]) -> list[dict[str, object]]:
    """The whole answer, then each instrument's. The whole of several bots has one for each."""
    each = [_documents(about) for about in abouts]
    whole: dict[str, object] = (
        each[0][0] if len(each) == 1 else {"bots": [documents[0] for documents in each]}
    )
    return [whole, *(one for documents in each for one in documents[1:])]


def _documents(about: About) -> list[dict[str, object]]:
    found = about.found
    cycle = found.cycle
    where: dict[str, object] = {
        **_bot(about.bot),
        "at": about.at or None,
        "slot": None if found.slot is None else stamp(found.slot),
        "run_id": cycle.run.run_id if cycle else None,
        "cycle_id": (cycle.run.cycle_id or None) if cycle else None,
        "started": cycle.run.started if cycle else None,
        "exit_code": cycle.run.exit_code if cycle else None,
        "stopped": (cycle.run.stopped or None) if cycle else None,
        "stopped_with": cycle.run.stopped_with if cycle else None,
        "run_before": found.before.run.run_id if found.before and not cycle else None,
        "run_after": found.after.run.run_id if found.after and not cycle else None,
        "other_runs": [other.run.run_id for other in found.others],
        "remark": about.remark or None,
    }
    lines = about.lines or ((),) * len(about.answers)
    answers = [
        _facts(one) | {"chain": _chain(its, cycle)}
        for one, its in zip(about.answers, lines, strict=True)
    ]
    whole: dict[str, object] = {**where, "watched": list(about.watched), "answers": answers}
    return [whole, *({**where, **one} for one in answers)]


def _bot(bot: Bot | None) -> dict[str, object]:
    return {name: value or None for name, value in (bot or Bot("", "", ""))._asdict().items()}


def _facts(one: Answer) -> dict[str, object]:
    facts: dict[str, object] = dataclasses.asdict(one)
    return {**facts, "result": one.result.value, "because": list(one.because)}


def _chain(lines: Sequence[Entry], cycle: Cycle | None) -> list[dict[str, str]]:
    run_id = cycle.run.run_id if cycle else ""
    return [{"time": time, "what": what} for time, what in steps(lines, run_id)]


# -- a span ----------------------------------------------------------------------------------


def table_text(desk: Desk, found: Sequence[Tally], cycles: int) -> Iterator[str]:
    """A table for each instrument, and the cycles in which it traded."""
    several = len({tally.bot for tally in found}) > 1
    for place, tally in enumerate(found):
        if place:
            yield ""
        name = _name(tally.symbol, tally.instrument)
        number = tally.cycles if several else cycles
        count = f"{number} cycle{'s' * (number != 1)}, {len(tally.traded)} traded"
        name = f"{name}, {tally.bot.name}" if several else name
        yield desk.paint(harmless(name), "bold") + f": {count}"
        rows = [
            (
                str(row.count), row.result.value.replace("_", " "), harmless(row.reason),
                desk.shown_time(row.first), desk.shown_time(row.last), row.meaning,
            )
            for row in tally.in_order
        ]  # fmt: skip
        yield from (f"  {line}" for line in table(_HEAD, rows))
        hidden = len(tally.traded) - _MOST_TRADED
        if hidden > 0:
            yield f"  traded {hidden} times before these (--output json has them all):"
        for begun, one in tally.traded[-_MOST_TRADED:]:
            how = ", ".join(filter(None, (one.reason, one.ended_as)))
            yield f"  traded {desk.shown_time(begun)}  {harmless(f'{how}  {one.order}')}"


def table_documents(
    found: Sequence[Tally], cycles: int, since: str, until: str
) -> list[dict[str, object]]:
    """The whole, then a document for each instrument and reason."""
    rows: list[dict[str, object]] = []
    for tally in found:
        who = {**_bot(tally.bot), "instrument": tally.instrument, "symbol": tally.symbol}
        for row in tally.in_order:
            facts = dataclasses.asdict(row) | {"result": row.result.value}
            rows.append({**who, **facts})
    traded = [
        {**_bot(tally.bot), "instrument": tally.instrument, "started": begun, "order": one.order,
         "reason": one.reason, "ended_as": one.ended_as}
        for tally in found for begun, one in tally.traded
    ]  # fmt: skip
    span: dict[str, object] = {"since": since, "until": until or None, "cycles": cycles}
    return [{**span, "rows": rows, "traded": traded}, *rows]
