"""`tradebot schedule missed`: settings that changed on the way, and a time that is yet to come."""

from __future__ import annotations

from support.bench import START, Bench
from support.orders_desk import Person
from support.slot_questions import STEP, asks, document, go_to, scheduled, stretches


def runs_now(bench: Bench, **settings: str) -> None:
    """The slot begins; then it is a minute later."""
    bench.cycle(slot=bench.clock.now(), dry_run=False, **settings)
    bench.clock.advance(60)


def test_what_was_changed_makes_nothing_before_the_change_missed(
    bench: Bench, person: Person
) -> None:
    """Slots and hours count by the settings of their time."""
    for _ in range(3):
        scheduled(bench)
    go_to(bench, START + 12 * STEP)
    hourly = {"SCHEDULE_CADENCE": "1h"}
    assert asks(person, **hourly).exit_code == 0  # no run has used it yet
    runs_now(bench, **hourly)
    assert stretches(person, **hourly) == [("15:00", "ran", 4)]
    go_to(bench, START + 36 * STEP)
    window = {"TRADING_HOURS_MODE": "fixed", "TRADING_START": "17:00", "TRADING_END": "20:00"}
    window |= hourly
    runs_now(bench, **window)
    assert stretches(person, **window) == [
        ("15:00", "ran", 4),
        ("17:00", "no-wakeup", 1),
        ("18:00", "ran", 1),
    ]
    go_to(bench, START + 6 * 12 * STEP)
    assert stretches(person, **hourly)[2:] == [("18:00", "ran", 1), ("19:00", "no-wakeup", 1)]
    runs_now(bench, **hourly)
    result = asks(person, **hourly)
    assert "from 2026-03-03T18:00:00Z on other trading hours counted" in result.stderr
    assert stretches(person, **hourly)[3:] == [("19:00", "no-wakeup", 1), ("21:00", "ran", 1)]


def test_a_time_that_is_yet_to_come_is_not_judged(bench: Bench, person: Person) -> None:
    scheduled(bench)
    result = asks(person, "--until", "9999-12-31", TRADING_HOURS_MODE="always")
    assert result.exit_code == 0
    assert "nothing is judged from 2026-03-03T15:10:00Z on" in result.stderr
    assert document(person, "--until", "9999-12-31")["until"] == "2026-03-03T15:10:00Z"
    assert "yet to come" not in asks(person, "--until", "2026-03-03T15:10Z").stderr
