"""What can be wrong with a timer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tradebot.deploy.coverage import Hours, covering_hours
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.environment import environment
from tradebot.deploy.systemd.installed import Pair
from tradebot.deploy.systemd.parsed import Unit
from tradebot.deploy.systemd.rules_command import option_value
from tradebot.deploy.systemd.units import seconds
from tradebot.deploy.systemd.version import DEFER_REACTIVATION
from tradebot.deploy.systemd.wakeups import calendar, wakeups
from tradebot.scheduling.slots import first_slot_after
from tradebot.settings import parsing as kinds

NOT_CALENDAR = Rule(
    "timer-not-calendar",
    Severity.ERROR,
    "The starts drift against the slots: some slots get two starts, some none.",
    "write the cadence as OnCalendar= in UTC, as `tradebot schedule render systemd` does",
)
BAD_CALENDAR = Rule(
    "timer-calendar-unreadable",
    Severity.ERROR,
    "systemd ignores the line: its starts never happen.",
    "correct it; `systemd-analyze calendar 'TEXT'` says what systemd makes of it",
)
NOT_UTC = Rule(
    "timer-not-utc",
    Severity.ERROR,
    "Each autumn, when the clock goes back, there are no runs for an hour; in spring, runs in the "
    "hour that is left out are lost.",
    "end the line in ` UTC`; the trading window belongs into the settings (TIMEZONE)",
)
MISSES_SLOTS = Rule(
    "timer-misses-slots",
    Severity.ERROR,
    "Slots in which the bot should trade pass without a run.",
    "install the schedule anew: its cadence comes from SCHEDULE_CADENCE",
)
EXTRA_WAKEUPS = Rule(
    "timer-extra-wakeups",
    Severity.NOTE,
    "Some starts find their slot taken: they end at once and leave a line each.",
    "install the schedule anew: its cadence comes from SCHEDULE_CADENCE",
)
PERSISTENT = Rule(
    "timer-persistent",
    Severity.WARNING,
    "After a pause of the machine systemd makes up for a missed start at once, at a time that is "
    "no slot's beginning.",
    "set Persistent=false",
)
ACCURACY = Rule(
    "timer-accuracy",
    Severity.WARNING,
    "systemd starts runs up to that much late (one minute if it is not set), as it likes.",
    "set AccuracySec=1s",
)
JITTER_LATE = Rule(
    "timer-jitter-late",
    Severity.WARNING,
    "A second try after a failure, or even a first run, is too late for its slot and is skipped.",
    "less RandomizedDelaySec= or RestartSec=, or a larger SCHEDULE_MAX_LATENESS",
)
JITTER_TWICE = Rule(
    "timer-jitter-twice",
    Severity.WARNING,
    "Runs wait twice before they start: in the timer and in the bot.",
    "leave it to the timer: put --jitter-seconds-max=0 on the command line of ExecStart=",
)
DEFER_UNKNOWN = Rule(
    "timer-defer-unknown",
    Severity.WARNING,
    "systemd ignores the option: after a run that took longer than the cadence the next one still "
    "starts at once, in the middle of a slot.",
    f"take it out; systemd knows it from version {DEFER_REACTIVATION} on",
)
OTHER_SERVICE = Rule(
    "timer-other-service",
    Severity.ERROR,
    "The timer starts something else: no run begins, or one that is not judged here.",
    "set Unit= to the service of the same name, or take it out",
)
ENDS = Rule(
    "timer-ends",
    Severity.ERROR,
    "After its last start nothing runs any more, and the timer still counts as loaded.",
    "write `*-*-*` for the date in OnCalendar=",
)
RULES = (
    NOT_CALENDAR, BAD_CALENDAR, NOT_UTC, MISSES_SLOTS, EXTRA_WAKEUPS, PERSISTENT, ACCURACY,
    JITTER_LATE, JITTER_TWICE, DEFER_UNKNOWN, OTHER_SERVICE,
    ENDS,
)  # fmt: skip

_MONOTONIC = ("OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec")
_IN_UTC = re.compile(
    r"\s(?:Etc/)?(?:UTC|UCT|GMT|GMT[+-]?0|Greenwich|Universal|Zulu)$", re.IGNORECASE
)
"""All names of the zone that never changes its clocks and is never ahead."""
_LONGEST_ACCURACY = 5.0
_MOST_SLOTS = 5000
"""Of which each is looked for: at a cadence of a minute, three days and a half."""
_FOR_GOOD = timedelta(days=3653)
_LATER = (91, 182, 273)
"""Days from now, at which some more slots are looked for: a calendar may know seasons."""
_FEW_SLOTS = 100


def timer_findings(pair: Pair, version: int, now: datetime) -> Iterator[Finding]:
    """What holds for any timer, that of the keepalive too."""
    timer = pair.timer
    yield from _calendar(timer)
    starts = timer.text("Timer", "Unit")
    if starts not in (None, pair.service.name):
        yield OTHER_SERVICE.found(f"{timer.name}: Unit={starts}")
    lines = calendar(timer)
    if next(wakeups(timer, now), None) and not next(wakeups(timer, now + _FOR_GOOD), None):
        yield ENDS.found(f"{timer.name}: OnCalendar={', '.join(lines)}")
    if timer.is_true("Timer", "Persistent"):
        yield PERSISTENT.found(f"{timer.name}: Persistent=true")
    accuracy = timer.span("Timer", "AccuracySec")
    if accuracy is None or accuracy > _LONGEST_ACCURACY:
        said = timer.last("Timer", "AccuracySec")
        yield ACCURACY.found(
            f"{timer.name}: AccuracySec={said}" if said else f"{timer.name}: no AccuracySec="
        )
    if timer.last("Timer", "DeferReactivation") and version < DEFER_REACTIVATION:
        yield DEFER_UNKNOWN.found(f"{timer.name}: DeferReactivation=, but systemd is {version}")


def slot_findings(schedule: Schedule, pair: Pair, now: datetime) -> Iterator[Finding]:
    """Does the timer start a run in time in each slot that may trade, and only one?"""
    timer = pair.timer
    if list(_calendar(timer)) or not calendar(timer):
        return
    hours = covering_hours(schedule.hours, now)
    expected = _slots(schedule, now, hours, _MOST_SLOTS)
    first, count = _first_starts(schedule, timer, expected)
    missed = _missed(schedule, expected, first)
    if missed:
        yield MISSES_SLOTS.found(
            f"{timer.name}: {len(missed)} of the next {len(expected)} slots in which trading is "
            f"possible get no start in time, the first of them {missed[0]:%Y-%m-%dT%H:%M:%SZ}"
        )
    else:
        yield from _later(schedule, timer, now, hours)
    if count > len(first):
        yield EXTRA_WAKEUPS.found(
            f"{timer.name}: {count} starts for {len(first)} slots of {seconds(schedule.cadence)}"
        )


def _later(
    schedule: Schedule, timer: Unit, now: datetime, hours: Hours | None
) -> Iterator[Finding]:
    """What is well this week may end with the month."""
    for days in _LATER:
        expected = _slots(schedule, now + timedelta(days=days), hours, _FEW_SLOTS)
        missed = _missed(schedule, expected, _first_starts(schedule, timer, expected)[0])
        if missed:
            yield MISSES_SLOTS.found(
                f"{timer.name}: {len(missed)} of {len(expected)} slots in which trading is "
                f"possible get no start in time from {missed[0]:%Y-%m-%dT%H:%M:%SZ} on"
            )
            return


def _first_starts(
    schedule: Schedule, timer: Unit, expected: list[datetime]
) -> tuple[dict[datetime, datetime], int]:
    """The first start in each slot from the first to the last of `expected`, and how many starts
    there are in all."""
    first: dict[datetime, datetime] = {}
    count = 0
    if not expected:
        return first, count
    step = timedelta(seconds=schedule.cadence)
    for moment in wakeups(timer, expected[0]):
        if moment >= expected[-1] + step:
            break
        slot = first_slot_after(moment - step, schedule.cadence, schedule.offset)
        first.setdefault(slot, moment)
        count += 1
    return first, count


def _missed(
    schedule: Schedule, expected: list[datetime], first: dict[datetime, datetime]
) -> list[datetime]:
    late = timedelta(seconds=schedule.max_lateness)
    return [slot for slot in expected if slot not in first or first[slot] - slot > late]


def jitter_findings(schedule: Schedule, pair: Pair) -> Iterator[Finding]:
    """One jitter only, and small enough."""
    timer, service = pair.timer, pair.service
    spread = timer.span("Timer", "RandomizedDelaySec") or 0.0
    bots = _bots_jitter(schedule, service)
    if spread and bots:
        yield JITTER_TWICE.found(
            f"{timer.name}: RandomizedDelaySec={seconds(spread)}, and the bot itself waits up to "
            f"{seconds(bots)}"
        )
    again = 0.0
    if service.last("Service", "Restart") not in (None, "no"):
        again = service.span("Service", "RestartSec") or 0.1
    if spread + bots + again > schedule.max_lateness:
        yield JITTER_LATE.found(
            f"{timer.name}: up to {seconds(spread + bots)} of jitter, and {seconds(again)} before "
            f"a second try, but a run may start {seconds(schedule.max_lateness)} late at most"
        )


def _bots_jitter(schedule: Schedule, service: Unit) -> float:
    """What ExecStart tells the bot; without the option, its setting decides."""
    said = option_value(service.command(), "--jitter-seconds-max")
    if said is not None:
        try:
            return float(said)
        except ValueError:
            return 0.0
    text = environment(schedule, service).get("SCHEDULER_JITTER_SECONDS", "").strip()
    try:
        return kinds.duration(0, 3600).parse(text) if text else 0.0
    except ValueError:
        return 0.0


def _calendar(timer: Unit) -> Iterator[Finding]:
    monotonic = [option for option in _MONOTONIC if timer.last("Timer", option)]
    if monotonic:
        yield NOT_CALENDAR.found(f"{timer.name}: {monotonic[0]}= counts from an event")
    lines = calendar(timer)
    if not lines and not monotonic:
        yield NOT_CALENDAR.found(f"{timer.name}: no OnCalendar=")
    for line in lines:
        if next(wakeups(timer, datetime.now(UTC), [line]), None) is None:
            yield BAD_CALENDAR.found(f"{timer.name}: OnCalendar={line}")
        elif not _IN_UTC.search(line):
            yield NOT_UTC.found(f"{timer.name}: OnCalendar={line}")


def _slots(schedule: Schedule, since: datetime, hours: Hours | None, most: int) -> list[datetime]:
    """The slots of the eight days from `since` on that begin while the window may be open."""
    step = timedelta(seconds=schedule.cadence)
    slot = first_slot_after(since, schedule.cadence, schedule.offset)
    found: list[datetime] = []
    end = since + timedelta(days=8)
    while slot < end and len(found) < most:
        if hours is None or slot.hour in hours.get(slot.weekday(), ()):
            found.append(slot)
        slot += step
    return found
