"""What systemd makes of each exit code, and that failures never end the schedule."""

from __future__ import annotations

from functools import partial

import pytest

from support.real_systemd import Machine
from support.systemd_bot import SERVICE, SystemdBot

AGAIN, FAILED, FINE = "started again", "failed", "a success"
TABLE = {
    0: FINE,
    1: AGAIN,
    3: FINE,
    64: FAILED,
    69: AGAIN,
    70: AGAIN,
    74: AGAIN,
    75: FINE,
    77: FAILED,
    78: FAILED,
    124: FAILED,
    143: FINE,
}


def test_every_exit_code_does_what_the_table_says(systemd: Machine) -> None:
    bot = SystemdBot(systemd, cadence=10)
    units = {code: f"ai-tradebot@exit-{code}.service" for code in TABLE}
    for code, unit in units.items():
        bot.write_units(f"exit-{code}")
        ends_with(systemd, unit, code)
    systemd.reload()
    systemd.do("systemctl", "start", "kept.target")
    systemd.do("systemctl", "start", "--no-block", *units.values())

    def restarts(code: int) -> int:
        return int(systemd.show(units[code], "NRestarts"))

    def tried_again(code: int) -> bool:
        return restarts(code) >= 2

    def ended(code: int) -> bool:
        return systemd.show(units[code], "ExecMainExitTimestampMonotonic") != "0"

    for code, fate in TABLE.items():
        systemd.wait(f"an end with {code}", partial(ended, code))
        if fate == AGAIN:
            systemd.wait(f"two more tries after {code}", partial(tried_again, code))
    found = {}
    for code, unit in units.items():
        state = systemd.show(unit, "ActiveState")
        found[code] = AGAIN if restarts(code) else FAILED if state == "failed" else FINE
    assert found == TABLE


def ends_with(systemd: Machine, unit: str, code: int) -> None:
    """Instead of the bot, something that only has this exit code."""
    lines = ("[Service]", "ExecStart=", f"ExecStart=/bin/sh -c 'exit {code}'")
    systemd.write_unit(f"{unit}.d/exit.conf", "\n".join([*lines, ""]))


REAL = {
    "78": {"SAXO_ENV": "MARS"},
    "77": {
        "SAXO_ENV": "SIM",
        "SAXO_APP_KEY": "0123456789abcdef",
        "SAXO_APP_SECRET": "fedcba9876543210",
        "SAXO_REDIRECT_URI": "http://localhost/callback",
        "SAXO_REST_BASE": "http://127.0.0.1:9/sim/openapi",
        "SAXO_AUTH_BASE": "http://127.0.0.1:9",
        "WATCHLIST_JSON": """'[{"asset_type":"Stock","uic":10001}]'""",
    },
    "69": {
        "SAXO_ENV": "SIM",
        "SAXO_AUTH_MODE": "manual",
        "SAXO_ACCESS_TOKEN": "0123456789abcdef0123456789abcdef",
        "SAXO_REST_BASE": "http://127.0.0.1:9/sim/openapi",
        "SAXO_AUTH_BASE": "http://127.0.0.1:9",
        "WATCHLIST_JSON": """'[{"asset_type":"Stock","uic":10001}]'""",
    },
}


@pytest.mark.parametrize("code", REAL)
def test_the_bots_own_exit_codes_arrive(systemd: Machine, code: str) -> None:
    """A setting nobody can mean, no login, a broker that cannot be reached."""
    bot = SystemdBot(systemd, cadence=10)
    bot.configure(**REAL[code])
    systemd.run("systemctl", "start", "--no-block", SERVICE)
    systemd.wait("the end of the run", bot.failures)
    if code == "69":
        systemd.wait("a second try", lambda: systemd.show(SERVICE, "NRestarts") != "0")
    else:
        assert systemd.show(SERVICE, "NRestarts") == "0"
        assert systemd.show(SERVICE, "ActiveState") == "failed"
    assert set(bot.failures()) == {code}


def test_a_row_of_failures_does_not_end_the_schedule(systemd: Machine) -> None:
    """And it would by systemd's own limit, made longer here to be seen: by it a plain unit goes."""
    limit = "DefaultStartLimitIntervalSec=1h\nDefaultStartLimitBurst=3\n"
    systemd.write("/etc/systemd/system.conf.d/limit.conf", f"[Manager]\n{limit}")
    systemd.write_unit("plain.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    systemd.write_unit("plain.timer", "[Timer]\nOnCalendar=*:*:*\nAccuracySec=1s\n")
    bot = SystemdBot(systemd, cadence=1)
    ends_with(systemd, SERVICE, 78)
    systemd.reload()
    bot.start_timer()
    systemd.do("systemctl", "start", "plain.timer")

    systemd.wait("five failures", lambda: len(bot.failures()) >= 5)
    systemd.wait("the end of the plain one", lambda: said_too_often(systemd))
    plain = systemd.journal("plain.service", whole=True)
    assert sum("EXIT_STATUS" in entry for entry in plain) == 3
    assert systemd.show("plain.timer", "ActiveState") == "active", "it looks alive"


def said_too_often(systemd: Machine) -> bool:
    return any("too quickly" in str(e["MESSAGE"]) for e in systemd.journal("plain.service"))
