"""Settings changed between two runs, nobody knows when: no more is missed than must have been."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradebot.journal import Grid
from tradebot.scheduling.expected_slots import expected_slots, hours_text
from tradebot.scheduling.hours import HoursConfig, Run, decide
from tradebot.scheduling.slots import slot_start

ALWAYS = HoursConfig("always")
BEGIN = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
"""In Copenhagen the clock changes an hour later."""
MINUTE = timedelta(minutes=1)
Settings = tuple[int, int, HoursConfig]


@st.composite
def hours(draw: st.DrawFn) -> HoursConfig:
    if draw(st.booleans()):
        return ALWAYS
    start, end = (time(draw(st.integers(0, 23)), draw(st.integers(0, 59))) for _ in range(2))
    return HoursConfig("fixed", frozenset(range(7)), start, end, "Europe/Copenhagen")


plans = st.tuples(
    st.sampled_from([1, 5, 6, 10, 15, 20, 30, 60, 120]), st.sampled_from([0, 0, 2, 7]), hours()
)


def expects(plan: Settings, moment: datetime) -> bool:
    cadence, offset, config = plan
    cadence, offset = 60 * cadence, 60 * offset % (60 * cadence)
    on_grid = slot_start(moment, cadence, offset) == moment
    return on_grid and isinstance(decide(moment, config), Run)


def grid(plan: Settings, since: datetime, after: datetime | None = None) -> Grid:
    cadence, offset, config = plan
    return Grid(since, 60 * cadence, 60 * offset % (60 * cadence), hours_text(config), after)


@settings(deadline=None, max_examples=150)
@given(plans, plans, st.integers(1, 900), st.sets(st.integers(1, 900), max_size=6))
@example((5, 0, ALWAYS), (60, 0, ALWAYS), 40, set())
@example((5, 0, ALWAYS), (5, 2, ALWAYS), 7, set())
@example((5, 0, ALWAYS), (5, 2, ALWAYS), 32, {5, 10})
@example((5, 0, ALWAYS), (5, 2, ALWAYS), 700, set())
def test_so_many_had_no_run_whenever_the_change_was(
    old: Settings, new: Settings, minutes: int, rows: set[int]
) -> None:
    grids = [grid(old, BEGIN), grid(new, BEGIN + minutes * MINUTE, BEGIN)]
    recorded = [BEGIN, *(BEGIN + row * MINUTE for row in sorted(rows))]
    found = list(
        expected_slots(
            BEGIN + timedelta(microseconds=1), grids[1].since, grids, ALWAYS, None, recorded
        )
    )
    told = [one.slot(number) for one in found for number in range(one.count)]
    assert told == sorted(set(told))
    assert not set(told) & set(recorded)
    # Each moment of the change, and what then had no run.
    moments = [BEGIN + number * MINUTE for number in range(1, minutes)]
    moments = [moment for moment in moments if moment not in recorded]
    missed = sum(expects(new, moment) for moment in moments)
    least = missed
    for moment in moments:
        missed += expects(old, moment) - expects(new, moment)
        least = min(least, missed)
    assert len(told) <= least
    if old == new or (old[2] == new[2] == ALWAYS and not any(row < minutes for row in rows)):
        assert len(told) == least
    assert all(decide(moment, plan[2]) == Run() for moment in told for plan in (old, new))
