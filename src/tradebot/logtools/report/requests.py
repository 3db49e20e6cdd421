"""The requests to the broker, by endpoint: how many, how they were answered, how fast."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.logtools.figures.summary import Endpoint
from tradebot.logtools.report.gathering import Gathered
from tradebot.logtools.report.html import Node, h
from tradebot.logtools.report.lanes import without_base
from tradebot.logtools.report.words import clipped, section, table

MOST = 40
_PERCENTILES = (50, 95, 99, 100)


def requests(found: Gathered) -> Node:
    """The section; nothing where no request was logged."""
    endpoints = _merged(found.summary.endpoints)
    if not endpoints:
        return None
    busiest = sorted(endpoints.items(), key=lambda item: (-item[1].count, item[0]))
    shown = busiest[:MOST]
    rows: list[list[Node]] = [
        [
            clipped(name, 120),
            f"{endpoint.count:,}",
            f"{endpoint.refused + endpoint.lost:,}" if endpoint.refused + endpoint.lost else "–",
            *(_latency(endpoint, percent) for percent in _PERCENTILES),
        ]
        for name, endpoint in shown
    ]
    more = len(busiest) - len(shown)
    waits = ", ".join(
        f"{clipped(name, 40)} {milliseconds / 1000:.1f} s"
        for name, milliseconds in found.summary.rate_limit_waits.most_common(8)
    )
    return section(
        "requests",
        "Requests",
        table(
            ["Endpoint", "Answers", "Failed", "Median ms", "95 % ms", "99 % ms", "Longest ms"],
            rows,
            numbers=(1, 2, 3, 4, 5, 6),
        ),
        h("p", f"Waited for rate limits: {waits}.") if waits else None,
        h("p", f"{more} other endpoints are not shown: tradebot logs summary", class_="quiet")
        if more
        else None,
        lead="At LOG_LEVEL=INFO the log has prechecks, orders and other POSTs; at DEBUG all. "
        "Percentiles are by nearest rank: each is a latency that did occur.",
    )


def _merged(endpoints: Mapping[tuple[str, str], Endpoint]) -> dict[str, Endpoint]:
    """By method and path. Where the API begins differs from server to server, so it goes."""
    merged: dict[str, Endpoint] = {}
    for (method, path), endpoint in endpoints.items():
        one = merged.setdefault(f"{method} {without_base(path)}", Endpoint())
        one.latencies.update(endpoint.latencies)
        one.statuses.update(endpoint.statuses)
        one.lost += endpoint.lost
    return merged


def _latency(endpoint: Endpoint, percent: int) -> str:
    value = endpoint.percentile(percent)
    return "–" if value is None else f"{value:,.0f}"
