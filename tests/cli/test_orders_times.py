"""The times that a person may type, and what each means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tradebot.logtools.reading.times import parse_time

NOW = datetime(2026, 3, 3, 15, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("today", "2026-03-03T00:00:00+00:00"),
        ("yesterday", "2026-03-02T00:00:00+00:00"),
        ("-2h", "2026-03-03T13:04:05+00:00"),
        ("-3d", "2026-02-28T15:04:05+00:00"),
        ("-90s", "2026-03-03T15:02:35+00:00"),
        ("07:12", "2026-03-03T07:12:00+00:00"),
        ("2025-12-17", "2025-12-17T00:00:00+00:00"),
        ("2025-12-17T07:12Z", "2025-12-17T07:12:00+00:00"),
        ("2025-12-17T07:12:13+02:00", "2025-12-17T05:12:13+00:00"),
    ],
)
def test_it_is_utc_unless_it_says_otherwise(text: str, meant: str) -> None:
    assert parse_time(text, NOW).isoformat() == meant
