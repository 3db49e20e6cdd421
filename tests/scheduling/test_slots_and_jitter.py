"""Slots, lateness and jitter: pure, the same for the same input, and within their bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.scheduling.jitter import jitter_seconds
from tradebot.scheduling.slots import first_slot_after, is_late, lateness, slot_start

MOMENTS = st.datetimes(
    datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
CADENCES = st.sampled_from([1, 30, 60, 90, 300, 900, 3600, 14400, 86400])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "cadence", "offset", "slot"),
    [
        ("2025-12-17 07:12:03.214", 300, 0, "2025-12-17 07:10"),
        ("2025-12-17 07:15:00", 300, 0, "2025-12-17 07:15"),
        ("2025-12-17 07:14:59.999999", 300, 0, "2025-12-17 07:10"),
        ("2025-12-17 07:15:19", 300, 20, "2025-12-17 07:10:20"),
        ("2025-12-17 07:15:20", 300, 20, "2025-12-17 07:15:20"),
        ("2025-12-17 00:00:10", 86400, 3600, "2025-12-16 01:00"),
    ],
)
def test_the_slot_a_moment_lies_in(now: str, cadence: float, offset: float, slot: str) -> None:
    assert slot_start(utc(now), cadence, offset) == utc(slot)


@settings(deadline=None)
@given(MOMENTS, CADENCES, st.floats(0, 0.999))
def test_every_moment_lies_in_exactly_one_slot(now: datetime, cadence: int, share: float) -> None:
    offset = round(cadence * share, 3)
    slot = slot_start(now, cadence, offset)
    after = first_slot_after(now, cadence, offset)
    assert slot <= now < after
    assert after - slot == timedelta(seconds=cadence)
    assert slot_start(slot, cadence, offset) == slot
    assert slot_start(after, cadence, offset) == after
    epoch = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=offset)
    assert (slot - epoch) % timedelta(seconds=cadence) == timedelta(0)


@settings(deadline=None)
@given(MOMENTS, CADENCES)
def test_slots_begin_at_the_same_times_every_day(now: datetime, cadence: int) -> None:
    slot = slot_start(now, cadence)
    assert slot_start(now + timedelta(days=1), cadence) == slot + timedelta(days=1)


def test_slots_do_not_depend_on_the_zone_of_the_clock() -> None:
    now = utc("2026-10-25 01:07")
    eastern = now.astimezone(tz=None)
    assert slot_start(eastern, 300) == slot_start(now, 300)


def test_lateness_is_counted_from_the_slots_beginning() -> None:
    slot = utc("2025-12-17 07:15")
    now = utc("2025-12-17 07:17:30")
    assert lateness(now, slot) == 150
    assert not is_late(now, slot, 150)
    assert is_late(now + timedelta(microseconds=1), slot, 150)


@settings(deadline=None)
@given(
    st.floats(0, 3600), CADENCES, st.text(max_size=20), st.text(max_size=20), MOMENTS
)  # fmt: skip
def test_jitter_stays_within_its_bounds(
    maximum: float, cadence: int, host: str, instance: str, slot: datetime
) -> None:
    wait = jitter_seconds(maximum, cadence, host=host, instance=instance, slot=slot)
    assert 0 <= wait <= min(maximum, cadence * 0.2)
    again = jitter_seconds(maximum, cadence, host=host, instance=instance, slot=slot)
    assert wait == again


def test_no_jitter_is_none() -> None:
    slot = utc("2025-12-17 07:15")
    assert jitter_seconds(0, 300, host="h", instance="i", slot=slot) == 0


def test_jitter_spreads_slots_hosts_and_instances_over_the_whole_range() -> None:
    def waits(count: int) -> list[float]:
        start = utc("2025-12-17 07:15")
        return [
            jitter_seconds(
                60,
                300,
                host=f"host-{number % 7}",
                instance=f"bot-{number % 3}",
                slot=start + timedelta(minutes=5 * number),
            )
            for number in range(count)
        ]

    found = waits(600)
    assert min(found) < 2
    assert max(found) > 58
    assert 27 < sum(found) / len(found) < 33
    slot = utc("2025-12-17 07:15")
    by_host = {jitter_seconds(60, 300, host=h, instance="i", slot=slot) for h in "abcdef"}
    by_instance = {jitter_seconds(60, 300, host="h", instance=i, slot=slot) for i in "abcdef"}
    assert len(by_host) == len(by_instance) == 6
