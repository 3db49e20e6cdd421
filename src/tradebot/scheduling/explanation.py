"""What decides about a run that starts at one moment, point by point, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from tradebot.journal import RunOutcome, RunRow
from tradebot.scheduling.deadline import SHARE_OF_CADENCE
from tradebot.scheduling.hours import Run, decide, open_intervals
from tradebot.scheduling.local_time import ClockChange, clock_changes, day_of
from tradebot.scheduling.preview import Timetable, Verdict, judge
from tradebot.scheduling.slots import first_slot_after, is_late, lateness
from tradebot.scheduling.windows import Interval, Week
from tradebot.vocabulary.reasons import SkipReason

_NEAR = timedelta(hours=18)
"""Clocks that change so near belong to the same night."""
_OPEN_END = timedelta(days=8)
_FINISHED = (RunOutcome.RAN, RunOutcome.SKIPPED)
_MEANINGS = {word.value: word.meaning for word in SkipReason}


class Point(NamedTuple):
    """One thing that decides."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of the run of the slot that `moment` lies in, by every gate that is known."""

    moment: datetime
    slot: datetime
    verdict: Verdict
    """Of a run that starts on time."""
    past: bool
    """Is the slot over, or its run?"""
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is asked about, and what is known. Durations are in seconds."""

    timetable: Timetable
    now: datetime
    machine_zone: tzinfo
    max_lateness: float
    deadline: float | None
    """CYCLE_DEADLINE_SECONDS."""
    rows: Sequence[RunRow] = ()
    """What the journal has of the slot."""


def explain(moment: datetime, known: Circumstances) -> Explanation:
    """`moment` is aware. Of the past, what is so only now (a pause) is left out."""
    moment = moment.astimezone(UTC)
    slot = known.timetable.slot_of(moment)
    done = any(row.outcome in _FINISHED and row.slot == slot for row in known.rows)
    past = done or slot + timedelta(seconds=known.timetable.cadence) <= known.now
    if past:
        known = replace(known, timetable=replace(known.timetable, pause=None))
    timetable = known.timetable
    gate = slot + timedelta(seconds=timetable.spread(slot)[0])
    points = (
        _slot_point(moment, slot, known),
        _jitter_point(gate, slot, timetable),
        *_pause_points(timetable),
        _hours_point(gate, known),
        *_clock_points(gate, known),
        _deadline_point(slot, known),
        *(() if past else (_others_point(known),)),
        *_journal_points(slot, known),
    )
    verdict, _ = judge(timetable, gate)
    return Explanation(moment, slot, verdict, past, points)


# Slot, lateness, jitter.


def _slot_point(moment: datetime, slot: datetime, known: Circumstances) -> Point:
    timetable = known.timetable
    after = first_slot_after(moment, timetable.cadence, timetable.offset)
    text = f"{_utc(slot)} to {_utc(after)} (SCHEDULE_CADENCE {timetable.cadence:g} s, in UTC)"
    if moment == slot:
        return Point("slot", text)
    late = lateness(moment, slot)
    text += f". A start only at {_utc(moment)} comes {late:.0f} s into it"
    if not is_late(moment, slot, known.max_lateness):
        return Point("slot", f"{text}: accepted (up to {known.max_lateness:g} s)")
    text += f", later than SCHEDULE_MAX_LATENESS ({known.max_lateness:g} s) allows: skipped with "
    text += f"cycle_skip_slot reason=late, and the next slot is at {_utc(after)}"
    return Point("slot", text)


def _jitter_point(gate: datetime, slot: datetime, timetable: Timetable) -> Point:
    low, high = timetable.spread(slot)
    if low == high:
        what = f"this host waits {low:g} s in this slot before it takes the lock" if low else "none"
    else:
        what = f"the scheduler delays the start by up to {high:g} s; none is reckoned with here"
    return Point("jitter", f"{what}; so the gates are reached soon after {_utc(gate)}")


# Reasons not to trade.


def _pause_points(timetable: Timetable) -> Iterator[Point]:
    pause = timetable.pause
    if pause is not None:
        until = "until `tradebot resume`" if pause.until is None else f"until {_utc(pause.until)}"
        yield Point("paused", f"{until} ({pause.reason}); nothing new is sent in this time")


def _hours_point(gate: datetime, known: Circumstances) -> Point:
    hours = known.timetable.hours
    if hours.mode == "fixed":
        text = _fixed(gate, known)
    elif hours.mode == "instrument":
        text = _by_instrument(gate, known.timetable)
    else:
        text = "run: TRADING_HOURS_MODE=always has no window"
    return Point("trading hours", text)


def _answer(gate: datetime, timetable: Timetable) -> str:
    """The verdict of the trading hours alone, in words."""
    answer = decide(gate, timetable.hours, timetable.sessions)
    if isinstance(answer, Run):
        open_now = next(
            (end for begin, end in open_intervals(
                gate, gate + _OPEN_END, timetable.hours, timetable.sessions) if begin <= gate),
            None,
        )  # fmt: skip
        closed = "".join(f"; {instrument} is left out ({reason.value})"
                         for instrument, reason in answer.closed.items())  # fmt: skip
        return f"run: open until {_utc(open_now)}{closed}" if open_now else f"run{closed}"
    told = _MEANINGS[answer.reason.value]
    opening = "not known" if answer.next_open is None else _utc(answer.next_open)
    return f"skip with reason={answer.reason.value}: {told} Next opening: {opening}"


def _fixed(gate: datetime, known: Circumstances) -> str:
    week = known.timetable.hours.week()
    window = week.around(gate) or week.planned(day_of(gate, week.zone))
    if window is None:
        plan = f"no window opens on {gate.astimezone(week.zone):%A, %Y-%m-%d} in {week.zone}"
    else:
        shown = _shown_in_zones(window, (week.zone, UTC, known.machine_zone))
        plan = f"the window of that day is {shown}"
    named = _holiday(gate, week, known.timetable.hours.holidays)
    return f"{_answer(gate, known.timetable)}. In the plan, {plan}{named}"


def _shown_in_zones(window: Interval, zones: Sequence[tzinfo]) -> str:
    """In each zone that shows another time than those before it."""
    found: dict[tuple[datetime, ...], str] = {}
    for zone in zones:
        readings = tuple(moment.astimezone(zone).replace(tzinfo=None) for moment in window)
        found.setdefault(readings, _window(window, zone))
    return "; ".join(found.values())


def _window(window: Interval, zone: tzinfo) -> str:
    begin, end = (moment.astimezone(zone) for moment in window)
    last = f"{end:%H:%M}" if end.date() == begin.date() else f"{end:%a %H:%M}"
    return f"{begin:%a %H:%M} to {last} {zone}"


def _holiday(gate: datetime, week: Week, code: str | None) -> str:
    if week.calendar is None:
        return ""
    day = day_of(gate, week.calendar.zone)
    closing, name = week.calendar.closes(day), week.calendar.name(day)
    if closing is None:
        return f"; {day} is a full day in {code}"
    when = "closed all day" if closing == time(0) else f"closes at {closing:%H:%M}"
    return f"; {day} is “{name}” in {code}: {when} ({week.calendar.zone})"


def _by_instrument(gate: datetime, timetable: Timetable) -> str:
    text = _answer(gate, timetable)
    until = timetable.sessions_until
    if until is None:
        return f"{text}. No sessions are known here: a run asks the broker for them"
    if gate >= until:
        return f"{text}. The known sessions end at {_utc(until)}: a run asks the broker anew"
    return f"{text}. The known sessions reach to {_utc(until)}"


# Clocks.


def _clock_points(gate: datetime, known: Circumstances) -> Iterator[Point]:
    hours = known.timetable.hours
    zones = {str(known.machine_zone): known.machine_zone}
    if hours.mode == "fixed":
        zone = hours.week().zone
        zones[str(zone)] = zone
    for name, one in zones.items():
        for change in clock_changes(one, gate - _NEAR, gate + _NEAR):
            yield Point("clocks", f"they change that night: {describe_change(name, change)}. Slots "
                        "are counted in UTC and stay; the window follows TIMEZONE")  # fmt: skip


def describe_change(name: str, change: ClockChange) -> str:
    """`Europe/London 02:00 -> 01:00 at 2026-10-25T01:00:00Z, an hour comes twice`."""
    minutes = abs(int(change.jump / timedelta(minutes=1)))
    length = "an hour" if minutes == 60 else f"{minutes} minutes"
    if change.jump < timedelta(0):
        what = f"{length} come{'s' if minutes == 60 else ''} twice"
    else:
        what = f"{length} {'is' if minutes == 60 else 'are'} left out"
    return f"{name} {change.before:%H:%M} -> {change.after:%H:%M} at {_utc(change.at)}, {what}"


# The run itself.


def _deadline_point(slot: datetime, known: Circumstances) -> Point:
    if known.deadline is not None:
        end = slot + timedelta(seconds=known.deadline)
        how = f"CYCLE_DEADLINE_SECONDS ({known.deadline:g} s) after a start on time"
    else:
        end = slot + timedelta(seconds=known.timetable.cadence * SHARE_OF_CADENCE)
        how = f"{SHARE_OF_CADENCE:.0%} of the cadence after the slot's beginning"
    return Point("deadline", f"{_utc(end)}, {how}: no new order after it (exit code 124)")


def _others_point(known: Circumstances) -> Point:
    """What nobody can know in advance."""
    text = "another run that was first in the slot (cycle_skip_slot reason=taken); a lock that is "
    text += "held (exit code 75, see `tradebot schedule lock`)"
    if known.timetable.pause is None:
        text += "; a pause (`tradebot pause`)"
    return Point("what else", text)


def _journal_points(slot: datetime, known: Circumstances) -> Iterator[Point]:
    for row in known.rows:
        end = "not ended"
        if row.ended_at is not None:
            end = f"{row.outcome} at {_utc(row.ended_at)}, reached the step {row.phase}"
            end += f", reason={row.reason}" if row.reason else ""
            end += f", exit code {row.exit_code}" if row.exit_code is not None else ""
        start = "started" if row.slot == slot else "by hand or before it knew its slot, started"
        yield Point("journal", f"run {row.run_id} {start} at {_utc(row.started_at)}: {end}")
    if not known.rows and slot <= known.now:
        over = slot + timedelta(seconds=known.timetable.cadence) <= known.now
        yield Point("journal", f"no run of this slot is recorded{'' if over else ' yet'}")


def _utc(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    part = f".{moment.microsecond // 1000:03d}" if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{part}Z"
