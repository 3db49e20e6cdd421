"""The night in which an hour comes twice, lived through by systemd itself on a moved clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.native import WallClock
from support.real_systemd import machine
from support.systemd_bot import SystemdBot

_CADENCE = 900
_MIDNIGHT = datetime(2026, 10, 25, tzinfo=UTC)
"""At 01:00 UTC, London's clocks go from 02:00 back to 01:00."""
_SLOTS = [_MIDNIGHT + timedelta(seconds=_CADENCE * n) for n in range(1, 10)]
_LOCAL = "local-hours"


def test_a_timer_in_utc_fires_in_every_slot_and_one_in_local_time_does_not(tmp_path: Path) -> None:
    clock = WallClock(tmp_path)
    clock.set_to((_MIDNIGHT + timedelta(minutes=5)).isoformat())
    folder = tmp_path / "machine"
    folder.mkdir()
    with machine(folder, zone="Europe/London", clock=clock) as systemd:
        bot = SystemdBot(systemd, cadence=_CADENCE)
        moved = [f"Environment={name}={value}" for name, value in systemd.moved_clock().items()]
        bot.drop_in("[Service]", *moved)
        systemd.write_unit(f"{_LOCAL}.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
        systemd.write_unit(
            f"{_LOCAL}.timer", "[Timer]\nOnCalendar=*:0/15\nAccuracySec=1s\nPersistent=false\n"
        )
        systemd.reload()
        bot.start_timer()
        systemd.do("systemctl", "start", f"{_LOCAL}.timer")
        for count, slot in enumerate(_SLOTS, start=1):
            clock.set_to((slot + timedelta(seconds=2)).isoformat())
            systemd.do(
                "systemctl", "show", "--property=Version"
            )  # wakes it up to look at the clock
            assert bot.wait_for("cycle_end", count)["slot"] == f"{slot:%Y-%m-%dT%H:%M:%SZ}"
        found = systemd.journal(f"{_LOCAL}.service", whole=True)
        assert not bot.events("schedule_runs_missed", "cycle_skip_slot")
    starts = [entry["MESSAGE"] for entry in found if "Starting" in str(entry["MESSAGE"])]
    # Without the four of the hour that comes a second time.
    assert len(starts) == len(_SLOTS) - 4
