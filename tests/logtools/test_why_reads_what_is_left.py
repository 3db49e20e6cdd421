"""`tradebot logs why` on logs that are torn, foreign, empty or lack a day: it says so, and never
takes "not found" for "did not happen"."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.month.judge import why
from tradebot.logtools.desk import UNREADABLE

_SIX = "dry_run=false single_cycle=true env=SIM strategy=sma_cross/1.0"


def line(time: str, event: str, fields: str, level: str = "INFO ", run: str = "a") -> str:
    return f"{time} | {level} | orchestrator | {event} | run_id={run} cycle_id=1 {_SIX} {fields}"


def cycle(day: str, run: str, *more: str, reason: str = "no_cross", end: bool = True) -> list[str]:
    """A cycle at eight o'clock, of slots of a day."""
    at = f"{day}T08:00:0"
    slot = f"slot={day}T00:00:00Z"
    found = [
        line(f"{at}0.000Z", "startup_begin", 'argv="--single-cycle --scheduled"', run=run),
        line(f"{at}0.100Z", "startup_config_loaded", "cadence=86400.0 settings_fingerprint=f",
             run=run),
        line(f"{at}1.000Z", "cycle_begin", f"{slot} lateness_seconds=28800.0", run=run),
        *more,
        line(f"{at}2.000Z", "strategy_decision", f"{slot} instrument_id=Stock:211 "
             f"symbol=AAPL:xnas reason={reason} action=HOLD signal=HOLD", run=run),
    ]  # fmt: skip
    if end:
        found.append(
            line(f"{at}3.000Z", "cycle_end", f"{slot} exit_code=0 duration_ms=3000", run=run)
        )
    return found


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Three days, of which the middle one has no file."""
    for day, run in (("2026-03-02", "a"), ("2026-03-04", "c")):
        text = "\n".join(cycle(day, run)) + "\n"
        (tmp_path / f"bot.log.{day}").write_text(text, encoding="utf-8")
    (tmp_path / "bot.log").write_text("\n".join(cycle("2026-03-05", "d")) + "\n", encoding="utf-8")
    return tmp_path


def asked(logs: Path, *arguments: str) -> tuple[int, dict[str, object], str]:
    code, said, notes = why(*arguments, "--logs", str(logs), "--output", "jsonl")
    return code, json.loads(said), notes


def test_a_day_without_a_file_is_no_day_without_a_run(logs: Path) -> None:
    code, answer, notes = asked(logs, "AAPL", "--at", "2026-03-03T08:00Z")
    assert (code, answer["result"], answer["reason"]) == (1, "not_in_log", "file_missing")
    assert "missing: no file has anything of 2026-03-03" in notes


def test_a_slot_of_which_no_line_says_anything_was_not_expected(logs: Path) -> None:
    (logs / "bot.log.2026-03-03").write_text(
        line("2026-03-03T09:00:00.000Z", "trading_paused", "reason=by_hand who=me", run="p") + "\n"
    )
    code, answer, _ = asked(logs, "AAPL", "--at", "2026-03-03T08:00Z")
    assert (code, answer["result"], answer["reason"]) == (0, "no_run", "not_expected")


def test_a_torn_line_and_rubbish_are_counted_and_the_rest_is_read(logs: Path) -> None:
    path = logs / "bot.log"
    path.write_bytes(b"\x00\xff rubbish cycle_begin\n" * 3 + path.read_bytes()[:-40])
    code, answer, _ = asked(logs, "AAPL")
    assert code == 0
    assert (answer["run_id"], answer["reason"]) == ("d", "no_cross")


def test_a_run_whose_lines_end_is_not_called_killed_before_another_one_began(logs: Path) -> None:
    text = "\n".join(cycle("2026-03-05", "d", end=False)[:3]) + "\n"
    (logs / "bot.log").write_text(text, encoding="utf-8")
    code, answer, _ = asked(logs, "AAPL")
    assert (code, answer["result"], answer["reason"]) == (0, "not_traded", "no_end")
    later = "\n".join(cycle("2026-03-06", "e")) + "\n"
    (logs / "bot.log").write_text(text + later, encoding="utf-8")
    _, answer, _ = asked(logs, "AAPL", "--at", "2026-03-05T08:00Z")
    assert answer["reason"] == "killed"


def test_a_reason_of_ones_own_strategy_is_said_to_be_one(logs: Path) -> None:
    text = "\n".join(cycle("2026-03-05", "d", reason="moon_is_full")) + "\n"
    (logs / "bot.log").write_text(text, encoding="utf-8")
    _, answer, _ = asked(logs, "AAPL")
    assert answer["reason"] == "moon_is_full"
    assert "your own strategy" in str(answer["meaning"])


def test_settings_that_are_wrong_say_what_checks_them(logs: Path) -> None:
    """They are not known then: nothing in the run's own lines says its slot or its watch list."""
    found = [
        line("2026-03-06T08:00:00.000Z", "startup_begin", 'argv="--single-cycle --scheduled"',
             run="w"),
        line("2026-03-06T08:00:00.010Z", "startup_config_invalid",
             'problems=1 msg="STRATEGY_NAME: unknown"', "FATAL", run="w"),
    ]  # fmt: skip
    path = logs / "bot.log"
    path.write_text(path.read_text(encoding="utf-8") + "\n".join(found) + "\n", encoding="utf-8")
    code, answer, _ = asked(logs, "AAPL", "--at", "2026-03-06T12:00Z")
    assert (code, answer["reason"]) == (0, "settings_error")
    assert "tradebot config check" in str(answer["next_step"])
    assert answer["because"] == ["it said: STRATEGY_NAME: unknown"]


def test_what_is_far_away_is_found_too(logs: Path) -> None:
    """The gap is told, and the instruments are known, only weeks later."""
    text = "\n".join(
        cycle(
            "2026-04-20",
            "f",
            line("2026-04-20T08:00:01.500Z", "schedule_runs_missed", "missed_count=45 "
                 "missed_from=2026-03-06T00:00:00Z missed_to=2026-04-19T00:00:00Z "
                 "reason=no_wakeup slot=2026-04-20T00:00:00Z", "WARN ", run="f"),
        )
    )  # fmt: skip
    path = logs / "bot.log"
    path.write_text(path.read_text(encoding="utf-8") + text + "\n", encoding="utf-8")
    code, answer, _ = asked(logs, "AAPL", "--at", "2026-03-25T12:00Z")
    assert (code, answer["reason"], answer["run_after"]) == (0, "no_wakeup", "f")


def test_control_characters_of_a_line_do_not_reach_the_terminal(logs: Path) -> None:
    text = "\n".join(cycle("2026-03-05", "d", reason='"\\u001b[31mred"')) + "\n"
    (logs / "bot.log").write_text(text, encoding="utf-8")
    _, said, _ = why("--logs", str(logs))
    assert "red" in said
    assert "\x1b" not in said


def test_an_empty_log_has_no_cycle(tmp_path: Path) -> None:
    (tmp_path / "bot.log").touch()
    code, said, notes = why("--logs", str(tmp_path))
    assert (code, said) == (1, "")
    assert "no run in what was read" in notes


def test_a_folder_without_a_log_cannot_be_read(tmp_path: Path) -> None:
    code, said, notes = why("--logs", str(tmp_path))
    assert (code, said) == (UNREADABLE, "")
    assert "cannot be read" in notes


def test_of_a_loop_each_cycle_is_asked_for_by_its_time(tmp_path: Path) -> None:
    """One run, many cycles, no slots: the one going on, or the last one while the loop waits. When
    nobody says that it went on, an hour later it is no answer any more."""
    found = []
    for number, reason in ((1, "no_quote"), (2, "price_pending")):
        at = f"2026-03-05T08:{number}0:0"
        found += [
            line(f"{at}0.000Z", "cycle_begin", ""),
            line(f"{at}1.000Z", "strategy_decision", f"instrument_id=Stock:211 reason={reason} "
                 "action=SKIP"),
            line(f"{at}2.000Z", "cycle_end", "exit_code=0 duration_ms=2000"),
        ]  # fmt: skip
        found[-3:] = [
            text.replace("cycle_id=1", f"cycle_id={number}").replace("cle=true", "cle=false")
            for text in found[-3:]
        ]
    (tmp_path / "bot.log").write_text("\n".join(found) + "\n", encoding="utf-8")
    for time, reason in (
        ("08:10:01", "no_quote"),
        ("08:15", "no_quote"),
        ("08:30", "price_pending"),
        ("08:20", "price_pending"),
        ("09:20", "not_going_on"),
    ):
        _, answer, _ = asked(tmp_path, "Stock:211", "--at", f"2026-03-05T{time}Z")
        assert answer["reason"] == reason, time


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (("execution_resolved_by_hand", "order_id=7 filled_quantity=4",
          "FAILED failure_reason=resolved_by_hand filled_quantity=4 order_id=7"),
         "4 of 10 filled, by a person's word"),
        (("execution_reconcile_result", "reconcile_result=cancelled filled_quantity=4 order_id=7",
          "FAILED failure_reason=cancelled filled_quantity=4 order_id=7"),
         "4 of 10 filled, then cancelled"),
    ],
)  # fmt: skip
def test_an_order_filled_in_part_is_not_said_to_have_failed(
    tmp_path: Path, ending: tuple[str, str, str], said: str
) -> None:
    event, fields, verdict = ending
    order = (
        "instrument_id=Stock:211 symbol=AAPL:xnas external_reference=ATB-20260305-0800-ABCDEFGHIJ"
    )
    at = "2026-03-05T08:00:02"
    lines = cycle(
        "2026-03-05",
        "d",
        line(f"{at}.000Z", "strategy_decision", "instrument_id=Stock:211 symbol=AAPL:xnas "
             "reason=crossed_above action=BUY signal=BUY", run="d"),
        line(f"{at}.100Z", "execution_intent_created", f"{order} side=BUY quantity=10", run="d"),
        line(f"{at}.200Z", "execution_order_sending", order, run="d"),
        line(f"{at}.300Z", event, f"{order} {fields}", run="d"),
        line(f"{at}.400Z", "execution_completed", f"{order} execution_outcome={verdict}", run="d"),
    )  # fmt: skip
    lines = [text for text in lines if "reason=no_cross" not in text]
    (tmp_path / "bot.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _, answer, _ = asked(tmp_path, "AAPL")
    assert (answer["result"], answer["ended_as"]) == ("traded", said)
