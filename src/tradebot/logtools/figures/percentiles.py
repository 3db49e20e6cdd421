"""Percentiles of counted values, by nearest rank: each is a value that did occur."""

from __future__ import annotations

from collections.abc import Mapping


def nearest_rank(counts: Mapping[float, int], percent: int) -> float:
    """The smallest value that at least `percent` of 100 of all do not exceed.

    `counts` maps each value to how often it occurred. Raises ValueError when there is none.
    """
    rank = -(-sum(counts.values()) * percent // 100)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    raise ValueError("no percentile of nothing")
