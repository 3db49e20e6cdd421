"""`tradebot logs why` about times that have not come, lie behind the log, or never were.

"What happened then?" has no answer in a run that was over before; and a damaged timestamp moves
neither the end of the log nor its last cycle.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.month.judge import why
from support.story_lines import told
from tradebot.logtools.reading.times import shifted, stamp

HOLD = "instrument_id=Stock:211 symbol=AAPL:xnas reason=no_cross action=HOLD signal=HOLD"


def cycle(at: str, run: str, number: str, *, slot: str = "", single: str = "true") -> list[str]:
    """A cycle of two seconds at `HH:MM` of 2025-12-17; of a slot where one is given."""
    context = {"run": run, "cycle": number, "single": single}
    in_slot = f"slot=2025-12-17T{slot}:00Z" if slot else ""
    argv = 'argv="--single-cycle --scheduled"' if slot else "argv=--single-cycle"
    found = [
        told("startup_begin", argv, at=f"2025-12-17T{at}:03.000Z", **context),
        told("startup_config_loaded", "cadence=3600.0 instance=default settings_fingerprint=f",
             at=f"2025-12-17T{at}:03.100Z", **context),
    ] if number == "1" or single == "true" else []  # fmt: skip
    day = f"2025-12-17T{at}"
    end = f"{in_slot} exit_code=0 duration_ms=1800".strip()
    return [
        *found,
        told("cycle_begin", in_slot, at=f"{day}:03.200Z", **context),
        told("strategy_decision", f"{in_slot} {HOLD}".strip(), at=f"{day}:04.000Z", **context),
        told("cycle_end", end, at=f"{day}:05.000Z", **context),
    ]


STOPPED = told("run_stopped", "exit_code=143", cycle="-", run="r", single="false",
               at="2025-12-17T07:22:30.000Z", component="app")  # fmt: skip
LOOP = [
    *cycle("07:10", "r", "1", single="false"),
    *cycle("07:20", "r", "2", single="false"),
]
SLOTS = [*cycle("07:00", "a", "1", slot="07:00"), *cycle("08:00", "b", "2", slot="08:00")]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "bot.log"


def asked(log: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    code, said, notes = why("AAPL", *arguments, "--logs", str(log), "--output", "jsonl")
    lines = said.splitlines()
    assert len(lines) == 1, (said, notes)
    return code, json.loads(lines[0])


def test_a_loop_that_was_stopped_is_no_answer_about_later(log: Path) -> None:
    log.write_text("".join([*LOOP, STOPPED]))
    code, answer = asked(log, "--at", "2025-12-17T12:00Z")
    assert (code, answer["result"], answer["reason"]) == (0, "no_run", "not_going_on")
    assert (answer["run_id"], answer["run_before"]) == (None, "r")
    because = str(answer["because"])
    assert "4 h 39 min earlier" in because
    assert "stopped at 2025-12-17T07:22:30.000Z (run_stopped, exit code 143)" in because
    assert "the log ends 4 h 37 min earlier" in because


@pytest.mark.parametrize(
    ("at", "reason"),
    [("07:15", "no_cross"), ("07:22:20", "no_cross"), ("07:22:31", "not_going_on")],
)
def test_a_loop_goes_on_while_it_waits_and_until_it_is_stopped(
    log: Path, at: str, reason: str
) -> None:
    log.write_text("".join([*LOOP, STOPPED]))
    assert asked(log, "--at", f"2025-12-17T{at}Z")[1]["reason"] == reason


def test_a_run_by_hand_is_no_answer_about_what_came_after_it(log: Path) -> None:
    log.write_text("".join([*cycle("07:12", "a", "1"), *cycle("09:12", "b", "2")]))
    _, answer = asked(log, "--at", "2025-12-17T08:40:00Z")
    assert (answer["result"], answer["run_before"], answer["run_after"]) == ("no_run", "a", "b")
    _, answer = asked(log, "--at", "2025-12-17T09:12")
    assert (answer["run_id"], answer["reason"]) == ("b", "no_cross"), "09:12 is a minute"


def test_a_time_of_today_that_is_still_to_come_is_said_to_be_one(log: Path) -> None:
    log.write_text("".join(SLOTS))
    now = datetime.now(UTC)
    soon = stamp(now + timedelta(hours=3))
    code, answer = asked(log, "--at", soon)
    assert (code, answer["result"], answer["reason"]) == (1, "not_in_log", "in_the_future")
    yesterday = stamp(now + timedelta(hours=3, days=-1))[:16]
    assert f"--at {yesterday}Z" in str(answer["next_step"])
    _, answer = asked(log, "--at", stamp(now + timedelta(days=400)))
    assert "yesterday" in str(answer["next_step"])
    assert "--at" not in str(answer["next_step"])


def test_a_time_behind_the_log_says_how_far(log: Path) -> None:
    log.write_text("".join(SLOTS))
    code, answer = asked(log, "--at", "2025-12-19T09:30Z")
    assert (code, answer["result"], answer["reason"]) == (0, "no_run", "not_told_yet")
    assert answer["because"] == [
        "the last run before it began 2 d 01 h earlier",
        "the log ends 2 d 01 h earlier: its last line is of 2025-12-17T08:00:05.000Z",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "0001-01-01"),
        ("--since", "2025-12-17", "--until", "9999-12-31"),
        ("--since", "0999-06-01", "--until", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_span_to_the_ends_of_the_calendar_is_one(log: Path, arguments: tuple[str, ...]) -> None:
    log.write_text("".join(SLOTS))
    code, said, _ = why(*arguments, "--logs", str(log), "--output", "json")
    assert (code, json.loads(said)["cycles"]) == (0, 2)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("0001-01-01", "before_the_log"),
        ("0001-01-01T00:00:00.000001Z", "before_the_log"),
        ("9999-12-31", "in_the_future"),
        ("9999-12-31T23:59:59.999999Z", "in_the_future"),
    ],
)
def test_the_ends_of_the_calendar_are_times(log: Path, at: str, reason: str) -> None:
    log.write_text("".join(SLOTS))
    code, answer = asked(log, "--at", at)
    assert (code, answer["reason"]) == (1, reason)


NEVER = (
    "9999-12-31T23:59:59.999Z",
    "9999-99-99T99:99:99.999Z",
    "2025-02-30T10:00:00.000Z",
    "2026-02-30T10:00:00.000Z",
    "0001-01-01T00:00:00.000Z",
    "0000-00-00T00:00:00.000Z",
)


@pytest.mark.parametrize("never", NEVER)
@pytest.mark.parametrize("of", ["nobody", "a run", "the last run"])
def test_a_line_of_a_time_that_never_was_moves_nothing(log: Path, never: str, of: str) -> None:
    lines = {
        "nobody": [*SLOTS, told("log_message", "msg=x", run="-", at=never)],
        "a run": [
            *SLOTS,
            told("startup_begin", 'argv="--single-cycle --scheduled"', run="z", at=never),
        ],
        "the last run": [*SLOTS, told("auth_token_refresh_begin", run="b", cycle="2", at=never)],
    }[of]
    log.write_text("".join(lines))
    _, answer = asked(log)
    assert (answer["run_id"], answer["reason"]) == ("b", "no_cross")
    for at, run in (("2025-12-17T07:30Z", "a"), ("2025-12-17T08:30Z", "b")):
        assert asked(log, "--at", at)[1]["run_id"] == run, at
    code, said, _ = why("--since", "2025-12-17", "--logs", str(log), "--output", "json")
    assert code == 0
    assert json.loads(said)["cycles"] >= 2


def test_a_gap_that_reaches_over_an_end_of_the_calendar_is_none(log: Path) -> None:
    gap = told("schedule_runs_missed", "missed_count=1 missed_from=0001-01-01T00:00:00+14:00 "
               "missed_to=9999-12-31T23:59:59-14:00 reason=no_wakeup", run="b", cycle="2",
               at="2025-12-17T08:00:04.500Z")  # fmt: skip
    log.write_text("".join([*SLOTS, gap]))
    code, said, _ = why("--since", "2025-12-16", "--logs", str(log), "--output", "json")
    assert code == 0
    assert [row["reason"] for row in json.loads(said)["rows"]] == ["no_cross"]


def test_times_are_written_so_that_they_sort() -> None:
    early = datetime(999, 1, 2, 3, 4, 5, 6999, UTC)
    assert stamp(early) == "0999-01-02T03:04:05.006Z"
    assert stamp(shifted(early, timedelta(days=-(10**6)))) == "0001-01-01T00:00:00.000Z"
    assert stamp(shifted(early, timedelta(days=10**7))) == "9999-12-31T23:59:59.999Z"
    assert stamp(shifted(early, timedelta(days=1)))[:10] == "0999-01-03"
