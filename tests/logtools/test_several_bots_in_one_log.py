"""Two instances, two environments, a dry run beside the real one: `why` and `runs` keep them apart.

What one bot did is no answer about another one, also where they share slots, numbers of cycles and
the folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.month.judge import why
from support.story_lines import Asked
from tradebot.logtools.stories.bots import Bot, by_bot
from tradebot.logtools.stories.run_story import RunStory

DAY = "2025-12-17T"


def line(at: str, event: str, fields: str, *, run: str, env: str, dry: str) -> str:
    six = f"run_id={run} cycle_id=1 dry_run={dry} single_cycle=true env={env} strategy=s/1"
    text = f"{DAY}{at}Z | INFO  | orchestrator | {event} | {six} {fields}".rstrip()
    return text + "\n"


def run_of(
    run: str, at: str, instance: str, watched: str, *, env: str = "SIM", dry: str = "false",
    end: bool = True,
) -> list[str]:  # fmt: skip
    """A run at `HH:MM` in the slot of the hour."""
    slot = f"slot={DAY}{at[:2]}:00:00Z"
    uic = {"AAPL": "211", "MSFT": "10001"}[watched]

    def one(second: str, event: str, fields: str) -> str:
        return line(f"{at}:{second}", event, fields, run=run, env=env, dry=dry)

    found = [
        one("01.000", "startup_begin", 'argv="--single-cycle --scheduled"'),
        one("01.100", "startup_config_loaded",
            f"instance={instance} cadence=3600.0 settings_fingerprint={instance}{env}{dry}"),
        one("02.000", "cycle_begin", f"{slot} lateness_seconds=1.0"),
        one("03.000", "strategy_decision", f"{slot} instrument_id=Stock:{uic} "
            f"symbol={watched}:xnas reason=no_cross action=HOLD signal=HOLD"),
        one("04.000", "cycle_end", f"{slot} exit_code=0 duration_ms=2000"),
    ]  # fmt: skip
    return found if end else found[:3]


OTHERS = {
    "another instance": {"instance": "second"},
    "another environment": {"instance": "default", "env": "LIVE"},
    "a dry run": {"instance": "default", "dry": "true"},
}


def two(other: dict[str, str]) -> list[str]:
    """The first watches AAPL at 7, 8 and 9; the other one MSFT, and not at 8."""
    return [
        *run_of("a7", "07:00", "default", "AAPL"),
        *run_of("b7", "07:01", watched="MSFT", **other),  # type: ignore[arg-type]
        *run_of("a8", "08:00", "default", "AAPL"),
        *run_of("a9", "09:00", "default", "AAPL"),
        *run_of("b9", "09:01", watched="MSFT", **other),  # type: ignore[arg-type]
    ]


def answers(log: Path, *arguments: str) -> dict[tuple[object, ...], tuple[object, ...]]:
    """By bot: instrument, result and run."""
    _, said, _ = why(*arguments, "--logs", str(log), "--output", "jsonl")
    found = [json.loads(one) for one in said.splitlines()]
    return {
        (one["instance"], one["env"], one["dry_run"]): (one["symbol"], one["result"], one["run_id"])
        for one in found
    }


@pytest.fixture(params=OTHERS)
def other(request: pytest.FixtureRequest) -> dict[str, str]:
    return OTHERS[request.param]


@pytest.fixture
def log(tmp_path: Path, other: dict[str, str]) -> Path:
    path = tmp_path / "bot.log"
    path.write_text("".join(two(other)))
    return path


FIRST = ("default", "SIM", "false")


def key(other: dict[str, str]) -> tuple[object, ...]:
    return other["instance"], other.get("env", "SIM"), other.get("dry", "false")


def test_each_bot_answers_for_itself(log: Path, other: dict[str, str]) -> None:
    assert answers(log, "--at", f"{DAY}07:30Z") == {
        FIRST: ("AAPL:xnas", "not_traded", "a7"),
        key(other): ("MSFT:xnas", "not_traded", "b7"),
    }
    assert answers(log, "AAPL", "--at", f"{DAY}07:30Z")[FIRST][1] == "not_traded"
    assert answers(log, "MSFT", "--at", f"{DAY}07:30Z")[key(other)][1] == "not_traded"
    assert answers(log)[FIRST][2] == "a9"
    assert answers(log)[key(other)][2] == "b9"


def test_the_run_of_one_is_no_run_of_the_other(log: Path, other: dict[str, str]) -> None:
    found = answers(log, "--at", f"{DAY}08:30Z")
    assert found.pop(FIRST) == ("AAPL:xnas", "not_traded", "a8")
    # The same bot was set to trade for real then: that is what became of its slot.
    told = {} if "dry" in other else {key(other): ("MSFT:xnas", "no_run", None)}
    assert found == told


def test_people_read_whose_answer_it_is(log: Path, other: dict[str, str]) -> None:
    code, said, _ = why("MSFT", "--at", f"{DAY}07:30Z", "--logs", str(log))
    name = Bot(*map(str, key(other))).name
    assert code == 0
    assert said.startswith(f"{name}:\n"), "who knows something comes first"
    assert "\ndefault SIM:\n" in said
    assert said.index("MSFT:xnas (Stock:10001): not traded: no_cross") < said.index("not watched")
    assert "dry run" in said if "dry" in other else "dry run" not in said


def test_one_document_has_each_bot(log: Path, other: dict[str, str]) -> None:
    _, said, _ = why("--at", f"{DAY}07:30Z", "--logs", str(log), "--output", "json")
    found = json.loads(said)["bots"]
    assert [(bot["instance"], bot["env"], bot["dry_run"]) for bot in found] == [FIRST, key(other)]
    assert [bot["watched"] for bot in found] == [["Stock:211 AAPL:xnas"], ["Stock:10001 MSFT:xnas"]]


def test_a_span_counts_each_for_itself(log: Path, other: dict[str, str]) -> None:
    _, said, _ = why("--since", f"{DAY}06:00Z", "--logs", str(log), "--output", "json")
    rows = json.loads(said)["rows"]
    told = {(row["instance"], row["env"], row["dry_run"], row["symbol"]): row["count"]
            for row in rows}  # fmt: skip
    assert told == {(*FIRST, "AAPL:xnas"): 3, (*key(other), "MSFT:xnas"): 2}
    _, said, _ = why("--since", f"{DAY}06:00Z", "--logs", str(log))
    name = Bot(*map(str, key(other))).name
    assert f"MSFT:xnas (Stock:10001), {name}: 2 cycles, 0 traded" in said


def test_a_gap_of_one_is_no_gap_of_the_other(tmp_path: Path) -> None:
    """Both tell of the same slots, and each is counted for its own instruments."""
    gap = f"missed_count=1 missed_from={DAY}08:00:00Z missed_to={DAY}08:00:00Z reason=no_wakeup"
    lines = [
        *run_of("a7", "07:00", "default", "AAPL"),
        *run_of("b7", "07:01", "second", "MSFT"),
        *run_of("b8", "08:01", "second", "MSFT"),
        *run_of("a9", "09:00", "default", "AAPL"),
        line("09:00:02.500", "schedule_runs_missed", gap, run="a9", env="SIM", dry="false"),
    ]
    log = tmp_path / "bot.log"
    log.write_text("".join(lines))
    _, said, _ = why("--since", f"{DAY}06:00Z", "--logs", str(log), "--output", "json")
    missed = [row for row in json.loads(said)["rows"] if row["result"] == "no_run"]
    assert [(row["instance"], row["symbol"]) for row in missed] == [("default", "AAPL:xnas")]
    found = answers(log, "--at", f"{DAY}08:30Z")
    assert {bot[0]: one[1] for bot, one in found.items()} == {
        "default": "no_run", "second": "not_traded",
    }  # fmt: skip


@pytest.mark.parametrize(("follower", "reason"), [("default", "killed"), ("second", "no_end")])
def test_a_run_of_another_bot_does_not_show_that_one_died(
    tmp_path: Path, follower: str, reason: str
) -> None:
    """Each has a lock of its own."""
    lines = [
        *run_of("a7", "07:00", "default", "AAPL"),
        *run_of("a8", "08:00", "default", "AAPL", end=False),
        *run_of("x8", "08:05", follower, "MSFT"),
    ]
    log = tmp_path / "bot.log"
    log.write_text("".join(lines))
    _, said, _ = why("AAPL", "--at", f"{DAY}08:00:01.5Z", "--logs", str(log), "--output", "jsonl")
    found = [json.loads(one) for one in said.splitlines()]
    assert reason in [one["reason"] for one in found if one["run_id"] == "a8"]


def test_runs_name_the_bot_where_there_are_several(
    log: Path, other: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = Asked(capsys, ["runs", "--logs", log]).out
    name = Bot(*map(str, key(other))).name
    assert "BOT" in said.splitlines()[0]
    for run, bot in (("a7", "default SIM"), ("b7", name)):
        [row] = [row for row in said.splitlines() if f"  {run}" in row]
        assert f"Z  {bot}  " in row
    assert "2 runs" not in said, "runs of two bots are never one row"

    log.write_text("".join(run_of("a7", "07:00", "default", "AAPL")))
    assert "BOT" not in Asked(capsys, ["runs", "--logs", log]).out


def test_long_series_fold_bot_by_bot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "bot.log"
    first = [run_of(f"a{h}", f"{h:02}:00", "default", "AAPL") for h in range(5)]
    second = [run_of(f"b{h}", f"{h:02}:01", "second", "MSFT") for h in range(5, 10)]
    log.write_text("".join(text for one in (*first, *second) for text in one))
    said = Asked(capsys, ["runs", "--logs", log]).out
    assert said.count(" 5 runs ") == 2


def test_who_ended_before_its_settings_were_read_may_be_anybody() -> None:
    def run(name: str, instance: str, **more: str) -> RunStory:
        return RunStory(name, instance=instance, env="SIM", dry_run="false", **more)  # type: ignore[arg-type]

    runs = [
        run("a", "default"),
        run("b", "second"),
        run("c", ""),
        RunStory("d", killed_found_by="b"),
        RunStory("e"),
    ]
    found = by_bot(runs, lambda one: one)
    assert {bot.instance: "".join(one.run_id for one in mine) for bot, mine in found.items()} == {
        "default": "ace",
        "second": "bcde",
    }
    assert list(by_bot(runs[2:3], lambda one: one)) == [Bot("", "SIM", "false")]
