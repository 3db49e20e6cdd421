"""What a person, and a program, is told of an order and of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.trace_desk import (
    ORDER,
    OTHER_RUN,
    REFERENCE,
    RUN,
    line,
    order_lines,
    trace_command,
    write,
)

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An order whose outcome was unclear, and became clear after midnight, in another run."""
    failed = line(
        "17T23:59:59", "execution_completed", external_reference=REFERENCE,
        execution_outcome="RECONCILIATION_NEEDED", failure_reason="no_answer",
    ).replace("59.000Z", "59.250Z")  # fmt: skip
    late = {"run_id": OTHER_RUN, "cycle_id": "43"}
    write(tmp_path / "bot.log.2025-12-17", [*order_lines("17T23:59:59")[:2], failed])
    write(
        tmp_path / "bot.log",
        [
            line("18T00:05:01", "execution_reconcile_begin", external_reference=REFERENCE, **late),
            line("18T00:05:03", "execution_completed", external_reference=REFERENCE,
                 execution_outcome="FAILED", failure_reason="insufficient_cash",
                 error_code="InsufficientCash", **late),
            line("18T00:05:04", "cycle_end", exit_code="0", **late),
        ],
    )  # fmt: skip
    return tmp_path


def test_step_by_step(folder: Path, capfdbinary: Capture) -> None:
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(folder))
    assert answer.code == 0
    assert answer.text.splitlines() == [
        REFERENCE,
        "  BUY 10 Stock:211, attempt 1 on the bar 2025-12-17T07:12:00Z",
        "",
        f"-- run {RUN}, cycle 42, SIM",
        "2025-12-17T23:59:59.000Z            INFO  execution_intent_created side=BUY quantity=10 "
        "attempt=1 bar_time=2025-12-17T07:12:00Z",
        f"2025-12-17T23:59:59.000Z   +0.000 s INFO  execution_order_sending request_id={OTHER_RUN}",
        "2025-12-17T23:59:59.250Z   +0.250 s INFO  execution_completed "
        "execution_outcome=RECONCILIATION_NEEDED failure_reason=no_answer",
        "   ... 5 min 02 s later, past midnight UTC, in another run, in bot.log",
        f"-- run {OTHER_RUN}, cycle 43, SIM",
        "2025-12-18T00:05:01.000Z            INFO  execution_reconcile_begin",
        "2025-12-18T00:05:03.000Z   +2.000 s INFO  execution_completed execution_outcome=FAILED "
        "failure_reason=insufficient_cash error_code=InsufficientCash",
        "",
        *answer.text.splitlines()[12:],
    ]
    verdict = answer.text.splitlines()[12:]
    assert verdict[0] == f"{REFERENCE}: failed, 5 min 04 s from the intent to the verdict."
    assert verdict[1].startswith("  why:        insufficient_cash: ")
    assert verdict[2].startswith("  what to do: ")


def test_the_zone_of_the_machine(
    folder: Path, capfdbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("this system has no TZ to be set")
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    answer = trace_command(capfdbinary, REFERENCE, "--local", "--logs", str(folder))
    monkeypatch.undo()
    time.tzset()
    assert "2025-12-18T00:59:59.000+01:00" in answer.text


def test_one_document(folder: Path, capfdbinary: Capture) -> None:
    where = ("--logs", str(folder))
    answer = trace_command(capfdbinary, REFERENCE, "5", "--output", "json", *where)
    assert answer.code == 1
    found, missing = json.loads(answer.out)["traces"]
    assert (found["kind"], found["found"], found["mentioned"]) == ("external reference", True, 0)
    assert (missing["kind"], missing["found"], missing["lines"]) == ("order id", False, [])
    assert [step["gap_seconds"] for step in found["lines"]] == [None, 0.0, 0.25, 301.75, 2.0]
    assert found["lines"][3]["fields"]["cycle_id"] == "43"
    (story,) = found["stories"]
    assert (story["result"], story["reason"]) == ("failed", "insufficient_cash")
    (verdict,) = found["verdicts"]
    assert verdict["name"] == REFERENCE
    assert verdict["next"]


def test_a_line_each(folder: Path, capfdbinary: Capture) -> None:
    answer = trace_command(capfdbinary, REFERENCE, "--output", "jsonl", "--logs", str(folder))
    documents: list[dict[str, Any]] = [json.loads(text) for text in answer.text.splitlines()]
    assert [document["type"] for document in documents] == ["line"] * 5 + ["trace"]
    for document in documents[:5]:
        data = (folder / document["file"]).read_bytes()[document["offset"] :]
        assert data.startswith(document["timestamp"].encode())
        assert document["event"].encode() in data.split(b"\n")[0]


def test_a_run(folder: Path, capfdbinary: Capture) -> None:
    write(
        folder / "bot.log.2025-12-16",
        [
            line("16T12:00:00", "startup_begin", cycle_id="-", run_id=OTHER_RUN[:-1] + "2"),
            line("16T12:00:01", "cycle_skip_slot", reason="late", run_id=OTHER_RUN[:-1] + "2"),
            line("16T12:00:02", "cycle_end", exit_code="0", run_id=OTHER_RUN[:-1] + "2"),
        ],
    )
    answer = trace_command(capfdbinary, OTHER_RUN[:-1] + "2", "--logs", str(folder))
    assert ": skipped, exit code 0" in answer.text
    assert "  why:        late: " in answer.text


def test_an_order_whose_lines_end_in_the_middle(folder: Path, capfdbinary: Capture) -> None:
    write(folder / "bot.log", [line("18T00:05:04", "cycle_end", exit_code="0")])
    write(folder / "bot.log.2025-12-17", order_lines("17T23:59:59")[:3])
    answer = trace_command(capfdbinary, ORDER, "--logs", str(folder))
    assert f"{REFERENCE}: no outcome logged" in answer.text
    assert "The last one is execution_order_placed, 2025-12-17T23:59:59.000Z." in answer.text


def test_more_lines_than_anybody_reads(
    folder: Path, capfdbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradebot.logtools.tracing.trace.MOST_LINES", 2)
    answer = trace_command(capfdbinary, REFERENCE, "--output", "raw", "--logs", str(folder))
    assert len(answer.text.splitlines()) == 2
    assert "of its lines are shown; use --since and --until" in answer.notes


def test_requests_and_what_is_too_long(folder: Path, capfdbinary: Capture) -> None:
    write(
        folder / "bot.log",
        [
            *order_lines("18T07:12:03"),
            line("18T07:12:04", "http_request", external_reference=REFERENCE, http_method="POST",
                 http_url_path="/trade/v2/orders", http_status="201", latency_ms="7",
                 rate_limit_remaining_session="119"),
            line("18T07:12:05", "http_error", external_reference=REFERENCE, http_status="503",
                 stack='"' + "line 7 " * 50 + '"', precheck_ok="true"),
        ],
    )  # fmt: skip
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(folder))
    assert "http_request POST /trade/v2/orders 201 latency_ms=7\n" in answer.text
    cut = ("line 7 " * 50)[:240]
    assert f'http_error http_status=503 stack="{cut}…" precheck_ok=true\n' in answer.text


def test_colours_only_where_they_are_wanted(folder: Path, capfdbinary: Capture) -> None:
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(folder))
    assert b"\x1b[" not in answer.out


def test_a_verdict_that_until_cuts_off_is_said_to_be_one(
    folder: Path, capfdbinary: Capture
) -> None:
    where = (REFERENCE, "--logs", str(folder))
    cut = trace_command(capfdbinary, *where, "--until", "2025-12-18T00:00Z")
    assert "unknown at broker" in cut.text
    assert f"{REFERENCE}: how it stood at --until" in cut.notes
    whole = trace_command(capfdbinary, *where, "--until", "2025-12-18T01:00Z")
    assert "how it stood at --until" not in whole.notes


def test_what_was_not_found_says_in_how_many_files_it_was_looked_for(
    folder: Path, capfdbinary: Capture
) -> None:
    (folder / "bot.log.2025-12-16.gz").write_bytes(b"no gzip at all")
    answer = trace_command(capfdbinary, "ATB-20251217-0700-NNNNNNNNNN", "--logs", str(folder))
    assert answer.code == 2
    assert "not found in 2 of 3 files" in answer.notes
