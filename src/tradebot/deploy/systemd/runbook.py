"""The parts of docs/runbooks/systemd.md that the model writes, and the two unit files beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from tradebot.deploy.examples import (
    BY_INSTRUMENT,
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.runbooks import Blocks
from tradebot.deploy.systemd import checks
from tradebot.deploy.systemd.accounts import SERVICE_HOME
from tradebot.deploy.systemd.units import KEEPALIVE, render, render_template
from tradebot.deploy.systemd.version import OLDEST
from tradebot.errors import ExitCode
from tradebot.settings.home import APPLICATION

_USER = "tradebot"
# A page must not change with the day or the machine on which it is made.
_TODAY = datetime(2026, 1, 5, tzinfo=UTC)
_UNDER_SYSTEMD = {
    ExitCode.OK: ("success", "Nothing. Most slots end so."),
    ExitCode.HUNG: (
        "failed, tried again",
        "The bot's own watchdog ended a run that hung; its stacks are in the journal.",
    ),
    ExitCode.UNRESOLVED: (
        "success",
        "Nothing: the next slot reconciles the order before it trades.",
    ),
    ExitCode.USAGE: ("failed, not again", "`ExecStart=` is wrong: `tradebot schedule verify`."),
    ExitCode.UNAVAILABLE: (
        "failed, tried again",
        "Nothing at once: it may pass. See `http_error`.",
    ),
    ExitCode.SOFTWARE: ("failed, tried again", "A bug: the stack is in the log."),
    ExitCode.IOERR: (
        "failed, tried again",
        "Nothing was sent. The journal says which file, and why it cannot be written.",
    ),
    ExitCode.BUSY: ("success", "Another run, such as one by hand, was still going."),
    ExitCode.NOPERM: ("failed, not again", "`tradebot auth login`; each slot fails until then."),
    ExitCode.CONFIG: ("failed, not again", "`tradebot config check`; each slot fails until then."),
    ExitCode.DEADLINE: ("failed, not again", "The next slot goes on where this one stopped."),
    ExitCode.TERMINATED: ("success", "The machine went down, or somebody stopped it."),
}


def _schedule(example: Example, *, narrow: bool = False, system: bool = True) -> Schedule:
    user = _USER if system else None
    return example_schedule(example, posix_program(), narrow=narrow, system=system, user=user)


def _fenced(text: str, language: str = "ini") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _settings(example: Example) -> str:
    return _fenced(example.settings)


def _unit(kind: str) -> str:
    schedule = _schedule(EVERY_FIVE_MINUTES)
    texts = render(schedule, home=SERVICE_HOME, version=OLDEST, now=_TODAY)
    return _fenced(texts[f"{schedule.name}.{kind}"])


def _narrow() -> str:
    """What differs in the timers of a narrowed schedule."""
    schedule = _schedule(WEEKDAY_WINDOW, narrow=True)
    texts = render(schedule, home=SERVICE_HOME, version=OLDEST, now=_TODAY)
    lines = []
    for stem in (APPLICATION, KEEPALIVE):
        name = f"{stem}@{schedule.instance}.timer"
        lines.append(f"# {name}")
        lines += [line for line in texts[name].splitlines() if line.startswith("OnCalendar=")]
    return _fenced("\n".join(lines))


def _template(kind: str) -> str:
    return render_template(_schedule(EVERY_FIVE_MINUTES), version=OLDEST)[f"{APPLICATION}@.{kind}"]


def _exit_codes() -> str:
    rows = [f"| {int(code)} | {what} | {then} |" for code, (what, then) in _UNDER_SYSTEMD.items()]
    return "\n".join(["| code | for systemd | what to do |", "|---|---|---|", *rows])


def _rules() -> str:
    rows = [
        f"| `{rule.name}` | {rule.severity} | {rule.consequence} | {rule.remedy} |"
        for rule in checks.RULES
    ]
    return "\n".join(["| finding | | what happens | what to do |", "|---|---|---|---|", *rows])


BLOCKS: Blocks = {
    "systemd-settings-always": partial(_settings, EVERY_FIVE_MINUTES),
    "systemd-settings-weekdays": partial(_settings, WEEKDAY_WINDOW),
    "systemd-settings-instrument": partial(_settings, BY_INSTRUMENT),
    "systemd-service": partial(_unit, "service"),
    "systemd-timer": partial(_unit, "timer"),
    "systemd-narrow": _narrow,
    "systemd-exit-codes": _exit_codes,
    "systemd-findings": _rules,
}
FILES: dict[str, Callable[[], str]] = {
    f"systemd-{APPLICATION}.service": partial(_template, "service"),
    f"systemd-{APPLICATION}.timer": partial(_template, "timer"),
}
