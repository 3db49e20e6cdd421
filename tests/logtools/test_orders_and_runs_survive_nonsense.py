"""Lines of the right form whose values make no sense: they are listed, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.story_lines import Asked, of_order, told

NONSENSE = (
    "-", "0", "-1", "nan", "-inf", "1e999", "1E999999999", "sNaN", "9" * 400, "x",
    "2025-12-17T07:10:00", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00",
    "2025-02-30T00:00:00Z", '"\\u0007 \\ud83d"', "../../../etc/passwd",
)  # fmt: skip
ORDER_EVENTS = (
    "execution_intent_created", "execution_precheck_failed", "execution_order_placed",
    "execution_order_unknown", "execution_reconcile_result", "execution_completed",
    "execution_verdict_contradicted", "execution_orphan_found", "execution_unheard_of",
)  # fmt: skip
ORDER_FIELDS = (
    "side", "quantity", "bar_time", "attempt", "order_id", "failure_reason", "error_code",
    "reconcile_result", "execution_outcome", "order_state", "filled_quantity",
)  # fmt: skip
RUN_EVENTS = (
    "startup_begin", "startup_config_loaded", "startup_failed", "cycle_begin", "cycle_failed",
    "cycle_skip_slot", "cycle_skip_overlap", "cycle_end", "schedule_jitter", "run_killed_found",
    "schedule_runs_missed", "trading_paused", "run_stopped",
)  # fmt: skip
RUN_FIELDS = (
    "argv", "cadence", "slot", "lateness_seconds", "delay_seconds", "duration_ms", "exit_code",
    "killed_run_id", "started_at", "missed_count", "missed_from", "missed_to", "reason", "holder",
    "placed",
)  # fmt: skip


def lines() -> list[str]:
    found = []
    for number, value in enumerate(NONSENSE):
        stamp = f"2025-12-17T07:{number:02d}:00.000Z"
        fields = " ".join(f"{name}={value}" for name in ORDER_FIELDS)
        found += [
            of_order(event, fields, reference=f"{event}-{number}", at=stamp)
            for event in ORDER_EVENTS
        ]
        fields = " ".join(f"{name}={value}" for name in RUN_FIELDS)
        for scheduled in ("", "--scheduled"):
            words = fields.replace(f"argv={value}", f"argv={scheduled}") if scheduled else fields
            run = f"run-{number}{scheduled}"
            found += [told(event, words, run=run, at=stamp) for event in RUN_EVENTS]
            found += [
                told(
                    event,
                    words,
                    run=f"{run}-{event}",
                    at=stamp.replace("-12-17", "-02-30"),
                )
                for event in RUN_EVENTS
            ]
    found += [told("cycle_begin", "slot=2025-12-17T07:00:00Z", run="sane")]
    found += [told("startup_config_loaded", "cadence=300.0 host=h", run="sane")]
    return found


@pytest.mark.parametrize("command", ["orders", "runs"])
@pytest.mark.parametrize("output", ["text", "raw", "json", "jsonl"])
def test_each_way_to_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, output: str
) -> None:
    (tmp_path / "bot.log").write_text("".join(lines()), "utf-8")
    asked = Asked(capsys, [command, "--logs", tmp_path, "--output", output])
    assert asked.code == 0, asked.err
    assert "\x07" not in asked.out
    if output == "json":
        assert len(asked.document[command]) >= len(NONSENSE)
