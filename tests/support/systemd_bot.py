"""The bot on a machine of its own, with a user of its own, and the units that are rendered."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from support.real_systemd import HOME, PYTHON, Machine
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program
from tradebot.deploy.systemd.units import render

SERVICE, TIMER = "ai-tradebot@default.service", "ai-tradebot@default.timer"
USER = "tradebot"
DAY = 86400
DEADLINE = 60
"""Seconds that a run has, whatever its slot."""
USER_HOME = PurePosixPath("/var/lib/ai-tradebot")
_PACED = """\
import pathlib
import time
from tradebot.model import Action, Signal

class Paced:
    name, version, horizon_minutes, bars_needed = "paced", "1", 1440, 1

    def decide(self, view):
        held = pathlib.Path(__file__).with_name("held")
        if held.exists():
            exec(held.read_text(), {})
        while held.exists():
            time.sleep(0.02)
        return Signal(Action.HOLD, "paced")
"""
_LINE = re.compile(r"^(\S+) \| (\w+) *\| (\S+) \| (\w+) \| (.*)$")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


@dataclass(frozen=True)
class Event:
    """A line of bot.log."""

    name: str
    time: str
    fields: Mapping[str, str]

    def __getitem__(self, field: str) -> str:
        return self.fields[field]


class SystemdBot:
    """The bot in its service user's hands. Nothing starts it until `start_timer`."""

    def __init__(self, machine: Machine, cadence: float = DAY, **settings: str) -> None:
        """With a cadence of a day, a test lives in one slot: shortly before its end, that of the
        next day."""
        if cadence == DAY:
            machine.wait("the next day", lambda: time.time() % DAY < DAY - 45)
        self.machine = machine
        self.cadence = cadence
        self._settings = {
            "SAXO_ENV": "LOCAL",
            "SCHEDULE_CADENCE": f"{cadence:g}s",
            # Neither a busy computer nor the time of day is what is tested here.
            "SCHEDULE_MAX_LATENESS": f"{cadence:g}s",
            "CYCLE_DEADLINE_SECONDS": f"{DEADLINE}",
            **settings,
        }
        self.configure()
        machine.do("useradd", "--system", f"--home-dir={USER_HOME}", "--create-home", USER)
        for name in ("logs", "state"):
            machine.do("install", "-d", "-o", USER, "-m", "0700", f"{HOME}/{name}")
        machine.write(f"{HOME}/paced.py", _PACED)
        machine.write_unit("kept.target", "[Unit]\nDefaultDependencies=no\n")
        self.write_units("default")
        machine.reload()
        machine.do("systemctl", "start", "kept.target")

    def write_units(self, instance: str) -> None:
        """What is rendered for this instance. Known to systemd after `machine.reload`."""
        schedule = example_schedule(
            EVERY_FIVE_MINUTES,
            posix_program(),
            user=USER,
            system=True,
            instance=instance,
            cadence=self.cadence,
        )
        schedule = replace(schedule, deadline=DEADLINE, jitter=0.0)
        units = render(schedule, home=USER_HOME)
        for name, text in units.items():
            self.machine.write_unit(name, text)
        # systemd forgets how a unit ended that nothing refers to.
        kept = f"[Unit]\nAfter=ai-tradebot@{instance}.service\n"
        self.machine.write_unit(f"kept.target.d/{instance}.conf", kept)

    def configure(self, **settings: str) -> None:
        """The settings file, with these changed."""
        self._settings.update(settings)
        lines = [f"{name}={value}\n" for name, value in self._settings.items()]
        self.machine.write(f"{HOME}/.env", "".join(lines))
        self.machine.do("chmod", "0644", f"{HOME}/.env")

    def hold(self, program: str = "") -> None:
        """From now on a run comes to its decision, does this (Python), and stays there until
        `release`."""
        self.configure(
            STRATEGY_NAME="paced:Paced",
            WATCHLIST_JSON='\'[{"asset_type":"Stock","uic":10001}]\'',
        )
        self.machine.write(f"{HOME}/held", program)

    def release(self) -> None:
        (self.machine.home / "held").unlink()

    def drop_in(self, *lines: str, unit: str = SERVICE, name: str = "test") -> None:
        self.machine.write_unit(f"{unit}.d/{name}.conf", "\n".join([*lines, ""]))
        self.machine.reload()

    def start_timer(self) -> None:
        self.machine.do("systemctl", "start", TIMER)

    def stop_timer(self) -> None:
        self.machine.do("systemctl", "stop", TIMER)

    def by_hand(self, *arguments: str) -> int:
        """The bot as its user starts it in a shell; its exit code."""
        command = ("runuser", "-u", USER, "--", PYTHON, f"{HOME}/main.py", "--single-cycle")
        return self.machine.run(*command, *arguments).returncode

    def events(self, *names: str) -> list[Event]:
        """The lines of bot.log with one of these events, oldest first."""
        path = self.machine.home / "logs" / "bot.log"
        if not path.exists():
            return []
        found = []
        for line in path.read_text(encoding="utf-8").splitlines():
            parts = _LINE.match(line)
            if parts and parts[4] in names:
                fields = {key: value.strip('"') for key, value in _FIELD.findall(parts[5])}
                found.append(Event(parts[4], parts[1], fields))
        return found

    def wait_for(self, name: str, count: int = 1) -> Event:
        """The `count`-th line with this event."""

        def come() -> Event | None:
            found = self.events(name)
            return found[count - 1] if len(found) >= count else None

        return self.machine.wait(f"{name} number {count}", come)

    def wait_until_idle(self) -> None:
        """Until no run is under way, and none is about to be tried again."""
        idle = {"inactive", "failed"}
        self.machine.wait(
            "the end of the run", lambda: self.machine.show(SERVICE, "ActiveState") in idle
        )

    def starts(self) -> int:
        """How often systemd has started the service."""
        return sum(
            "Starting " in str(e.get("MESSAGE")) for e in self.machine.journal(SERVICE, whole=True)
        )

    def failures(self) -> list[str]:
        """The exit codes, and numbers of signals, of the runs that systemd says have failed."""
        entries = self.machine.journal(SERVICE)
        return [str(e["EXIT_STATUS"]) for e in entries if "EXIT_STATUS" in e]

    def last_end(self) -> tuple[str, str]:
        """The exit code of the last run, and what systemd says of it."""
        show = self.machine.show
        return show(SERVICE, "ExecMainStatus"), show(SERVICE, "Result")

    def output(self) -> list[dict[str, Any]]:
        """What the bot itself has written to systemd's journal."""
        self.machine.do("journalctl", "--sync")
        text = self.machine.do(
            "journalctl", "--no-pager", "--output=json", "--identifier=ai-tradebot@default"
        )
        return [json.loads(line) for line in text.splitlines()]
