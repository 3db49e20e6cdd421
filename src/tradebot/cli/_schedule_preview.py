"""`tradebot schedule preview` and `explain`: when runs will start, and whether they would trade."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from tradebot.cli._options import ENV_FILE, OUTPUT
from tradebot.cli._schedule_table import Look, render, utc
from tradebot.deploy.scheduler import NAMES, usual_name
from tradebot.errors import UsageError
from tradebot.logtools.reading.times import EXPECTED, parse_time

if TYPE_CHECKING:
    from tradebot.journal import Journal, Pause, RunRow
    from tradebot.scheduling.explanation import Explanation
    from tradebot.scheduling.hours import Sessions
    from tradebot.scheduling.preview import Timetable
    from tradebot.settings import Settings

DEFAULT_COUNT = 10
_YEARS = range(1971, 2200)
"""Far enough from the ends of what a datetime can hold."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COMING = {
    "run": "The run of the slot {} would trade.",
    "skip": "The run of the slot {} would not trade.",
    "paused": "The run of the slot {} would send nothing new: trading is paused.",
    "unknown": "Whether the run of the slot {} would trade cannot be known yet.",
}
_PAST = {
    "run": "it had every reason to trade",
    "skip": "it was not to trade",
    "unknown": "whether it was to trade cannot be known here",
}
_POINT = textwrap.TextWrapper(
    width=100,
    initial_indent="  ",
    subsequent_indent=" " * 17,
    break_long_words=False,
    break_on_hyphens=False,
)
_SCHEDULER = click.option(
    "--scheduler",
    type=click.Choice(NAMES),
    help="Who starts the runs, and so who spreads them. Default: this machine's usual one.",
)
_LOCAL = click.option(
    "--local", is_flag=True, help="Times are meant and shown in this machine's zone, not in UTC."
)


@click.command()
@click.option(
    "--next", "count", type=click.IntRange(1, 10_000), metavar="N",
    help=f"Up to the Nth run that would trade. Default: {DEFAULT_COUNT}.",
)  # fmt: skip
@click.option("--from", "since", metavar="TIME", help="The slots since then. Default: now.")
@click.option("--to", "until", metavar="TIME", help="The slots before then.")
@click.option("--all", "every", is_flag=True, help="A line for each slot, however many are alike.")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="For people; one JSON document; one JSON object per line.",
)
@_LOCAL
@_SCHEDULER
@ENV_FILE
def preview(
    count: int | None,
    since: str | None,
    until: str | None,
    every: bool,
    output: str,
    local: bool,
    scheduler: str | None,
    env_file: Path | None,
) -> int:
    """Show the runs to come: slot, start, and what the trading hours will say.

    Exits with 0 when a run would trade in the time shown, with 1 when none would.
    """
    from tradebot.scheduling.preview import Verdict, next_runs, planned_runs

    scene = _scene(env_file, scheduler, local=local)
    begin = scene.time(since, "--from") if since else scene.now
    if until is None:
        runs = list(next_runs(scene.timetable, begin, count or DEFAULT_COUNT))
    else:
        runs = list(planned_runs(scene.timetable, begin, _end(scene, begin, until, count)))
    for line in render(runs, scene.look(output, every=every)):
        click.echo(line)
    return 0 if any(run.verdict is Verdict.RUN for run in runs) else 1


def _end(scene: _Scene, begin: datetime, until: str, count: int | None) -> datetime:
    """Raises UsageError for a span that cannot be meant."""
    from tradebot.scheduling.preview import MAX_SLOTS

    if count is not None:
        raise UsageError("--next and --to exclude each other: give one of them")
    end = scene.time(until, "--to")
    if end <= begin:
        raise UsageError(f"--to {until}: that is not after {utc(begin)}, where --from begins")
    slots = round((end - begin).total_seconds() / scene.timetable.cadence)
    if slots > MAX_SLOTS:
        raise UsageError(f"--to {until}: {slots} slots, and at most {MAX_SLOTS} are gone through")
    return end


# Or -2h would be an option, and ask for help.
@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("moment", metavar="TIME")
@OUTPUT
@_LOCAL
@_SCHEDULER
@ENV_FILE
def explain(
    moment: str, output: str, local: bool, scheduler: str | None, env_file: Path | None
) -> int:
    """Say why the run of the slot around TIME would trade or would not; of the past, what happened.

    Exits with 0 when it would trade, or did; with 1 when it would not, or nothing came of it.
    """
    from tradebot.scheduling.explanation import Circumstances
    from tradebot.scheduling.explanation import explain as explained
    from tradebot.scheduling.preview import Verdict

    scene = _scene(env_file, scheduler, local=local)
    at = scene.time(moment, "TIME")
    settings = scene.settings
    known = Circumstances(
        timetable=scene.timetable,
        now=scene.now,
        machine_zone=scene.machine_zone,
        max_lateness=settings.schedule_max_lateness,
        deadline=settings.cycle_deadline_seconds,
        rows=_rows_of_slot(settings, scene.timetable.slot_of(at)),
    )
    answer = explained(at, known)
    if output == "json":
        facts = {
            "time": utc(answer.moment),
            "slot": utc(answer.slot),
            "verdict": str(answer.verdict),
            "points": [point._asdict() for point in answer.points],
        }
        click.echo(json.dumps(facts, indent=2))
    else:
        shown = utc(answer.slot)
        if local:
            shown += f" ({answer.slot.astimezone(scene.machine_zone):%a %Y-%m-%d %H:%M:%S %Z})"
        click.echo(_headline(answer, known.rows, shown))
        for about, text in answer.points:
            click.echo(_POINT.fill(f"{about:<14} {text}"))
    came_of_it = not answer.past or any(row.outcome == "ran" for row in known.rows)
    return 0 if came_of_it and answer.verdict is Verdict.RUN else 1


def _headline(answer: Explanation, rows: Sequence[RunRow], slot: str) -> str:
    """Of the past, what happened goes before what should have."""
    if not answer.past:
        return _COMING[answer.verdict].format(slot)
    ended = [row for row in rows if row.outcome is not None]
    if not ended:
        return f"No run of the slot {slot} is on record; {_PAST[answer.verdict]}."
    best = next((row for row in ended if row.outcome == "ran"), ended[-1])
    reason = f" ({best.reason})" if best.reason else ""
    return f"The run of the slot {slot}: {best.outcome}{reason}; {_PAST[answer.verdict]}."


@dataclass(frozen=True, slots=True)
class _Scene:
    """What both commands look at."""

    settings: Settings
    timetable: Timetable
    scheduler: str
    now: datetime
    machine_zone: tzinfo
    local: bool
    sessions_read: datetime | None

    def time(self, text: str, name: str) -> datetime:
        """Raises UsageError."""
        with contextlib.suppress(ValueError, OverflowError):
            moment = parse_time(text, self.now, self.machine_zone if self.local else UTC)
            if moment.year in _YEARS:
                return moment
        raise UsageError(f"{name}: {text!r} is no time that is understood; write {EXPECTED} (UTC)")

    def look(self, output: str, *, every: bool) -> Look:
        """How the preview is to be shown."""
        window = {}
        if self.timetable.hours.mode == "fixed":
            window = {self.settings.timezone: ZoneInfo(self.settings.timezone)}
        zones = {**window, str(self.machine_zone): self.machine_zone}
        beside = {str(self.machine_zone): self.machine_zone} if self.local else window
        return Look(output, every, next(iter(beside.items()), None), zones, self._notes())

    def _notes(self) -> tuple[str, ...]:
        settings, hours = self.settings, self.timetable.hours
        most = self.timetable.spread(self.now)[1]
        spread = "the bot waits by itself, this host as long as is shown"
        if self.scheduler == "systemd":
            spread = f"systemd starts each run 0 to {most:g} s after its slot begins"
        notes = [
            f"INSTANCE={settings.instance} SAXO_ENV={settings.saxo_env}, a slot every "
            f"{settings.schedule_cadence:g} s; {self.scheduler}: {spread}",
            f"TRADING_HOURS_MODE={hours.mode}{_window(settings) if hours.mode == 'fixed' else ''}",
        ]
        if hours.mode == "instrument":
            notes.append(self._about_sessions())
        pause = self.timetable.pause
        if pause is not None:
            end = "until `tradebot resume`" if pause.until is None else f"until {utc(pause.until)}"
            notes.append(f"trading is paused {end} ({pause.reason})")
        return tuple(notes)

    def _about_sessions(self) -> str:
        if self.sessions_read is None:
            return "no trading sessions are known here yet: the next run asks the broker for them"
        until = self.timetable.sessions_until
        reach = "not for every instrument" if until is None else f"known until {utc(until)}"
        return f"trading sessions as read at {utc(self.sessions_read)}, {reach}"


def _window(settings: Settings) -> str:
    chosen = sorted(settings.trading_days)
    days = ",".join(_DAYS[day] for day in chosen)
    if len(chosen) > 2 and chosen == list(range(chosen[0], chosen[-1] + 1)):
        days = f"{_DAYS[chosen[0]]}-{_DAYS[chosen[-1]]}"
    start, end = settings.trading_start, settings.trading_end
    holidays = f", holidays of {settings.trading_holidays}" if settings.trading_holidays else ""
    return f": {start:%H:%M} to {end:%H:%M} {settings.timezone}, {days}{holidays}"


def _scene(env_file: Path | None, scheduler: str | None, *, local: bool) -> _Scene:
    """Raises SettingsError."""
    from tradebot.deploy.machine_zone import machine_zone
    from tradebot.deploy.model import Program, Schedule
    from tradebot.scheduling.hours import HoursConfig
    from tradebot.scheduling.preview import Timetable, own_jitter, scheduler_jitter
    from tradebot.settings import home, load

    settings = load(os.environ, home=home(), env_file=env_file)
    name = scheduler or usual_name()
    now = _now()
    jitter = Schedule.of(settings, Program.of(settings)).jitter
    sessions, read = _known_sessions(settings)
    timetable = Timetable(
        cadence=settings.schedule_cadence,
        offset=settings.schedule_offset_seconds,
        hours=HoursConfig.of(settings),
        spread=scheduler_jitter(jitter)
        if name == "systemd"
        else own_jitter(
            jitter, settings.schedule_cadence, host=platform.node(), instance=settings.instance
        ),
        sessions=sessions,
        pause=_pause(settings, now),
    )
    return _Scene(settings, timetable, name, now, machine_zone(), local, read)


def _now() -> datetime:
    return datetime.now(UTC)


def _known_sessions(settings: Settings) -> tuple[Sessions, datetime | None]:
    """What the last run that asked has kept for each watched instrument, and when that was."""
    from tradebot.market.cache import FileCache
    from tradebot.market.sessions import last_known_sessions
    from tradebot.wiring import journal_path

    if settings.trading_hours_mode != "instrument":
        return {}, None
    folder = journal_path(settings).parent / "cache"
    watched = [item.instrument for item in settings.watchlist]
    known = last_known_sessions(FileCache(folder), watched)
    read = None
    if known:
        with contextlib.suppress(OSError):
            read = datetime.fromtimestamp((folder / "sessions.json").stat().st_mtime, UTC)
    return {instrument: known.get(instrument, ()) for instrument in watched}, read


def _pause(settings: Settings, now: datetime) -> Pause | None:
    for journal in _journals(settings):
        with journal:
            return journal.control.paused(now)
    return None


def _rows_of_slot(settings: Settings, slot: datetime) -> list[RunRow]:
    """By their start, of dry and of real runs; those that came to no slot included."""
    end = slot + timedelta(seconds=settings.schedule_cadence)
    found: list[RunRow] = []
    for journal in _journals(settings):
        with journal:
            rows = journal.runs.between(slot, end)
        found += [r for r in rows if r.slot == slot or (r.slot is None and r.started_at >= slot)]
    return sorted(found, key=lambda row: row.started_at)


def _journals(settings: Settings) -> Iterator[Journal]:
    """Those that are there, this mode's first. Raises StorageError for one that cannot be read."""
    from tradebot.journal import Journal, is_there
    from tradebot.wiring import journal_path

    for dry_run in (settings.dry_run, not settings.dry_run):
        path = journal_path(replace(settings, dry_run=dry_run))
        if is_there(path):
            yield Journal(path, look=True)
