"""The rendered timer starts the rendered service, and a whole cycle runs inside its sandbox."""

from __future__ import annotations

import json

from support.real_systemd import HOME, Machine
from support.systemd_bot import SERVICE, TIMER, SystemdBot


def test_the_timer_starts_a_cycle_that_trades_and_says_so(systemd: Machine) -> None:
    bot = SystemdBot(systemd, cadence=5)
    bot.start_timer()
    end = bot.wait_for("cycle_end")
    bot.stop_timer()
    bot.wait_until_idle()
    assert end["exit_code"] == "0"
    assert end["placed"] == "1", "the simulator was asked over the machine's loopback"
    assert systemd.show(SERVICE, "Result") == "success"
    [started] = bot.events("startup_begin")[:1]
    assert started["trigger_unit"] == TIMER
    assert started["argv"] == "--single-cycle --scheduled --jitter-seconds-max=0"
    # What it wrote is its user's alone.
    modes = systemd.do("find", f"{HOME}/logs", f"{HOME}/state", "-printf", "%u %m\n").split("\n")
    assert {line for line in modes if line} == {"tradebot 700", "tradebot 600"}


def test_systemds_journal_has_every_line_with_its_priority(systemd: Machine) -> None:
    bot = SystemdBot(systemd, cadence=5)
    systemd.do("systemctl", "start", SERVICE)
    bot.configure(SAXO_ENV="MARS")
    systemd.run("systemctl", "start", SERVICE)
    log = (systemd.home / "logs" / "bot.log").read_text(encoding="utf-8").splitlines()
    entries = {str(entry["MESSAGE"]): entry for entry in bot.output()}
    # The journal has times of its own.
    lines = {text: entry for text, entry in entries.items() if " | " in text}
    assert [line.split(" | ", 1)[1] for line in log] == list(lines)
    assert {entry["_SYSTEMD_UNIT"] for entry in entries.values()} == {SERVICE}
    priorities = {text.split(" ", 1)[0]: entry["PRIORITY"] for text, entry in lines.items()}
    assert priorities == {"INFO": "6", "WARN": "4", "FATAL": "2"}


def test_the_sandbox_is_as_tight_as_is_promised(systemd: Machine) -> None:
    SystemdBot(systemd, cadence=5)
    table = systemd.do("systemd-analyze", "security", "--no-pager", "--json=short", SERVICE)
    lines = json.loads(table)
    verdict = systemd.do("systemd-analyze", "security", "--no-pager", SERVICE).splitlines()[-1]
    score = float(verdict.split(":")[1].split()[0])
    open_points = [line["name"] for line in lines if line["set"] is False]
    assert score <= 2.0, f"{verdict}: {open_points}"


def test_systemd_finds_nothing_to_complain_about(systemd: Machine) -> None:
    SystemdBot(systemd, cadence=5)
    done = systemd.run("systemd-analyze", "verify", "--recursive-errors=yes", SERVICE, TIMER)
    assert (done.returncode, done.stderr) == (0, "")
    said = systemd.journal("init.scope", whole=True)
    loud = [str(entry["MESSAGE"]) for entry in said if int(entry["PRIORITY"]) <= 4]
    assert said
    assert not [line for line in loud if "ai-tradebot" in line]
