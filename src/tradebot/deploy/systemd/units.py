"""A schedule as systemd units: a service that runs one cycle, a timer in UTC that starts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath

from tradebot.deploy.coverage import Hours, covering_hours
from tradebot.deploy.model import KEEPALIVE_CADENCE, Schedule
from tradebot.deploy.systemd import quoting
from tradebot.deploy.systemd.accounts import SERVICE_HOME, current_user, home_of
from tradebot.deploy.systemd.calendars import calendar_lines
from tradebot.deploy.systemd.sandbox import EVERYWHERE, outermost, system_options
from tradebot.deploy.systemd.version import DEFER_REACTIVATION, systemd_version
from tradebot.errors import ExitCode, UsageError
from tradebot.scheduling.jitter import MAX_SHARE
from tradebot.settings.home import APPLICATION

KEEPALIVE = f"{APPLICATION}-keepalive"
MARKER = "# Made by `tradebot schedule`"
NOT_AGAIN = (ExitCode.USAGE, ExitCode.NOPERM, ExitCode.CONFIG, ExitCode.DEADLINE)
"""A second try changes nothing, or comes too late."""
FINE = (ExitCode.UNRESOLVED, ExitCode.BUSY, ExitCode.TERMINATED)
"""Besides 0: said in the log, and nothing that systemd should call a failure."""
STOP_SECONDS = 30
"""From SIGTERM to the kill: an order in flight is finished first."""
KEEPALIVE_SECONDS = 120
"""After which a keepalive that does not end is killed."""
TEMPLATE_ENV_FOLDER = "/etc/ai-tradebot"


def render(
    schedule: Schedule,
    *,
    home: PurePath | None = None,
    version: int | None = None,
    now: datetime | None = None,
) -> dict[str, str]:
    """File name to text: service and timer, with `needs_keepalive` two more.

    `home` is the home folder of the user it runs as, `version` systemd's, `now` the moment from
    which on a narrowed schedule must cover the trading window; all are found out if not given.
    """
    return dict(_Unit(schedule, _surroundings(schedule, home, version, now), "").files())


def render_template(
    schedule: Schedule, *, version: int | None = None, now: datetime | None = None
) -> dict[str, str]:
    """The same for every instance at once: `ai-tradebot@.service`, settings of the instance NAME
    in /etc/ai-tradebot/NAME.env. Nothing about this machine goes into it but systemd's version."""
    program = replace(schedule.program, env_file=None, env_file_given=False)
    schedule = replace(schedule, program=program, variables={})
    user = schedule.user or "tradebot"
    around = replace(_surroundings(schedule, SERVICE_HOME, version, now), user=user)
    return dict(_Unit(schedule, around, "%i").files())


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What is not in the schedule."""

    user: str
    home: PurePath
    """The user's."""
    version: int
    hours: Hours | None


def _surroundings(
    schedule: Schedule, home: PurePath | None, version: int | None, now: datetime | None
) -> _Surroundings:
    home_folder = str(schedule.program.home)
    if not home_folder.startswith("/"):
        raise UsageError(f"{home_folder} is no path of a machine with systemd: render it there")
    user = schedule.user or current_user()
    if "\n" in user + home_folder:
        raise UsageError("a user or a folder with a line break cannot stand in a systemd unit")
    moment = now or datetime.now(UTC)
    return _Surroundings(
        user=user,
        home=home or home_of(user),
        version=systemd_version() if version is None else version,
        hours=covering_hours(schedule.hours, moment) if schedule.narrow else None,
    )


def state_home(home: PurePath) -> PurePath:
    """Where the locks lie that all of a user's bots share, one per account at the broker."""
    return home / ".local" / "state" / APPLICATION


def written_folders(schedule: Schedule, home: PurePath) -> list[PurePath]:
    """Every folder that a run writes to. `home` is its user's."""
    program = schedule.program
    token_folder = program.token_file.parent
    return outermost([program.log_dir, program.state_dir, token_folder, state_home(home)])


@dataclass(frozen=True, slots=True)
class _Unit:
    schedule: Schedule
    around: _Surroundings
    instance: str
    """`%i` in a template, else empty: then the schedule's own, literally."""

    def files(self) -> Iterator[tuple[str, str]]:
        schedule = self.schedule
        calendar = calendar_lines(schedule.cadence, schedule.offset, self.around.hours)
        command = schedule.command(jitter=0, guarded=True)
        yield from self._pair(APPLICATION, command, schedule.kill_after, calendar, "one cycle")
        if schedule.needs_keepalive:
            command, what = schedule.keepalive_command(guarded=True), "keep the login alive"
            calendar = calendar_lines(KEEPALIVE_CADENCE)
            yield from self._pair(KEEPALIVE, command, KEEPALIVE_SECONDS, calendar, what)

    def _pair(
        self,
        stem: str,
        command: tuple[str, ...],
        kill_after: float,
        calendar: list[str],
        what: str,
    ) -> Iterator[tuple[str, str]]:
        file = f"{stem}@{'' if self.instance else self.schedule.instance}"
        yield f"{file}.service", _text(self._service(stem, command, kill_after, what))
        yield f"{file}.timer", _text(self._timer(stem, calendar, what))

    @property
    def _name(self) -> str:
        return self.instance or self.schedule.instance

    def _head(self, unit: str, what: str) -> Iterator[str]:
        manager = "systemctl" if self.schedule.system else "systemctl --user"
        edited = unit.replace(f"@{self.instance}.", "@.") if self.instance else unit
        yield f"{MARKER}. Changes of your own belong into a drop-in: {manager} edit {edited}"
        yield "[Unit]"
        yield f"Description=AI-Tradebot {self._name}: {what}"
        yield f"Documentation={self._documentation()}"

    def _documentation(self) -> str:
        """The runbook in a clone; an installed copy has none."""
        program = self.schedule.program
        if program.entry[0].startswith("-"):
            return "man:systemd.timer(5)"
        return quoting.percent((program.home / "docs/runbooks/systemd.md").as_uri())

    def _service(
        self, stem: str, command: tuple[str, ...], kill_after: float, what: str
    ) -> Iterator[str]:
        schedule = self.schedule
        yield from self._head(f"{stem}@{self._name}.service", what)
        if schedule.system:
            yield "Wants=network-online.target"
            yield "After=network-online.target"
        yield "# Without this, some runs that fail in a row end the schedule, and nothing says so."
        yield "StartLimitIntervalSec=0"
        yield ""
        yield "[Service]"
        yield "Type=oneshot"
        if schedule.system:
            yield f"User={quoting.percent(self.around.user)}"
        yield f"WorkingDirectory={quoting.percent(str(schedule.program.home))}"
        yield f"ExecStart={quoting.command_line(command)}"
        yield from self._environment()
        yield "# The exit code decides. A second try starts while it is still in time for its slot."
        yield "Restart=on-failure"
        yield f"RestartSec={seconds(schedule.restart_delay)}"
        yield f"RestartPreventExitStatus={_codes(NOT_AGAIN)}"
        yield f"SuccessExitStatus={_codes(FINE)}"
        yield "# The kill, behind the bot's own watchdog. RuntimeMaxSec= would do nothing here."
        yield f"TimeoutStartSec={seconds(kill_after)}"
        yield f"TimeoutStopSec={STOP_SECONDS}"
        yield "StandardOutput=journal"
        yield "StandardError=journal"
        yield f"SyslogIdentifier={APPLICATION}@{self._name}"
        yield ""
        yield "# The sandbox. `systemd-analyze security` says what each line is worth."
        if schedule.system:
            yield from self._system_sandbox()
        else:
            yield from EVERYWHERE

    def _environment(self) -> Iterator[str]:
        program = self.schedule.program
        if self.instance:
            yield "Environment=INSTANCE=%i"
            yield f"EnvironmentFile={TEMPLATE_ENV_FOLDER}/%i.env"
            yield "# Better for secrets: in files of root's that only this service is shown."
            for name in ("SAXO_APP_KEY", "SAXO_APP_SECRET"):
                yield f"#LoadCredential={name}:{TEMPLATE_ENV_FOLDER}/secrets/%i.{name}"
            return
        for name, value in self.schedule.variables.items():
            yield f"Environment={quoting.word(f'{name}={value}')}"
        if program.env_file is not None:
            yield "# No `-` before it: without its settings the bot must not run at all."
            yield f"EnvironmentFile={quoting.env_file(str(program.env_file))}"

    def _system_sandbox(self) -> Iterator[str]:
        program = self.schedule.program
        reads = [program.python, program.home, *map(PurePath, program.entry[:1])]
        if program.env_file is not None:
            reads.append(program.env_file)
        writes = written_folders(self.schedule, self.around.home)
        yield from system_options(reads, writes)

    def _timer(self, stem: str, calendar: list[str], what: str) -> Iterator[str]:
        yield from self._head(f"{stem}@{self._name}.timer", what)
        yield ""
        yield "[Timer]"
        yield f"Unit={stem}@{self._name}.service"
        yield "# UTC: in a zone with summer time a calendar has a hole of an hour each autumn."
        for line in calendar:
            yield f"OnCalendar={line}"
        jitter = self.schedule.jitter
        if stem == KEEPALIVE:  # a run may come an hour late, and a login may not
            jitter = min(jitter, KEEPALIVE_CADENCE * MAX_SHARE)
        yield f"RandomizedDelaySec={seconds(jitter)}"
        yield "AccuracySec=1s"
        yield "# What was missed while the machine was off is missed: nobody trades on old slots."
        yield "Persistent=false"
        if self.around.version >= DEFER_REACTIVATION:
            yield "DeferReactivation=true"
        yield ""
        yield "[Install]"
        yield "WantedBy=timers.target"


def seconds(value: float) -> str:
    """A time span as systemd reads it."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"


def _codes(codes: tuple[ExitCode, ...]) -> str:
    return " ".join(str(int(code)) for code in codes)


def _text(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
