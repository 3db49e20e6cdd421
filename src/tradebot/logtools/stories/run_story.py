"""What the log tells of each cycle of each run: when, how long, how it ended, and why.

Most runs have one cycle. A loop has one story per cycle, all with the same `run_id`. Commands of a
person write to the log too, under a `run_id` of their own: they are no cycles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tradebot import errors
from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.times import moment_of, seconds_between, stamp
from tradebot.vocabulary.words import Word

NEEDLES = (
    b" | startup_", b" | cycle_", b" | run_stopped | ", b" | run_killed_found | ",
    b" | schedule_", b" | execution_intent_created | ", b" | trading_", b" | execution_order_",
    b" | marketdata_fetch_failure | ", b" | auth_mode_selected | ", b" | execution_resolved_",
    b" | execution_position_", b" | orders_check_result | ", b" | ERROR | ", b" | FATAL | ",
)  # fmt: skip
"""A line with none of these says nothing about how a run went."""

RECENT_SECONDS = 900.0
"""A run without an end may still be going when its last line is younger."""

_LONGEST_SECONDS = 366 * 86400.0

COUNTERS = (
    "instruments", "signals", "buy", "sell", "hold", "skip", "already_decided", "intents", "placed",
    "rejected", "skipped", "unresolved", "http_calls",
)  # fmt: skip
"""What `cycle_end` counts."""

_BY_HAND = (
    "trading_paused", "trading_resumed", "execution_resolved_by_hand",
    "execution_position_accepted", "orders_check_result",
)  # fmt: skip
_EXIT_BUSY, _EXIT_SOFTWARE, _EXIT_CONFIG = 75, 70, 78
_RAN = (0, 3)
_EXIT_CODES = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): int(error.exit_code)
    for name, error in vars(errors).items()
    if isinstance(error, type) and issubclass(error, errors.TradebotError)
}
"""By `failure_reason`, which is the error's name."""
_BY_EXIT_CODE = {
    code: reason
    for reason, code in _EXIT_CODES.items()
    if list(_EXIT_CODES.values()).count(code) == 1
}
"""The other way round, where only one error has the code."""


class RunOutcome(Word):
    """How a cycle came to its end."""

    RAN = "ran", "It went through all its steps.", "Nothing."
    SKIPPED = "skipped", "It ended on purpose before it looked at any instrument.", "See reason."
    BUSY = (
        "busy",
        "Another run held the lock.",
        "Once in a while: nothing. Often: a longer SCHEDULE_CADENCE; see what the holder did.",
    )
    FAILED = "failed", "An error ended it; reason and exit_code say which.", "See reason."
    KILLED = (
        "killed",
        "It ended without a word, and a later run found that out.",
        "Was the machine shut down, or out of memory? phase says how far it had come.",
    )
    RUNNING = "running", "Its lines are young, and it has not ended yet.", "Nothing: wait."
    NO_END = (
        "no_end",
        "Its lines end in the middle, and no later run says that it was killed.",
        "Look at its last lines. The next run says run_killed_found if it was killed.",
    )
    BY_HAND = "by_hand", "A command of a person; no cycle.", "Nothing."


@dataclass(slots=True)
class RunStory:
    """One cycle. Times are timestamps of the log; "" is for what is not in the lines."""

    run_id: str
    cycle_id: str = ""
    """The number it got with the lock."""
    slot: str = ""
    started: str = ""
    """Its first line, or the first line since the cycle before ended."""
    begun: str = ""
    """When it had the lock."""
    ended: str = ""
    last: str = ""
    last_event: str = ""
    lateness_seconds: float | None = None
    """From the slot's beginning to the start."""
    jitter_seconds: float | None = None
    duration_ms: int | None = None
    """As the run measured it; see `seconds`."""
    exit_code: int | None = None
    """Of the cycle; that of a loop's process is `stopped_with`."""
    stopped: str = ""
    """When the loop of cycles was ended from outside, behind this one."""
    stopped_with: int | None = None
    """The exit code of the process then."""
    skip_reason: str = ""
    failure_reason: str = ""
    phase: str = ""
    """At which step it failed or was killed."""
    message: str = ""
    """What the line that ended it says in words."""
    holder: str = ""
    """Who had the lock."""
    killed_found_by: str = ""
    """The run that found that this one had been killed."""
    busy: bool = False
    scheduled: bool = False
    loop: bool = False
    """Is it one of the cycles of a run that goes on until it is stopped?"""
    dry_run: str = ""
    env: str = ""
    strategy: str = ""
    version: str = ""
    host: str = ""
    instance: str = ""
    cadence: float | None = None
    counts: tuple[int, ...] = ()
    references: list[str] = field(default_factory=list)
    """Of the intents that it created."""
    errors: int = 0
    """Lines of level ERROR or FATAL."""
    command: str = ""
    """Of a person: the event that tells what was done."""
    is_run: bool = False
    """Is it a run of the bot, and not a command of a person?"""
    from_its_beginning: bool = False
    """Is its first line among those that were read?"""

    def outcome(self, now: str) -> RunOutcome:
        """How it ended, for a reader at the timestamp `now`."""
        if not self.is_run:
            return RunOutcome.BY_HAND
        if self.busy:
            return RunOutcome.BUSY
        if self.ended:
            if self.skip_reason:
                return RunOutcome.SKIPPED
            return RunOutcome.RAN if self.exit_code in _RAN else RunOutcome.FAILED
        if self.killed_found_by:
            return RunOutcome.KILLED
        recent = 0.0 <= seconds_between(self.last, now) < RECENT_SECONDS
        return RunOutcome.RUNNING if recent else RunOutcome.NO_END

    @property
    def reason(self) -> str:
        """The code word that says why it did not run through; "" where there is none."""
        if not self.is_run:
            return self.command
        if self.busy:
            return "busy"
        return self.skip_reason or self.failure_reason

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.duration_ms is not None:
            return self.duration_ms / 1000
        return seconds_between(self.started, self.ended) if self.started and self.ended else None

    @property
    def counters(self) -> dict[str, int]:
        """What `cycle_end` counted; {} without that line."""
        return dict(zip(COUNTERS, self.counts, strict=True)) if self.counts else {}

    # -- feeding --------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Take in the next line of this cycle."""
        event = entry.event
        if not self.started:
            self.started = entry.time
            single = entry.get("single_cycle") == "true"
            self.loop = entry.get("single_cycle") == "false"
            self.from_its_beginning = event == "startup_begin" or not single
        self.last, self.last_event = entry.time, event
        self.errors += entry.line.level in ("ERROR", "FATAL")
        if self.cycle_id in ("", "-"):
            self.cycle_id = entry.get("cycle_id").replace("-", "")
        for name in ("slot", "env", "strategy", "dry_run"):
            if not getattr(self, name) and entry.get(name) != "-":
                setattr(self, name, entry.get(name))
        if event.startswith(("startup_", "cycle_", "schedule_")):
            self.is_run = True
        taken_in = _BY_EVENT.get(event) or (_skipped if event.startswith("cycle_skip_") else None)
        if taken_in is not None:
            taken_in(self, entry)
        elif event in _BY_HAND or (not self.command and event == "auth_mode_selected"):
            self.command = event


def _startup(run: RunStory, entry: Entry) -> None:
    run.scheduled = "--scheduled" in entry.get("argv").split()


def _configured(run: RunStory, entry: Entry) -> None:
    run.version, run.host = entry.get("version"), entry.get("host")
    run.instance, run.cadence = entry.get("instance"), _number(entry.get("cadence"))


def _ends_early(run: RunStory, entry: Entry) -> None:
    """Before the cycle began."""
    invalid = entry.event == "startup_config_invalid"
    run.exit_code = _EXIT_CONFIG if invalid else _whole(entry.get("exit_code"))
    run.failure_reason = _BY_EXIT_CODE.get(run.exit_code or 0, entry.event)
    run.phase, run.message, run.ended = "startup", entry.get("msg"), entry.time


def _jitter(run: RunStory, entry: Entry) -> None:
    run.jitter_seconds = _number(entry.get("delay_seconds"))


def _begun(run: RunStory, entry: Entry) -> None:
    run.begun = entry.time
    run.lateness_seconds = _number(entry.get("lateness_seconds"))
    run.scheduled = run.scheduled or bool(run.slot)


def _skipped(run: RunStory, entry: Entry) -> None:
    run.skip_reason = entry.get("reason")


def _overlap(run: RunStory, entry: Entry) -> None:
    run.busy, run.exit_code, run.ended = True, _EXIT_BUSY, entry.time
    run.holder, run.message = entry.get("holder"), entry.get("msg")


def _failed(run: RunStory, entry: Entry) -> None:
    run.failure_reason = entry.get("failure_reason")
    run.phase, run.message = entry.get("phase"), entry.get("msg")
    if not run.begun:
        run.ended = entry.time  # without the lock there is no cycle_end
        run.exit_code = _EXIT_CODES.get(run.failure_reason)


def _no_prices(run: RunStory, entry: Entry) -> None:
    run.failure_reason = run.failure_reason or entry.get("failure_reason")


def _exception(run: RunStory, entry: Entry) -> None:
    if entry.line.component == "app":  # the last resort: the run ends with it
        run.exit_code, run.ended = _EXIT_SOFTWARE, entry.time
    if entry.line.component in ("app", "orchestrator"):  # else the cycle goes on
        run.failure_reason, run.message = entry.event, entry.get("exc_msg")
        run.phase = entry.get("phase") or run.phase


def _ended(run: RunStory, entry: Entry) -> None:
    run.ended, run.exit_code = entry.time, _whole(entry.get("exit_code"))
    run.duration_ms = _whole(entry.get("duration_ms"))
    run.counts = tuple(_whole(entry.get(name)) or 0 for name in COUNTERS)


def _stopped(run: RunStory, entry: Entry) -> None:
    run.stopped, run.stopped_with = entry.time, _whole(entry.get("exit_code"))
    if not run.is_run:  # no line of its cycles is among those that were read
        run.command = entry.event
    elif not run.ended:
        run.ended, run.exit_code, run.failure_reason = entry.time, run.stopped_with, entry.event


def _intent(run: RunStory, entry: Entry) -> None:
    run.references.append(entry.get("external_reference"))


_BY_EVENT: dict[str, Callable[[RunStory, Entry], None]] = {
    "startup_begin": _startup,
    "startup_config_loaded": _configured,
    "startup_config_invalid": _ends_early,
    "startup_failed": _ends_early,
    "schedule_jitter": _jitter,
    "cycle_begin": _begun,
    "cycle_skip_overlap": _overlap,
    "cycle_failed": _failed,
    "marketdata_fetch_failure": _no_prices,
    "unexpected_exception": _exception,
    "cycle_end": _ended,
    "run_stopped": _stopped,
    "execution_intent_created": _intent,
}
_STAYS = (
    "scheduled", "loop", "dry_run", "env", "strategy", "version", "host", "instance", "cadence",
)  # fmt: skip
"""What one cycle of a loop has in common with the next."""


class RunStories:
    """Puts lines, in the order of the log, to their runs."""

    def __init__(self) -> None:
        self.stories: list[RunStory] = []
        """The first begun first."""
        self._latest: dict[str, RunStory] = {}

    def add(self, entry: Entry) -> None:
        """Take in the next line, whatever it is about. Those without a run_id are passed over."""
        run_id = entry.get("run_id")
        if run_id and run_id != "-":
            self._story_of(run_id, entry).add(entry)
        if entry.event == "run_killed_found":
            self._found_killed(entry)

    def _story_of(self, run_id: str, entry: Entry) -> RunStory:
        story = self._latest.get(run_id)
        if story is None:
            return self._new(run_id)
        cycle_id = entry.get("cycle_id", "-")
        if entry.event == "run_stopped" or not story.ended or cycle_id == (story.cycle_id or "-"):
            again = story.ended and entry.event == "cycle_skip_overlap" and not story.cycle_id
            if not again:
                return story
        following = self._new(run_id)
        for name in _STAYS:
            setattr(following, name, getattr(story, name))
        following.is_run = True
        return following

    def _new(self, run_id: str) -> RunStory:
        story = self._latest[run_id] = RunStory(run_id)
        self.stories.append(story)
        return story

    def _found_killed(self, entry: Entry) -> None:
        killed = entry.get("killed_run_id")
        story = self._latest.get(killed)
        if story is None:
            # Its own lines are not among those that were read.
            story = self._new(killed)
            story.started = story.last = _in_milliseconds(entry.get("started_at"))
            story.is_run = True
        if not story.ended:
            story.killed_found_by = entry.get("run_id")
            story.phase = entry.get("phase")


def runs(entries: Iterable[Entry]) -> list[RunStory]:
    """The cycles of these lines (in the order of the log), the first begun first."""
    found = RunStories()
    for entry in entries:
        found.add(entry)
    return found.stories


def facts(run: RunStory, now: str) -> dict[str, Any]:
    """The story as a document; what is not known is left out."""
    told: dict[str, Any] = {
        "type": "run",
        "outcome": run.outcome(now).value,
        "reason": run.reason,
        "seconds": run.seconds,
    }
    told |= {name: getattr(run, name) for name in _PLAIN}
    told |= run.counters
    if run.is_run:
        del told["command"]
    return {name: value for name, value in told.items() if value not in ("", None, [])}


_PLAIN = (
    "run_id", "cycle_id", "slot", "started", "begun", "ended", "last", "last_event",
    "lateness_seconds", "jitter_seconds", "duration_ms", "exit_code", "stopped", "stopped_with",
    "phase", "message", "holder", "killed_found_by", "scheduled", "dry_run", "env", "strategy",
    "version", "host", "instance", "cadence", "references", "errors", "command",
)  # fmt: skip
FACTS = ("type", "outcome", "reason", "seconds", *_PLAIN, *COUNTERS)
"""What may be asked for."""


def _number(text: str) -> float | None:
    """A number of seconds that can be one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < _LONGEST_SECONDS else None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _in_milliseconds(moment: str) -> str:
    """A time field as a line's timestamp has it, so that both sort as text."""
    try:
        return stamp(moment_of(moment))
    except (ValueError, OverflowError):
        return ""
