"""Whatever systemd does with a timer, a slot has one run, and no two runs are under way at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.real_systemd import HOME, PYTHON, Machine
from support.systemd_bot import SERVICE, TIMER, USER, SystemdBot

_GRID = 2


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_long_run_is_not_joined_by_another_and_the_next_has_a_slot_of_its_own(
    systemd: Machine,
) -> None:
    bot = SystemdBot(systemd, cadence=_GRID)
    bot.hold()
    bot.start_timer()
    first = bot.wait_for("cycle_begin")
    two_later = moment(first["slot"]) + timedelta(seconds=2 * _GRID + 1)
    systemd.wait("two more slots", lambda: datetime.now(UTC) > two_later)
    assert bot.starts() == 1
    bot.release()
    end = bot.wait_for("cycle_end")
    # systemd starts the next run at once, in the middle of a slot.
    second = bot.wait_for("cycle_begin", 2)
    bot.stop_timer()
    assert bot.events("startup_begin")[1].time >= end.time
    assert moment(second["slot"]) + timedelta(seconds=_GRID) > moment(end.time)
    slots = [event["slot"] for event in bot.events("cycle_begin")]
    assert len(set(slots)) == len(slots)


def test_a_run_by_hand_beside_one_of_the_timer_leaves_with_75(systemd: Machine) -> None:
    bot = SystemdBot(systemd)
    bot.hold()
    systemd.do("systemctl", "start", "--no-block", SERVICE)
    bot.wait_for("cycle_begin")
    assert bot.by_hand() == 75
    bot.release()
    bot.wait_until_idle()
    [overlap] = bot.events("cycle_skip_overlap")
    assert "phase" in overlap["holder"]
    assert [event["exit_code"] for event in bot.events("cycle_end")] == ["0"]


def test_a_timers_run_beside_one_by_hand_is_a_success_for_systemd(systemd: Machine) -> None:
    bot = SystemdBot(systemd)
    bot.hold()
    command = (PYTHON, f"{HOME}/main.py", "--single-cycle")
    systemd.do("systemd-run", "--unit=by-hand", f"--uid={USER}", *command)
    bot.wait_for("cycle_begin")
    systemd.do("systemctl", "start", SERVICE)
    assert bot.last_end() == ("75", "success")
    bot.release()


def test_a_timer_that_fires_once_more_after_a_reload_finds_its_slot_taken(
    systemd: Machine,
) -> None:
    """A calendar that is changed is looked at from the last run on: what then lies in the past
    is made up for at once."""
    bot = SystemdBot(systemd)
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    once(bot, soon)
    bot.start_timer()
    bot.wait_for("cycle_end")
    bot.wait_until_idle()
    past = soon + timedelta(seconds=1)
    systemd.wait("a second more", lambda: datetime.now(UTC) > past)
    once(bot, past)
    skipped = bot.wait_for("cycle_skip_slot")
    bot.wait_until_idle()
    assert bot.starts() == 2
    assert skipped["reason"] == "taken"
    assert [event["slot"] for event in bot.events("cycle_begin")] == [skipped["slot"]] * 2
    assert systemd.show(SERVICE, "Result") == "success"


def once(bot: SystemdBot, when: datetime) -> None:
    """The calendar is this moment, and one long after the test."""
    calendar = [f"OnCalendar={when:%Y-%m-%d %H:%M:%S} UTC", "OnCalendar=2199-01-01 UTC"]
    bot.drop_in("[Timer]", "OnCalendar=", *calendar, unit=TIMER)
