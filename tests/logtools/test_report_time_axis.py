"""From time to place: in order, in proportion, and long emptiness folded."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.logtools.report.scale import Scale, folded

NOON = 1_765_972_800.0  # 2025-12-17T12:00:00Z


def test_a_moment_is_where_its_share_of_the_time_is() -> None:
    scale = Scale(NOON, NOON + 10)
    assert [scale.percent(NOON + part) for part in (0, 2.5, 10)] == [0, 25, 100]


def test_a_long_emptiness_is_folded_and_the_rest_keeps_its_proportions() -> None:
    scale = folded([(NOON, NOON + 1), (NOON + 3600, NOON + 3601)])
    (fold,) = scale.folds
    assert (fold.start, fold.end) == (NOON + 1, NOON + 3600)
    first = scale.percent(NOON + 1) - scale.percent(NOON)
    second = scale.percent(NOON + 3601) - scale.percent(NOON + 3600)
    assert first == pytest.approx(second)
    assert first > 45
    assert scale.percent(NOON + 3601) == pytest.approx(100)


def test_what_lasts_long_is_not_folded() -> None:
    assert folded([(NOON, NOON + 1), (NOON + 1, NOON + 3600)]).folds == ()
    assert folded([(NOON, NOON), (NOON + 0.5, NOON + 0.5)]).folds == ()


spans = st.lists(
    st.tuples(st.integers(0, 10_000_000), st.integers(0, 100_000)).map(
        lambda pair: (NOON + pair[0] / 1000, NOON + (pair[0] + pair[1]) / 1000)
    ),
    min_size=1,
    max_size=12,
)


@given(spans)
def test_places_keep_the_order_of_time(found: list[tuple[float, float]]) -> None:
    scale = folded(found)
    moments = sorted(edge for span in found for edge in span)
    places = [scale.percent(moment) for moment in moments]
    assert all(before <= after + 1e-6 for before, after in pairwise(places))
    assert places[0] == 0
    assert places[-1] <= 100.000001


@given(spans)
def test_ticks_are_few_inside_and_never_in_a_fold(found: list[tuple[float, float]]) -> None:
    scale = folded(found)
    ticks = scale.ticks()
    assert len(ticks) <= 32
    assert all(-1e-6 <= tick.percent <= 100.000001 for tick in ticks)
    for fold in scale.folds:
        left, right = scale.percent(fold.start), scale.percent(fold.end)
        assert not any(left + 0.01 < tick.percent < right - 0.01 for tick in ticks)


def test_ticks_are_at_round_times_of_the_zone() -> None:
    assert [tick.text for tick in Scale(NOON, NOON + 0.1).ticks(UTC, 5)][:2] == [
        "12:00:00.000", "12:00:00.020",
    ]  # fmt: skip
    day = Scale(NOON, NOON + 86400)
    assert "Dec 18 00:00" in [tick.text for tick in day.ticks(UTC)]
    halves = timezone(timedelta(hours=5, minutes=30))
    assert all(tick.text.endswith(":00") for tick in day.ticks(halves))
