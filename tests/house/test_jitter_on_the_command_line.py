"""`--jitter-seconds-max`: a scheduled run waits a little before it takes the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.program import log_text, run_bot
from tradebot.observability.line import LogLine, parse

SCHEDULE = {"SCHEDULE_CADENCE": "1h", "SCHEDULE_MAX_LATENESS": "1h"}


@pytest.mark.parametrize(
    ("arguments", "variable"), [(["--jitter-seconds-max", "1"], "0"), ([], "1")]
)
def test_a_scheduled_run_waits_no_longer_than_it_was_told(
    tmp_path: Path, arguments: list[str], variable: str
) -> None:
    events: list[LogLine] = []
    for instance in ("one", "two", "three"):  # one in a thousand waits for 0.000 s and is silent
        done = run_bot(
            tmp_path,
            "--single-cycle",
            "--scheduled",
            *arguments,
            INSTANCE=instance,
            SCHEDULER_JITTER_SECONDS=variable,
            **SCHEDULE,
        )
        assert done.returncode in (0, 124)  # 124: started in the last minutes of its hour
        events = [parse(line) for line in log_text(tmp_path).splitlines()]
        if any(line.event == "schedule_jitter" for line in events):
            break
        (tmp_path / "logs" / "bot.log").unlink()
    names = [line.event for line in events]
    [jitter] = [line for line in events if line.event == "schedule_jitter"]
    assert 0 < float(jitter.fields["delay_seconds"]) <= 1
    assert names.index("schedule_jitter") < names.index("cycle_begin")


def test_the_command_line_wins_over_the_variable(tmp_path: Path) -> None:
    run_bot(
        tmp_path,
        "--single-cycle",
        "--scheduled",
        "--jitter-seconds-max",
        "0",
        SCHEDULER_JITTER_SECONDS="60",
        **SCHEDULE,
    )
    assert "| cycle_end |" in log_text(tmp_path)
    assert "| schedule_jitter |" not in log_text(tmp_path)
