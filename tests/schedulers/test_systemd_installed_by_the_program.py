"""`tradebot schedule` against a real systemd: installed, verified, running, changed, taken away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.real_systemd import HOME, Machine
from support.systemd_bot import SERVICE, TIMER, USER, USER_HOME

_SETTINGS = "SAXO_ENV=LOCAL\nSCHEDULE_CADENCE=5s\n"
_WHERE = ("systemd", "--system", f"--user={USER}")


@pytest.fixture
def prepared(systemd: Machine) -> Machine:
    """The user is there, and the settings."""
    systemd.do("useradd", "--system", f"--home-dir={USER_HOME}", "--create-home", USER)
    systemd.write(f"{HOME}/.env", _SETTINGS)
    systemd.do("chown", f"root:{USER}", f"{HOME}/.env")
    systemd.do("chmod", "0640", f"{HOME}/.env")
    return systemd


def schedule(systemd: Machine, command: str, *more: str) -> tuple[int, str]:
    done = systemd.run(f"{HOME}/.venv/bin/tradebot", "schedule", command, *_WHERE, *more)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def units(systemd: Machine) -> dict[str, str]:
    """All that stands where systemd looks for units of this machine."""
    folder = systemd.folder / "etc" / "systemd" / "system"
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else text(path)
        for path in files
    }


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_from_nothing_to_a_schedule_that_runs_and_back(prepared: Machine) -> None:
    code, said = schedule(prepared, "install", "--yes")
    assert code == 0, said
    assert set(units(prepared)) == {SERVICE, TIMER, f"timers.target.wants/{TIMER}"}
    for line in ("OnCalendar=*-*-* *:*:00/5 UTC", f"$ systemctl enable --now {TIMER}"):
        assert line in said

    log = prepared.home / "logs" / "bot.log"
    prepared.wait("a cycle", lambda: log.exists() and "| cycle_end |" in text(log))
    code, said = schedule(prepared, "verify")
    assert code == 0, said
    code, said = schedule(prepared, "status", "--output=json")
    assert code == 0, said
    status = json.loads(said)
    assert {status[name] for name in ("installed", "as rendered", "active")} == {"yes"}

    before = units(prepared)
    code, said = schedule(prepared, "install", "--yes")
    assert code == 0, said
    assert units(prepared) == before
    assert "$ " not in said, "nothing is done a second time"

    code, said = schedule(prepared, "uninstall", "--yes")
    assert code == 0, said
    assert units(prepared) == {}
    assert TIMER not in prepared.do("systemctl", "list-units", "--all", "--plain", "--no-legend")
    assert schedule(prepared, "status")[0] == 1
    assert schedule(prepared, "uninstall", "--yes")[0] == 0
    assert log.exists(), "what the bot has written stays"


def test_a_changed_cadence_is_shown_and_then_counts(prepared: Machine) -> None:
    assert schedule(prepared, "install", "--yes")[0] == 0
    prepared.write(f"{HOME}/.env", _SETTINGS.replace("CADENCE=5s", "CADENCE=1h"))
    assert schedule(prepared, "status")[0] == 1
    code, said = schedule(prepared, "verify")
    assert code == 1, said
    code, said = schedule(prepared, "install", "--yes")
    assert code == 0, said
    assert "-OnCalendar=*-*-* *:*:00/5 UTC" in said
    assert "+OnCalendar=*-*-* *:00:00 UTC" in said
    assert "*:00:00 UTC" in prepared.show(TIMER, "TimersCalendar")
    code, said = schedule(prepared, "verify")
    assert code == 0, said


def test_a_unit_that_somebody_wrote_by_hand_is_judged_and_comes_back(prepared: Machine) -> None:
    by_hand = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
    prepared.write_unit(SERVICE, by_hand)
    prepared.write_unit(TIMER, "[Timer]\nOnCalendar=*:0/5 Europe/London\n")
    prepared.reload()
    code, said = schedule(prepared, "verify")
    assert code == 1
    assert "UTC" in said
    assert schedule(prepared, "install", "--yes")[0] == 0
    code, said = schedule(prepared, "verify")
    assert code == 0, said
    code, said = schedule(prepared, "uninstall", "--yes")
    assert code == 0, said
    assert units(prepared)[SERVICE] == by_hand


def test_a_user_who_is_not_there_is_named_before_anything_changes(prepared: Machine) -> None:
    prepared.do("userdel", USER)
    code, said = schedule(prepared, "install", "--yes")
    assert code != 0
    assert f"useradd --system --create-home --home-dir {USER_HOME}" in said
    assert units(prepared) == {}
