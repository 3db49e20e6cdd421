"""The program: settings, log, signals, one cycle or a loop of them, and an exit code that is true.

Whatever goes wrong ends in a line in the log, a sentence on stderr and a code that a scheduler can
act on; nothing that a user can cause ends in a traceback.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType

from tradebot import __version__
from tradebot.arguments import Arguments, parse_arguments
from tradebot.clock import SystemClock
from tradebot.console_summary import Progress, is_interactive, render_summary, wants_colour
from tradebot.cycle_report import CycleReport
from tradebot.errors import ExitCode, SettingsError, TradebotError
from tradebot.house import House
from tradebot.log_setup import open_log
from tradebot.observability import (
    Session,
    log_event,
    mask_sensitive,
)
from tradebot.orchestrator import Cycle
from tradebot.scheduling.deadline import HANG_GRACE_SECONDS
from tradebot.scheduling.slots import slot_start
from tradebot.settings import Settings, home, load_lenient
from tradebot.settings.home import clone_root
from tradebot.settings.variables import BY_NAME
from tradebot.strategies.base import Strategy
from tradebot.strategies.registry import load_strategy
from tradebot.wakeup import wakeup_fields
from tradebot.wiring import journal_path, leave_row, lock_path, open_house

_ENDS_THE_LOOP = frozenset(
    {ExitCode.SOFTWARE, ExitCode.IOERR, ExitCode.NOPERM, ExitCode.CONFIG, ExitCode.TERMINATED}
)


def main(argv: Sequence[str]) -> int:
    """Run with these arguments (without the program's name). Returns the exit code."""
    try:
        arguments = parse_arguments(argv)
        return int(_run(arguments, SystemClock()))
    except TradebotError as error:
        _say(str(error))
        return int(error.exit_code)


def _run(arguments: Arguments, clock: SystemClock) -> ExitCode:
    started_at = clock.now()
    settings, problems = load_lenient(
        os.environ,
        home=home(),
        env_file=arguments.env_file,
        dry_run_flag=arguments.dry_run,
    )
    settings = arguments.applied_to(settings)
    run_id = str(uuid.uuid4())
    slot = None if _hides_the_slots(problems) else _slot_of(started_at, arguments, settings)
    progress = Progress(sys.stderr, shown=_watched(settings))
    console = progress.show_line if _watched(settings) else True
    with (
        open_log(settings, run_id, single_cycle=arguments.single_cycle, console=console) as session,
        _signals(clock),
    ):
        if problems:
            # What could not be read is not known, and must not be claimed.
            session.update_context(dry_run=None, env=None)
        log_event(
            "startup_begin",
            pid=os.getpid(),
            argv=" ".join(arguments.given),
            **wakeup_fields(os.environ, started_at),
        )
        try:
            strategy = _configure(settings, problems)
            session.update_context(strategy=f"{strategy.name}/{strategy.version}")
            _log_configuration(settings)
            with open_house(
                settings, strategy, clock, session, run_id=run_id, progress=progress
            ) as house:
                log_event(
                    "startup_ready",
                    lock_path=str(lock_path(settings)),
                    journal_path=str(journal_path(settings)),
                )
                return _cycles(house, arguments, session, progress, started_at)
        except SettingsError as error:
            log_event("startup_config_invalid", str(error), problems=len(error.problems))
            leave_row(settings, run_id, started_at, error, slot=slot)
            raise
        except TradebotError as error:
            log_event("startup_failed", str(error), exit_code=int(error.exit_code))
            leave_row(settings, run_id, started_at, error, slot=slot)
            raise
        except Exception as error:  # noqa: BLE001 - a bug must leave its stack and the right code
            log_event("unexpected_exception", exc_info=error)
            leave_row(settings, run_id, started_at, error, slot=slot)
            _say(f"Unexpected {type(error).__name__}; its stack is in {session.path}.")
            return ExitCode.SOFTWARE
        finally:
            progress.clear()


def _cycles(
    house: House,
    arguments: Arguments,
    session: Session,
    progress: Progress,
    started_at: datetime,
) -> ExitCode:
    """One cycle, or one after the other until asked to stop."""
    while True:
        report = _one_cycle(house, arguments, started_at)
        progress.clear()
        _show(report, house, session)
        code = report.exit_code
        if arguments.single_cycle or code in _ENDS_THE_LOOP:
            return code
        if not house.clock.sleep(house.settings.cycle_interval_seconds):
            session.update_context(cycle_id=None)
            log_event("run_stopped", exit_code=int(ExitCode.TERMINATED))
            return ExitCode.TERMINATED
        started_at = house.clock.now()


def _one_cycle(house: House, arguments: Arguments, started_at: datetime) -> CycleReport:
    settings = house.settings
    slot = _slot_of(started_at, arguments, settings)
    cycle = Cycle(house, started_at=started_at, slot=slot)
    with _last_resort(cycle.deadline.time_left() + HANG_GRACE_SECONDS):
        house.broker.time_left = cycle.deadline.time_left
        return cycle.run()


def _slot_of(started_at: datetime, arguments: Arguments, settings: Settings) -> datetime | None:
    """The slot of a run that a scheduler started."""
    if not arguments.scheduled:
        return None
    return slot_start(started_at, settings.schedule_cadence, settings.schedule_offset_seconds)


def _hides_the_slots(problems: Sequence[str]) -> bool:
    """Do the problems leave it open what SCHEDULE_CADENCE and SCHEDULE_OFFSET_SECONDS say?

    So does one that names no variable: a file or a line that could not be read.
    """
    names = {problem.partition(" ")[0].rstrip(":") for problem in problems}
    return not names <= BY_NAME.keys() - {"SCHEDULE_CADENCE", "SCHEDULE_OFFSET_SECONDS"}


def _configure(settings: Settings, problems: Sequence[str]) -> Strategy:
    """The strategy, when nothing is wrong. Raises SettingsError with every problem there is."""
    found = list(problems)
    try:
        strategy = load_strategy(
            settings.strategy_name, settings.strategy_params, folder=settings.home
        )
    except SettingsError as error:
        found += [problem for problem in error.problems if problem not in found]
    if found:
        raise SettingsError(found)
    return strategy


def _log_configuration(settings: Settings) -> None:
    import platform

    from tradebot.build_info import describe_commit

    commit, changed = describe_commit(clone_root())
    log_event(
        "startup_config_loaded",
        version=__version__,
        commit=commit,
        commit_changed=changed,
        python=platform.python_version(),
        host=platform.node(),
        cadence=settings.schedule_cadence,
        home_dir=str(settings.home),
        log_dir=str(settings.log_dir),
        state_dir=str(settings.state_dir),
        env_file=str(settings.env_file) if settings.env_file else None,
        package_dir=str(Path(__file__).resolve().parent),
        instance=settings.instance,
        watchlist_count=len(settings.watchlist),
        settings_fingerprint=settings.fingerprint(),
    )
    for warning in settings.warnings:
        log_event("settings_warning", warning)


def _watched(settings: Settings) -> bool:
    """Does a person look on, who did not ask for the log's own lines?"""
    return is_interactive() and settings.origins.get("LOG_CONSOLE_LEVEL") == "default"


@contextlib.contextmanager
def _signals(clock: SystemClock) -> Iterator[None]:
    """The first SIGTERM or Ctrl-C asks to stop, the second ends the process at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if clock.stopping:
            os._exit(int(ExitCode.TERMINATED))
        clock.request_stop()

    before = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextlib.contextmanager
def _last_resort(seconds: float) -> Iterator[None]:
    """If even the deadline does not end the cycle: stacks on stderr, and exit code 1."""
    import faulthandler

    try:
        faulthandler.dump_traceback_later(seconds, exit=True)
    except (ValueError, OSError, RuntimeError):
        yield  # stderr is no real file, as in some hosts of embedded Pythons
        return
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _show(report: CycleReport, house: House, session: Session) -> None:
    if not is_interactive() or session.path is None:
        return
    kind = " (dry run)" if report.dry_run else ""
    text = render_summary(
        report,
        title=f"AI-Tradebot {house.settings.saxo_env}{kind}, run {house.run_id}",
        log_file=session.path,
        colour=wants_colour(sys.stdout),
    )
    with contextlib.suppress(OSError):
        sys.stdout.write(text)
        sys.stdout.flush()


def _say(text: str) -> None:
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        sys.stderr.write(mask_sensitive(text.rstrip(), "msg") + "\n")
