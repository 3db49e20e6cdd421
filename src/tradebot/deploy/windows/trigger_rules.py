"""What is wrong with when a task starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.windows.durations import seconds_of
from tradebot.deploy.windows.parsed import Task, Trigger, is_true
from tradebot.deploy.windows.wakeups import wakeups
from tradebot.scheduling.hours import open_intervals
from tradebot.scheduling.slots import lateness, slot_start

NOT_UTC = Rule(
    "task-start-not-utc",
    Severity.ERROR,
    "Without Z the times move with summer time: in spring an hour of runs is lost, and a window "
    "given in UTC is missed by an hour for half the year.",
    "write StartBoundary in UTC with a Z at its end; in the window: tick `Synchronize across time "
    "zones`",
)
SLOTS_MISSED = Rule(
    "task-slots-missed",
    Severity.ERROR,
    "Nothing starts the bot in these slots: no run, no trade, and `schedule missed` lists them.",
    "repeat every SCHEDULE_CADENCE from a slot's beginning, without Duration, or install the "
    "rendered task",
)
MORE_STARTS = Rule(
    "task-more-starts",
    Severity.WARNING,
    "The bot is started more often than it has slots: such a start finds the slot taken and ends, "
    "or stands in for a missed one late.",
    "repeat every SCHEDULE_CADENCE, from a slot's beginning, and keep one trigger",
)
NO_TIME = Rule(
    "task-trigger-without-time",
    Severity.WARNING,
    "It starts the bot at a moment that is no slot's beginning: the slot is taken, or the run is "
    "late.",
    "remove the trigger: after a restart the next slot starts a run anyway",
)
OFF_GRID = Rule(
    "task-start-off-grid",
    Severity.WARNING,
    "Every run starts late in its slot; past SCHEDULE_MAX_LATENESS it is skipped.",
    "set StartBoundary to a slot's beginning, or SCHEDULE_OFFSET_SECONDS to where the task starts",
)
ENDS = Rule(
    "task-ends",
    Severity.ERROR,
    "From this day on nothing starts any more, without any error.",
    "remove EndBoundary; in the window: untick `Expire`",
)
REPETITION_ENDS = Rule(
    "task-repetition-ends",
    Severity.ERROR,
    "A trigger for one day fires once: when the duration is over nothing starts any more.",
    "remove Duration (the repetition then has no end); in the window: `Indefinitely`",
)
RANDOM_DELAY = Rule(
    "task-random-delay",
    Severity.WARNING,
    "Windows waits at random, and then the bot does: the starts spread over the sum of both, and "
    "nobody can tell a late start from a wait.",
    "remove RandomDelay: the bot's own wait is the same for the same slot, and logged",
)
TRIGGER_OFF = Rule(
    "task-trigger-disabled",
    Severity.WARNING,
    "This trigger starts nothing.",
    "set its Enabled to true, or remove it",
)
STOPS_RUNS = Rule(
    "task-stops-at-duration-end",
    Severity.WARNING,
    "A run that is under way when the duration ends is killed, perhaps with an order on its way; "
    "the next run then has to find out what became of it.",
    "set StopAtDurationEnd to false",
)
TRIGGER_LIMIT = Rule(
    "task-trigger-time-limit",
    Severity.WARNING,
    "Runs that this trigger starts are killed before the bot's own deadline and watchdog act.",
    "remove the trigger's ExecutionTimeLimit; the one in Settings is enough",
)
RULES = (
    *(NOT_UTC, SLOTS_MISSED, MORE_STARTS, OFF_GRID, ENDS, REPETITION_ENDS, RANDOM_DELAY),
    *(TRIGGER_OFF, STOPS_RUNS, TRIGGER_LIMIT, NO_TIME),
)
_LOOKED_AT = timedelta(days=8)
_HOUR = timedelta(hours=1)


def check_triggers(task: Task, schedule: Schedule, now: datetime) -> Iterator[Finding]:
    for trigger in task.triggers:
        yield from _check_times(trigger)
        yield from _check_extras(trigger, schedule)
    if is_true(task.setting("Enabled")):  # else there is a finding of its own
        yield from _check_slots(task, schedule, now)


def _check_times(trigger: Trigger) -> Iterator[Finding]:
    start = trigger.start
    if trigger.kind not in ("TimeTrigger", "CalendarTrigger"):
        yield NO_TIME.found(f"Triggers: {trigger.kind}")
    if not trigger.enabled:
        yield TRIGGER_OFF.found(f"{trigger.kind}: Enabled is false")
    if start is not None and start.tzinfo is None:
        yield NOT_UTC.found(f"{trigger.kind}: StartBoundary {trigger.text('StartBoundary')}")
    if trigger.text("EndBoundary") is not None:
        yield ENDS.found(f"{trigger.kind}: EndBoundary {trigger.text('EndBoundary')}")
    if trigger.kind == "TimeTrigger" and trigger.duration is not None:
        yield REPETITION_ENDS.found(
            f"{trigger.kind}: Duration {trigger.text('Repetition/Duration')}"
        )


def _check_extras(trigger: Trigger, schedule: Schedule) -> Iterator[Finding]:
    delay = trigger.text("RandomDelay")
    if delay is not None and seconds_of(delay) and schedule.jitter:
        yield RANDOM_DELAY.found(
            f"{trigger.kind}: RandomDelay {delay}, and the bot waits up to {schedule.jitter:g} s"
        )
    if is_true(trigger.text("Repetition/StopAtDurationEnd") or "false") and trigger.duration:
        yield STOPS_RUNS.found(f"{trigger.kind}: StopAtDurationEnd is true")
    limit = trigger.text("ExecutionTimeLimit")
    if limit is not None and 0 < (seconds_of(limit) or 0) < schedule.kill_after:
        yield TRIGGER_LIMIT.found(
            f"{trigger.kind}: ExecutionTimeLimit {limit} is below {schedule.kill_after:g} s"
        )


def _check_slots(task: Task, schedule: Schedule, now: datetime) -> Iterator[Finding]:
    """A week of slots against a week of starts."""
    since = slot_start(now.astimezone(UTC), schedule.cadence, schedule.offset)
    until = since + _LOOKED_AT
    # One that is only perhaps started does not count.
    starts = list(
        takewhile(lambda moment: moment < until + _HOUR, wakeups(task, since, certain=True))
    )
    late_by: dict[datetime, float] = {}
    for start in starts:
        slot = slot_start(start, schedule.cadence, schedule.offset)
        late_by.setdefault(slot, lateness(start, slot))
    wanted = list(_slots(schedule, since, until))
    in_time = [s for s in wanted if late_by.get(s, schedule.cadence) <= schedule.max_lateness]
    missed = sorted(set(wanted) - set(in_time))
    if missed:
        yield SLOTS_MISSED.found(
            f"{len(missed)} of the {len(wanted)} slots in the {_LOOKED_AT.days} days from "
            f"{since:%Y-%m-%d} on: nothing starts at {', '.join(map(_short, missed[:3]))} …"
        )
    # What no scheduler can express, a part of a second, is no lateness.
    worst = max((late_by[slot] for slot in in_time), default=0.0)
    if worst >= 1:
        yield OFF_GRID.found(f"starts lie up to {worst:g} s behind their slot's beginning")
    if len(starts) > len(late_by):
        yield MORE_STARTS.found(f"{len(starts)} starts in {len(late_by)} slots")


def _slots(schedule: Schedule, since: datetime, until: datetime) -> Iterator[datetime]:
    """The beginnings of the slots for which there must be a start."""
    step = timedelta(seconds=schedule.cadence)
    for begin, end in (
        open_intervals(since, until, schedule.hours) if _narrow(schedule) else ((since, until),)
    ):
        first = slot_start(begin, schedule.cadence, schedule.offset)
        slot = first if first == begin else first + step
        while slot < end:
            yield slot
            slot += step


def _narrow(schedule: Schedule) -> bool:
    """Outside of a fixed window nothing is lost when nothing starts."""
    return schedule.hours.mode == "fixed"


def _short(moment: datetime) -> str:
    return f"{moment:%a %H:%M:%SZ}"
