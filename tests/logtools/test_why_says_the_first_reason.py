"""`tradebot logs why`, on a few cycles of the real bot: the first reason, and nothing behind it.

The whole month is in tests/torture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support.month import broker_faults, happenings
from support.month.judge import asked, disagreements, why
from support.month.play import Happening, Play, play
from support.month.stage import START, Stage
from support.windows import posix
from tradebot.logtools.reading.times import stamp

pytestmark = posix

_OF_ALL = {h.__name__: h for h in (
    *happenings.SCHEDULE_AND_DEATHS, *broker_faults.READS, *broker_faults.ORDERS_FATES,
)}  # fmt: skip
SLICE: tuple[Happening, ...] = tuple(
    _OF_ALL[name]
    for name in (
        "a_missed_slot",
        "the_scheduler_fires_twice",
        "another_run_holds_the_lock",
        "paused_by_hand",
        "killed_at_startup_ready",
        "killed_at_execution_intent_created",
        "no_quotes_of_shares",
        "the_login_server_is_down",
        "not_enough_cash",
        "never_heard_of",
    )
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with Stage(tmp_path_factory.mktemp("slice")) as stage:
        yield play(stage, SLICE, seed=7, quiet=happenings.quiet, slots=0)


def of(played: Play, happening: str, instrument: str = "Stock:211") -> dict[str, object]:
    """The answer about an instrument in the first slot of a happening."""
    pair = next(p for p in played.pairs if p.happening == happening and p.instrument == instrument)
    return asked(played.stage.logs, instrument, stamp(pair.at))


def test_each_instrument_of_each_slot_has_the_reason_that_was_planned(played: Play) -> None:
    assert disagreements(played.stage.logs, played.pairs) == []


def test_of_two_runs_of_a_slot_the_one_that_worked_answers(played: Play) -> None:
    pair = next(p for p in played.pairs if p.happening == "the_scheduler_fires_twice")
    assert pair.slot is not None
    logs = ("--logs", str(played.stage.logs))
    answer = asked(played.stage.logs, pair.instrument, stamp(pair.slot))
    assert (answer["result"], answer["reason"]) == (pair.expected.result, pair.expected.reason)
    assert len(answer["other_runs"]) == 1
    _, said, _ = why(pair.instrument, "--at", stamp(pair.slot), *logs)
    assert "also in this slot: " in said
    assert "skipped (taken)" in said


def test_a_missed_slot_names_who_told_it_and_the_runs_around_it(played: Play) -> None:
    pair = next(p for p in played.pairs if p.expected.result == "no_run")
    answer = asked(played.stage.logs, pair.instrument, stamp(pair.at))
    assert (answer["result"], answer["reason"]) == ("no_run", "no_wakeup")
    assert answer["run_before"]
    assert answer["run_after"]
    assert f"told by run {answer['run_after']}" in str(answer["because"])


def test_a_failed_request_is_linked_to_the_reason_that_it_explains(played: Play) -> None:
    answer = of(played, "no_quotes_of_shares")
    assert answer["reason"] == "quotes_unavailable"
    assert answer["because"] == ["GET /sim/openapi/trade/v1/infoprices/list -> 503 (3 times)"]


def test_a_login_says_why_rather_than_what_followed_from_it(played: Play) -> None:
    answer = of(played, "the_login_server_is_down")
    assert (answer["reason"], answer["where"]) == ("login_server_unavailable", "logging in")


def test_who_was_killed_says_behind_which_line(played: Play) -> None:
    answer = of(played, "killed_at_startup_ready")
    assert answer["reason"] == "killed"
    assert "startup_ready" in str(answer["because"])


def test_an_order_shows_what_later_runs_found(played: Play) -> None:
    pair = next(p for p in played.pairs if p.expected.reason == "not_placed")
    answer = asked(played.stage.logs, pair.instrument, stamp(pair.at))
    words = [step["what"] for step in answer["chain"]]
    assert words[-1] == "a later run: verdict: FAILED (not_placed)"
    assert any(said.startswith("no clear answer: trade_not_completed") for said in words)


def test_people_get_the_reason_in_plain_words_and_what_to_do(played: Play) -> None:
    pair = next(p for p in played.pairs if p.expected.reason == "insufficient_cash")
    code, said, notes = why("--at", stamp(pair.at), "--logs", str(played.stage.logs))
    assert code == 0
    assert "not traded: insufficient_cash\n  Not enough cash or margin.\n" in said
    assert "what to do: Add money" in said
    assert said.count("has the lock") == 1
    assert notes.startswith("read: ")


def test_an_instrument_may_be_named_as_people_do(played: Play) -> None:
    logs = str(played.stage.logs)
    for name in ("Stock:211", "stock:211", "211", "AAPL:xnas", "aapl:XNAS", "aapl"):
        code, said, _ = why(name, "--at", stamp(START), "--logs", logs, "--output", "jsonl")
        assert code == 0
        assert json.loads(said)["instrument"] == "Stock:211"


def test_one_that_nobody_watches_is_said_to_be_none_and_the_others_are_named(played: Play) -> None:
    code, said, notes = why("TSLA", "--logs", str(played.stage.logs))
    assert (code, said) == (1, "")
    assert "TSLA is watched by no run in what was read" in notes
    assert "Stock:10001 MSFT:xnas" in notes


def test_before_the_log_began_nothing_is_known(played: Play) -> None:
    logs = str(played.stage.logs)
    code, said, _ = why("AAPL", "--at", "2026-02-01", "--logs", logs, "--output", "jsonl")
    answer = json.loads(said)
    assert (code, answer["result"], answer["reason"]) == (1, "not_in_log", "before_the_log")


def test_a_time_after_the_last_run_says_that_nobody_has_told_yet(played: Play) -> None:
    logs = str(played.stage.logs)
    code, said, _ = why("AAPL", "--at", "2026-06-01", "--logs", logs, "--output", "jsonl")
    answer = json.loads(said)
    assert (code, answer["result"], answer["reason"]) == (0, "no_run", "not_told_yet")


def test_without_a_time_it_is_the_last_cycle(played: Play) -> None:
    _, said, _ = why("AAPL", "--logs", str(played.stage.logs), "--output", "jsonl")
    assert json.loads(said)["slot"] == stamp(played.slot)


def test_raw_shows_the_lines_themselves(played: Play, capfdbinary: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    """Written past the text layer, as they stand in the file."""
    from support.month.judge import NOWHERE
    from tradebot.logtools.main import main

    logs = played.stage.logs
    assert main(["why", "AAPL", "--logs", str(logs), "--output", "raw"], NOWHERE) == 0
    shown = capfdbinary.readouterr().out.splitlines()
    whole = b"".join(path.read_bytes() for path in logs.iterdir() if path.suffix != ".lock")
    assert len(shown) > 5
    assert all(line + b"\n" in whole for line in shown)
    assert not any(b"instrument_id=Stock:10001" in line for line in shown)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--at", "2026-03-02", "--since", "2026-03-01"),
        ("--until", "2026-03-02"),
        ("--since", "2026-03-02", "--until", "2026-03-01"),
        ("--at", "whenever"),
        ("--since", "2026-03-02", "--output", "raw"),
    ],
)
def test_what_cannot_be_meant_is_refused(played: Play, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as refused:
        why(*arguments, "--logs", str(played.stage.logs))
    assert refused.value.code == 2
