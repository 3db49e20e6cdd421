"""A cadence as moments of a day: what schedulers are told is where slots begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.deploy.grid import DAY, moments, starts_of_day, step_of
from tradebot.scheduling.slots import slot_start

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DIVIDERS = [n for n in range(1, DAY + 1) if DAY % n == 0]


@given(
    st.sampled_from([n for n in DIVIDERS if n >= 30]),
    st.integers(0, DAY),
    st.integers(0, DAY - 1),
)
def test_a_start_is_where_the_slot_changes_and_nowhere_else(
    cadence: int, offset: int, second: int
) -> None:
    now = MIDNIGHT + timedelta(seconds=second)
    begins = slot_start(now, cadence, offset) == now
    assert (second in starts_of_day(cadence, offset)) is begins


def test_a_part_of_a_second_is_rounded_up_so_that_no_run_starts_before_its_slot() -> None:
    starts = starts_of_day(300, 0.25)
    assert starts[0] == 1
    assert all(
        slot_start(MIDNIGHT + timedelta(seconds=s), 300, 0.25)
        > slot_start(MIDNIGHT + timedelta(seconds=s - 1), 300, 0.25)
        for s in starts
    )


@given(st.sampled_from([n for n in DIVIDERS if n >= 60]), st.integers(0, 3599))
def test_folding_loses_no_moment_and_adds_none(cadence: int, offset: int) -> None:
    starts = starts_of_day(cadence, offset)
    unfolded = [
        hour * 3600 + minute * 60 + second
        for group in moments(starts)
        for hour, minute, second in product(*group)
    ]
    assert sorted(unfolded) == list(starts)


@pytest.mark.parametrize(
    ("cadence", "groups"), [(60, 1), (300, 1), (3600, 1), (14400, 1), (90, 2), (2700, 3)]
)
def test_what_can_be_said_in_one_line_is(cadence: int, groups: int) -> None:
    assert len(moments(starts_of_day(cadence))) == groups


@pytest.mark.parametrize(
    ("values", "length", "step"),
    [
        ((0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55), 60, 5),
        ((3, 18, 33, 48), 60, 15),
        (tuple(range(24)), 24, 1),
        ((0,), 60, None),
        ((0, 5, 10), 60, None),
        ((5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55), 60, None),
        ((0, 7, 13), 60, None),
    ],
)
def test_a_step_fills_the_whole_range(
    values: tuple[int, ...], length: int, step: int | None
) -> None:
    assert step_of(values, length) == step
