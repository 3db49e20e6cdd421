"""Without root: the units of one user, run by that user's own systemd."""

from __future__ import annotations

import subprocess

from support.real_systemd import HOME, Machine
from support.systemd_bot import SERVICE, TIMER

_UID = "1500"
_FOLDER = "home/alice/.config/systemd/user"
# What logging in does where logind runs.
_MANAGER = f"""\
[Service]
Type=notify
User={_UID}
Delegate=yes
Environment=XDG_RUNTIME_DIR=/run/user/{_UID}
ExecStart=/lib/systemd/systemd --user
"""


def alice(systemd: Machine, *argv: str) -> subprocess.CompletedProcess[str]:
    become = ("setpriv", f"--reuid={_UID}", f"--regid={_UID}", "--init-groups")
    own = {"HOME": "/home/alice", "XDG_RUNTIME_DIR": f"/run/user/{_UID}"}
    return systemd.run(*become, *argv, env=own)


def schedule(systemd: Machine, *arguments: str) -> str:
    done = alice(systemd, f"{HOME}/.venv/bin/tradebot", "schedule", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_users_own_timer_is_installed_runs_and_is_taken_away(systemd: Machine) -> None:
    systemd.do("useradd", "--create-home", f"--uid={_UID}", "alice")
    own = ("install", "-d", "-o", "alice", "-m", "700")
    systemd.do(*own, f"/run/user/{_UID}", f"{HOME}/logs", f"{HOME}/state")
    systemd.write(f"{HOME}/.env", "SAXO_ENV=LOCAL\nSCHEDULE_CADENCE=5s\n")
    systemd.do("chown", "alice", f"{HOME}/.env")
    systemd.do("chmod", "0600", f"{HOME}/.env")
    systemd.write_unit("manager.service", _MANAGER)
    systemd.reload()
    systemd.do("systemctl", "start", "manager.service")

    said = schedule(systemd, "install", "systemd", "--yes")
    assert f"+++ /{_FOLDER}/{SERVICE}" in said
    log = systemd.home / "logs" / "bot.log"

    def ran() -> bool:
        return log.exists() and "| cycle_end |" in log.read_text(encoding="utf-8")

    systemd.wait("a cycle", ran)
    first = log.read_text(encoding="utf-8").splitlines()[0]
    assert f"trigger_unit={TIMER}" in first
    assert "approved" in schedule(systemd, "verify", "systemd")
    schedule(systemd, "status", "systemd")
    schedule(systemd, "uninstall", "systemd", "--yes")
    units = systemd.do("find", f"/{_FOLDER}", "-name", "ai-tradebot*")
    assert units == ""
    timers = alice(systemd, "systemctl", "--user", "list-units", "--all", "--plain", "--no-legend")
    assert timers.returncode == 0
    assert TIMER not in timers.stdout
