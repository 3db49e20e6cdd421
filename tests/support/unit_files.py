"""Units for `verify`: those of a bot that is really there, with a change by hand."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.rules import Finding
from tradebot.deploy.systemd.checks import check
from tradebot.deploy.systemd.installed import RENDERED, STEMS, pair_of
from tradebot.deploy.systemd.units import render

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ME = pwd.getpwuid(os.getuid()).pw_name
Change = Callable[[str], str]


def program_in(folder: Path) -> Program:
    """A bot that is really there, with a space in its path."""
    home = folder / "the bot"
    for name in ("bin", "logs", "state"):
        (home / name).mkdir(parents=True)
    for name in ("python", "tradebot"):
        (home / "bin" / name).symlink_to(Path(sys.executable))
    (home / "main.py").write_text("")
    env_file = home / ".env"
    env_file.write_text("SAXO_ENV=SIM\nSAXO_APP_SECRET=not-one\n")
    env_file.chmod(0o600)
    return Program(
        python=home / "bin" / "python",
        entry=(str(home / "main.py"),),
        tradebot=home / "bin" / "tradebot",
        home=home,
        env_file=env_file,
        env_file_given=False,
        log_dir=home / "logs",
        state_dir=home / "state",
        token_file=home / "state" / "tokens.json",
    )


def findings(
    schedule: Schedule,
    *,
    service: Change | None = None,
    timer: Change | None = None,
    version: int = 252,
) -> list[Finding]:
    texts = render(schedule, version=252, now=NOW)
    pairs = []
    for stem in STEMS:
        name = f"{stem}@{schedule.instance}"
        if f"{name}.timer" not in texts:
            continue
        entries = [(f"{name}.timer", timer), (f"{name}.service", service)]
        pairs.append(
            pair_of([(unit, (change or str)(texts[unit]), RENDERED) for unit, change in entries])
        )
    return list(check(schedule, pairs, version=version, now=NOW))


def names(found: list[Finding]) -> set[str]:
    return {finding.rule.name for finding in found}


def put(option: str, value: str | None) -> Change:
    """The option with another value, whatever it had; None takes it out."""

    def change(text: str) -> str:
        lines = text.splitlines()
        kept = [line for line in lines if not line.startswith(f"{option}=")]
        if value is None:
            assert len(kept) < len(lines)
            return "\n".join(kept)
        section = {"OnBootSec": "Timer"}.get(option, _section(option))
        place = kept.index(f"[{section}]") + 1
        return "\n".join([*kept[:place], f"{option}={value}", *kept[place:]])

    return change


def _section(option: str) -> str:
    if option.startswith("StartLimit"):
        return "Unit"
    timers = ("OnCalendar", "AccuracySec", "RandomizedDelaySec", "Persistent", "DeferReactivation")
    return "Timer" if option in timers else "Service"


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def add(text: str) -> Change:
    """A drop-in."""
    return lambda unit: f"{unit}\n{text}\n"
