"""The deadline counts on two clocks, and the stricter one decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradebot.clock import ManualClock
from tradebot.scheduling.deadline import Deadline

NOW = datetime(2025, 12, 17, 7, 15, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def test_it_passes_when_its_time_is_over_and_not_before(clock: ManualClock) -> None:
    deadline = Deadline(clock, 10)
    assert deadline.at == NOW + timedelta(seconds=10)
    clock.advance(9.5)
    assert (deadline.time_left(), deadline.passed) == (0.5, False)
    clock.advance(0.5)
    assert (deadline.time_left(), deadline.passed) == (0, True)
    clock.advance(100)
    assert (deadline.time_left(), deadline.passed) == (0, True)


def test_a_wall_clock_stepped_forward_makes_it_pass(clock: ManualClock) -> None:
    deadline = Deadline(clock, 10)
    clock.step(11)
    assert deadline.passed


def test_a_wall_clock_stepped_back_does_not_stretch_it(clock: ManualClock) -> None:
    deadline = Deadline(clock, 10)
    clock.step(-3600)
    assert deadline.time_left() == pytest.approx(10)
    clock.advance(10)
    assert deadline.passed


def test_by_default_it_is_240_seconds_from_the_start(clock: ManualClock) -> None:
    assert Deadline.for_run(clock).at == NOW + timedelta(seconds=240)


def test_with_a_slot_it_is_80_percent_of_the_cadence_from_the_slots_beginning(
    clock: ManualClock,
) -> None:
    slot = NOW - timedelta(seconds=30)
    deadline = Deadline.for_run(clock, slot=slot, cadence=300)
    assert deadline.at == slot + timedelta(seconds=240)
    assert deadline.time_left() == pytest.approx(210)


def test_a_run_that_starts_after_its_slots_deadline_has_passed_it(clock: ManualClock) -> None:
    slot = NOW - timedelta(seconds=290)
    assert Deadline.for_run(clock, slot=slot, cadence=300).passed


def test_a_configured_one_counts_from_the_start_of_the_run(clock: ManualClock) -> None:
    slot = NOW - timedelta(seconds=30)
    deadline = Deadline.for_run(clock, configured=60, slot=slot, cadence=300)
    assert deadline.at == NOW + timedelta(seconds=60)
