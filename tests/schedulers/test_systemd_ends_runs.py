"""A run that systemd ends: by the time-out, which nothing survives, or because it was asked to."""

from __future__ import annotations

from support.real_systemd import Machine
from support.systemd_bot import DEADLINE, SERVICE, SystemdBot
from tradebot.deploy.model import KILL_MARGIN
from tradebot.scheduling.deadline import HANG_GRACE_SECONDS

_CHILD = "sleep 86399"
_STUBBORN = f"""\
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["setsid", *"{_CHILD}".split()])
"""


def test_the_time_out_kills_all_of_a_hung_run_and_its_slot_is_tried_once_more(
    systemd: Machine,
) -> None:
    bot = SystemdBot(systemd)
    rendered = (systemd.folder / "etc/systemd/system" / SERVICE).read_text()
    # Behind the bot's own watchdog.
    assert f"TimeoutStartSec={DEADLINE + HANG_GRACE_SECONDS + KILL_MARGIN:g}s" in rendered
    bot.drop_in("[Service]", "TimeoutStartSec=5", "TimeoutStopSec=200ms", "RestartSec=1")
    bot.hold(_STUBBORN)
    systemd.run("systemctl", "start", "--no-block", SERVICE)
    first = bot.wait_for("cycle_begin")
    systemd.wait("the kill", bot.failures)
    assert systemd.run("pgrep", "-f", _CHILD).returncode == 1
    bot.release()
    second = bot.wait_for("run_killed_found")
    assert second["killed_run_id"] == first["run_id"]
    assert second["phase"] == "decide"
    assert bot.wait_for("cycle_end")["exit_code"] == "0"
    bot.wait_until_idle()
    systemd.do("systemctl", "start", SERVICE)
    assert bot.wait_for("cycle_skip_slot")["reason"] == "taken"
    assert {event["slot"] for event in bot.events("cycle_begin")} == {first["slot"]}
    assert bot.failures() == ["9"]
    assert bot.last_end() == ("0", "success")


def test_a_run_that_is_stopped_ends_in_order_and_is_no_failure(systemd: Machine) -> None:
    bot = SystemdBot(systemd)
    bot.hold()
    systemd.run("systemctl", "start", "--no-block", SERVICE)
    bot.wait_for("cycle_begin")
    systemd.do("systemctl", "stop", "--no-block", SERVICE)
    systemd.wait("SIGTERM", lambda: systemd.show(SERVICE, "ActiveState") == "deactivating")
    bot.release()
    end = bot.wait_for("cycle_end")
    bot.wait_until_idle()
    assert end["exit_code"] == "143"
    assert bot.last_end() == ("143", "success")
    assert systemd.show(SERVICE, "ActiveState") == "inactive"
    systemd.do("systemctl", "start", SERVICE)
    assert not bot.events("run_killed_found")
