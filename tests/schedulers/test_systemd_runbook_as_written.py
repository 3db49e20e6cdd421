"""docs/runbooks/systemd.md, typed in from the first line to the last on a machine of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.program import ROOT
from support.real_systemd import HOME, Machine
from support.systemd_bot import SERVICE, TIMER

_PAGE = ROOT / "docs" / "runbooks" / "systemd.md"
_PAPER = "ai-tradebot@paper"
_FAILS = "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exit 69'\nRestartSec=200ms\n"


def blocks(section: str, kind: str) -> list[str]:
    """What stands between fences of this kind in the part of the page below this heading, or, with
    an empty one, everywhere."""
    page = _PAGE.read_text(encoding="utf-8")
    if section:
        page = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [text for found, text in fenced if found == kind]


@pytest.fixture
def made(systemd: Machine) -> Machine:
    """The clone, on which `make` has nothing left to do: a machine without a network."""
    for name in ("Makefile", "requirements/run.txt"):
        systemd.write(f"{HOME}/{name}", (ROOT / name).read_text(encoding="utf-8"))
    for stamp in (".made", ".ready-to-run"):
        (systemd.home / ".venv" / stamp).touch()
    return systemd


def typed(systemd: Machine, *texts: str) -> str:
    """A root shell into which this is typed, and which ends at the first command that fails."""
    done = systemd.run("sh", "-eux", stdin="".join([f"cd {HOME}\n", *texts]))
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{said}\n{systemd.story()}"
    return said


def installed(systemd: Machine) -> list[str]:
    folder = systemd.folder / "etc" / "systemd" / "system"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_all_commands_in_order_lead_to_an_approved_schedule_and_back(made: Machine) -> None:
    *steps, last = blocks("", "sh")
    said = typed(made, *steps)
    assert said.count(": approved (0 errors, 0 warnings") == 2, said
    assert installed(made) == [SERVICE, TIMER, f"timers.target.wants/{TIMER}"]
    assert made.show(TIMER, "ActiveState") == "active"
    log = (made.home / "logs" / "bot.log").read_text(encoding="utf-8")
    assert log.count("| startup_begin |") >= 2, "by hand, and by systemd"
    assert log.count("| ERROR |") == 0
    said = typed(made, *blocks("1. A user and the program", "sh")[1:], last)
    assert installed(made) == []


def set_up(systemd: Machine) -> str:
    """The user, the folders, the settings."""
    chosen = ("1. A user and the program", "2. Settings")
    return "".join(text for section in chosen for text in blocks(section, "sh")[:2])


def test_a_second_bot_with_settings_of_its_own(made: Machine) -> None:
    named, _ = blocks("Several bots", "")
    verify = named.splitlines()[-1].replace(" install ", " verify ")
    assert "approved" in typed(made, set_up(made), named.replace("--env", "--yes --env"), verify)
    typed(made, f"systemctl start {_PAPER}.service")
    assert (Path(made.home) / "state" / "paper").is_dir()


def test_template_units_that_are_copied(made: Machine) -> None:
    named, copied = blocks("Several bots", "")
    settings = named.splitlines(keepends=True)[:-1]
    typed(made, set_up(made), *settings, copied)
    assert made.show(f"{_PAPER}.timer", "ActiveState") == "active"
    typed(made, f"systemctl start {_PAPER}.service")
    assert (Path(made.home) / "state" / "paper").is_dir()
    assert '"--single-cycle --scheduled' in (made.home / "logs" / "bot.log").read_text()


def test_the_runs_stop_when_the_runbook_says_so(made: Machine) -> None:
    """Also those that systemd itself repeats, which are none of the timer's."""
    page = _PAGE.read_text(encoding="utf-8")
    [sentence] = re.findall(r"^To stop the runs: (.*?)\.\s", page, re.DOTALL | re.MULTILINE)
    install = blocks("4. Install it", "sh")
    made.write(f"/etc/systemd/system/{SERVICE}.d/fails.conf", _FAILS)
    typed(made, set_up(made), *install, f"systemctl start --no-block {SERVICE}")
    made.wait("a second try", lambda: made.show(SERVICE, "NRestarts") != "0")
    commands = re.findall(r"`(.*?)`", " ".join(sentence.split()))
    typed(made, *(f"{command}\n" for command in commands))
    assert made.show(SERVICE, "ActiveState") in {"inactive", "failed"}
    assert made.show(TIMER, "ActiveState") == "inactive"
