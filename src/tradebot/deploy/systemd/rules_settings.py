"""Are the settings of a run those that the schedule is judged by?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.environment import (
    command_variables,
    env_files,
    environment,
    file_variables,
    own_variables,
)
from tradebot.deploy.systemd.parsed import Unit
from tradebot.settings.variables import BY_NAME

DIFFERS = Rule(
    "variable-differs",
    Severity.WARNING,
    "Runs go by the unit's value; `verify`, `status` and `missed` go by the other, and say wrong "
    "things of slots, of orders or of another bot's state.",
    "write it into the env file and take it out of the unit, or ask with --instance or --env-file",
)
RULES = (DIFFERS,)

OF_LOGIN = ("INSTANCE", "STATE_DIR", "SAXO_ENV", "SAXO_AUTH_MODE", "SAXO_TOKEN_FILE")
"""Which login it is, and where it lies."""

_OF_RUNS = (
    *OF_LOGIN, "LOG_DIR", "DRY_RUN",
    "SCHEDULE_CADENCE", "SCHEDULE_OFFSET_SECONDS", "SCHEDULE_MAX_LATENESS",
    "CYCLE_DEADLINE_SECONDS", "TRADING_HOURS_MODE", "TRADING_DAYS", "TRADING_START", "TRADING_END",
    "TIMEZONE", "TRADING_HOLIDAYS",
)  # fmt: skip
"""When a run is due, whether it trades, and where it writes."""


def settings_findings(
    schedule: Schedule, service: Unit, names: Sequence[str] = _OF_RUNS
) -> Iterator[Finding]:
    """Of the variables `names`. Only what stands in the unit, or in a file that it names, can
    differ."""
    program = schedule.program
    file = {} if program.env_file is None else file_variables(Path(program.env_file))
    asked = {**file, **schedule.variables}
    runs = environment(schedule, service)
    there = {*own_variables(service), *command_variables(service), *schedule.variables}
    for path, _ in env_files(service):
        there |= file_variables(path).keys()
    for name in names:
        if name not in there or runs.get(name) == asked.get(name):
            continue
        if _value(schedule, name, runs) != _value(schedule, name, asked):
            expected = asked.get(name) or "the default"
            yield DIFFERS.found(
                f"{service.name}: {name} is {runs.get(name) or 'the default'}, asked was for "
                f"{expected}"
            )


def _value(schedule: Schedule, name: str, texts: Mapping[str, str]) -> object:
    """As the bot reads it; as the schedule has it where the text says nothing."""
    program = schedule.program
    text = texts.get(name) or BY_NAME[name].default
    if text is None:
        return {
            "DRY_RUN": (texts.get("SAXO_ENV") or "LOCAL").upper() != "LOCAL",
            "SAXO_TOKEN_FILE": Path(program.token_file),
            "SCHEDULE_MAX_LATENESS": schedule.max_lateness,
            "CYCLE_DEADLINE_SECONDS": schedule.deadline,
        }.get(name)
    try:
        value: object = BY_NAME[name].kind.parse(text)
    except ValueError:
        return text
    return Path(program.home) / value if isinstance(value, Path) else value
