"""What systemd says of a run's wake-up stands in the run's first line."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.program import log_text, run_bot
from tradebot.observability.line import parse
from tradebot.wakeup import wakeup_fields

STARTED = datetime(2026, 3, 2, 14, 0, 1, 500_000, tzinfo=UTC)
MICROSECONDS = 1_772_460_000_000_000
"""2026-03-02T14:00:00Z."""


def test_the_timer_and_the_delay_are_in_the_first_line(tmp_path: Path) -> None:
    went_off = time.time_ns() // 1000 - 2_000_000
    run_bot(
        tmp_path,
        "--single-cycle",
        SAXO_ENV="LOCAL",
        TRIGGER_UNIT="ai-tradebot@default.timer",
        TRIGGER_TIMER_REALTIME_USEC=str(went_off),
    )
    first = log_text(tmp_path).splitlines()[0]
    fields = parse(first).fields
    assert fields["trigger_unit"] == "ai-tradebot@default.timer"
    assert float(fields["trigger_delay_seconds"]) >= 2


def test_the_delay_is_the_time_from_the_timer_to_the_start() -> None:
    environ = {"TRIGGER_UNIT": "x.timer", "TRIGGER_TIMER_REALTIME_USEC": str(MICROSECONDS)}
    assert wakeup_fields(environ, STARTED) == {
        "trigger_unit": "x.timer",
        "trigger_delay_seconds": 1.5,
    }


@pytest.mark.parametrize(
    ("environ", "fields"),
    [
        ({}, {}),
        ({"TRIGGER_UNIT": "x.timer"}, {}),
        ({"TRIGGER_UNIT": "x.timer", "TRIGGER_TIMER_REALTIME_USEC": "soon"}, {}),
        ({"TRIGGER_UNIT": "x.timer", "TRIGGER_TIMER_REALTIME_USEC": "٣"}, {}),
        ({"TRIGGER_UNIT": "x.timer", "TRIGGER_TIMER_REALTIME_USEC": "9" * 400}, {}),
        (
            {"TRIGGER_UNIT": "x.timer", "TRIGGER_TIMER_REALTIME_USEC": str(MICROSECONDS * 2)},
            {"trigger_unit": "x.timer"},
        ),
    ],
)
def test_what_makes_no_sense_is_left_out(
    environ: dict[str, str], fields: dict[str, object]
) -> None:
    assert wakeup_fields(environ, STARTED) == fields
