"""What can be wrong with a service: when a run is killed, tried again, taken for failed."""

from __future__ import annotations

from collections.abc import Iterator

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.parsed import Unit, parse_codes
from tradebot.deploy.systemd.units import FINE, NOT_AGAIN, seconds
from tradebot.deploy.systemd.version import ONESHOT_RESTART
from tradebot.scheduling.deadline import HANG_GRACE_SECONDS

NOT_ONESHOT = Rule(
    "service-not-oneshot",
    Severity.WARNING,
    "systemd takes a run for started, or for ended, at the wrong moment: TimeoutStartSec= does not "
    "end a run that hangs.",
    "set Type=oneshot",
)
START_LIMIT = Rule(
    "service-start-limit",
    Severity.ERROR,
    "After some runs that failed in a row systemd starts no more, while the timer still says "
    "`active (waiting)`.",
    "set StartLimitIntervalSec=0 in [Unit]",
)
RUNTIME_MAX = Rule(
    "service-runtime-max",
    Severity.ERROR,
    "The option does nothing for a oneshot: a run that hangs is not ended by it.",
    "take it out and set TimeoutStartSec=",
)
NO_TIMEOUT = Rule(
    "service-no-timeout",
    Severity.ERROR,
    "A run that hangs is never ended: no further run starts, for as long as it hangs.",
    "set TimeoutStartSec= to the run's deadline and 45 seconds",
)
SHORT_TIMEOUT = Rule(
    "service-timeout-short",
    Severity.ERROR,
    "systemd kills runs that the bot would still have ended in order, with an order in flight.",
    "set TimeoutStartSec= to the run's deadline and 45 seconds",
)
LONG_TIMEOUT = Rule(
    "service-timeout-long",
    Severity.WARNING,
    "A run that hangs costs the slots after its own, too.",
    "set TimeoutStartSec= to the run's deadline and 45 seconds",
)
RESTART_REFUSED = Rule(
    "service-restart-refused",
    Severity.ERROR,
    "systemd does not load the service: there are no runs at all.",
    "set Restart=on-failure",
)
NO_RESTART = Rule(
    "service-no-restart",
    Severity.NOTE,
    "A run that fails for a reason that passes by itself is not tried again in its slot.",
    "set Restart=on-failure",
)
RESTART_TOO_NEW = Rule(
    "service-restart-too-new",
    Severity.ERROR,
    "This systemd refuses Restart= for a oneshot and does not load the service.",
    f"take Restart= out, or use a systemd from version {ONESHOT_RESTART} on",
)
IN_VAIN = Rule(
    "service-restarts-in-vain",
    Severity.WARNING,
    "A run is tried again although that changes nothing: the login stays lost, the settings stay "
    "wrong, the deadline has passed.",
    "set RestartPreventExitStatus=64 77 78 124",
)
FALSE_ALARM = Rule(
    "service-false-failures",
    Severity.WARNING,
    "Runs that did what they should count as failed, and are tried again.",
    "set SuccessExitStatus=3 75 143",
)
TRUE_FAILURE = Rule(
    "service-hidden-failures",
    Severity.ERROR,
    "Runs that failed count as good: systemctl and the journal show nothing, and they are not "
    "tried again.",
    "set SuccessExitStatus=3 75 143 and nothing more, and no `-` before the program",
)
FILTER_KILLS = Rule(
    "service-filter-kills",
    Severity.WARNING,
    "A library that asks for a system call which the filter leaves out kills the run (SIGSYS).",
    "set SystemCallErrorNumber=EPERM",
)
RULES = (
    NOT_ONESHOT, START_LIMIT, RUNTIME_MAX, NO_TIMEOUT, SHORT_TIMEOUT, LONG_TIMEOUT,
    RESTART_REFUSED, NO_RESTART, RESTART_TOO_NEW, IN_VAIN, FALSE_ALARM, TRUE_FAILURE, FILTER_KILLS,
)  # fmt: skip

_ENDLESS = (None, 0.0, float("inf"))
"""A oneshot that is not told otherwise may take for ever."""
_REFUSED = frozenset({"always", "on-success"})
# 2 is Python's own, when it does not find the program; from 200 on they are systemd's.
_FAILURES = frozenset({1, 2, 64, 69, 70, 74, 77, 78, 124, *range(200, 256)})
_KILLED = frozenset({"SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGSYS"})
_PASSING = frozenset({1, 69, 70, 74})
"""Failures that a second try may well get over."""


def service_findings(service: Unit, version: int) -> Iterator[Finding]:
    """What holds for any service, that of the keepalive too."""
    kind = service.last("Service", "Type")
    if kind != "oneshot":
        yield NOT_ONESHOT.found(f"{service.name}: Type={kind or 'simple'}")
    limit = service.span("Unit", "StartLimitIntervalSec")
    if limit != 0 and service.last("Unit", "StartLimitBurst") != "0":
        said = service.last("Unit", "StartLimitIntervalSec")
        what = "no StartLimitIntervalSec=0" if said is None else f"StartLimitIntervalSec={said}"
        yield START_LIMIT.found(f"{service.name}: {what}")
    runtime = service.last("Service", "RuntimeMaxSec")
    if runtime not in (None, "infinity"):
        yield RUNTIME_MAX.found(f"{service.name}: RuntimeMaxSec={runtime}")
    if service.last("Service", "SystemCallFilter") and not service.last(
        "Service", "SystemCallErrorNumber"
    ):
        yield FILTER_KILLS.found(f"{service.name}: SystemCallFilter= alone")
    timeout = service.span("Service", "TimeoutStartSec")
    if timeout in _ENDLESS:
        said = service.last("Service", "TimeoutStartSec")
        yield NO_TIMEOUT.found(f"{service.name}: TimeoutStartSec={said or 'infinity'}")
    yield from _restart(service, version)
    yield from _exit_codes(service)


def run_findings(schedule: Schedule, service: Unit) -> Iterator[Finding]:
    """What holds for the service of a cycle: its time-out fits the run."""
    timeout = service.span("Service", "TimeoutStartSec")
    least = schedule.deadline + HANG_GRACE_SECONDS
    most = max(schedule.cadence, schedule.kill_after)
    said = f"{service.name}: TimeoutStartSec={service.last('Service', 'TimeoutStartSec')}"
    if service.last("Service", "TimeoutSec"):
        said += " (TimeoutSec= sets it, too)"
    if timeout is not None and 0 < timeout < least:
        yield SHORT_TIMEOUT.found(
            f"{said}, but a run may take {seconds(schedule.deadline)} and its own watchdog "
            f"{seconds(HANG_GRACE_SECONDS)} more"
        )
    elif timeout is not None and most < timeout < float("inf"):
        yield LONG_TIMEOUT.found(f"{said} at a cadence of {seconds(schedule.cadence)}")


def _restart(service: Unit, version: int) -> Iterator[Finding]:
    restart = service.last("Service", "Restart") or "no"
    if restart in _REFUSED and service.last("Service", "Type") == "oneshot":
        yield RESTART_REFUSED.found(f"{service.name}: Restart={restart} with Type=oneshot")
    elif restart == "no":
        yield NO_RESTART.found(f"{service.name}: no Restart=on-failure")
    elif version < ONESHOT_RESTART:
        yield RESTART_TOO_NEW.found(f"{service.name}: Restart={restart}, systemd {version}")
    else:
        yield from _tries(service)


def _tries(service: Unit) -> Iterator[Finding]:
    """Which exit codes lead to a second try."""
    prevented = parse_codes(service.words("Service", "RestartPreventExitStatus"))
    missing = sorted(set(map(int, NOT_AGAIN)) - prevented)
    if missing:
        yield IN_VAIN.found(f"{service.name}: RestartPreventExitStatus= lacks {_list(missing)}")
    passing = sorted(prevented & _PASSING)
    if passing:
        yield NO_RESTART.found(f"{service.name}: RestartPreventExitStatus= has {_list(passing)}")
    forced = parse_codes(service.words("Service", "RestartForceExitStatus"))
    in_vain = sorted(forced & {0, *map(int, (*NOT_AGAIN, *FINE))})
    if in_vain:
        yield IN_VAIN.found(f"{service.name}: RestartForceExitStatus= has {_list(in_vain)}")


def _exit_codes(service: Unit) -> Iterator[Finding]:
    """Which of them count as good."""
    words = service.words("Service", "SuccessExitStatus")
    success = parse_codes(words)
    missing = sorted(set(map(int, FINE)) - success)
    if missing:
        yield FALSE_ALARM.found(f"{service.name}: SuccessExitStatus= lacks {_list(missing)}")
    hidden = [*map(str, sorted(success & _FAILURES)), *sorted({*words} & _KILLED)]
    if hidden:
        yield TRUE_FAILURE.found(f"{service.name}: SuccessExitStatus= has {', '.join(hidden)}")
    for command in service.commands():
        if "-" in command.marks:
            yield TRUE_FAILURE.found(f"{service.name}: ExecStart=- takes every exit code for 0")


def _list(codes: list[int]) -> str:
    return ", ".join(map(str, codes))
