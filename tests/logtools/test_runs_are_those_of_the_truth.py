"""`logs runs` on a generated log: each run as it was, and each slot that had none."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.log_corpus import Corpus, small_corpus
from support.story_lines import Asked
from tradebot.logtools.reading.times import moment_of, stamp

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


def listed(asked: Asked, kind: str = "run") -> list[dict[str, Any]]:
    return [one for one in asked.document["runs"] if one["type"] == kind]


def test_every_run(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(capsys, ["runs", "--logs", corpus.folder, "--output", "json"])
    assert asked.code == 0
    found = [one for one in listed(asked) if one["outcome"] != "by_hand"]
    assert [one["run_id"] for one in found] == [true["run_id"] for true in corpus.truth.runs]
    last_killed = [true for true in corpus.truth.runs if true["outcome"] == "killed"][-1]
    for told, true in zip(found, corpus.truth.runs, strict=True):
        killed = true["outcome"] == "killed"
        expected = {
            "outcome": "no_end" if true is last_killed else true["outcome"],
            "cycle_id": None if true["cycle_id"] is None else str(true["cycle_id"]),
            "slot": true["slot"],
            "started": true["first"],
            "duration_ms": true["duration_ms"],
            "exit_code": true["exit_code"],
            "skip": true["skip"] and true["skip"]["reason"],
            "failed": true["failed"],
        }
        skip = told.get("reason") if told["outcome"] == "skipped" else None
        failed = [told.get("phase"), told["reason"]] if true["failed"] else None
        mine = {name: told.get(name) for name in expected} | {"skip": skip, "failed": failed}
        assert mine == expected, true["kind"]
        counts = true["counts"] or {}
        assert {name: told[name] for name in counts} == counts
        if true["lateness"] is not None and not killed:
            assert told["lateness_seconds"] == pytest.approx(true["lateness"], abs=0.002)
        if killed and true is not last_killed:
            assert told["phase"] == true["killed_in"]


def test_every_command_of_a_person(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["runs", "outcome=by_hand", "--logs", corpus.folder, "--output", "json"]
    found = listed(Asked(capsys, words))
    assert {one["run_id"] for one in found} == {one["run_id"] for one in corpus.truth.by_hand}


def test_every_missed_slot(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(capsys, ["runs", "--logs", corpus.folder, "--output", "json"])
    step = timedelta(minutes=corpus.truth.options["cadence_minutes"])
    found: dict[str, tuple[str, Any, Any]] = {}
    for gap in listed(asked, "slots"):
        slot: datetime = moment_of(gap["missed_from"])
        for _ in range(gap["missed_count"]):
            found[stamp(slot)] = (gap["outcome"], gap.get("reason"), gap.get("told_by"))
            slot += step
    assert found == {
        stamp(moment_of(true["slot"])): (
            ("missed", true["reason"], true["told_by"]) if true["told"] else ("no_run", None, None)
        )
        for true in corpus.truth.missed
    }


@pytest.mark.parametrize(
    ("option", "outcomes"),
    [
        ("--failed", {"failed"}),
        ("--skipped", {"skipped"}),
        ("--busy", {"busy"}),
        ("--killed", {"killed"}),
    ],
)
def test_runs_of_one_kind(
    corpus: Corpus, capsys: pytest.CaptureFixture[str], option: str, outcomes: set[str]
) -> None:
    asked = Asked(capsys, ["runs", option, "--logs", corpus.folder, "--output", "json"])
    true = [run["run_id"] for run in corpus.truth.runs if run["outcome"] in outcomes]
    assert [run["run_id"] for run in listed(asked)] == true
    assert asked.code == 0


def slots(corpus: Corpus, *, told: bool) -> int:
    return sum(true["told"] is told for true in corpus.truth.missed)


def test_a_list_for_people(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    everything = Asked(capsys, ["runs", "--all", "--logs", corpus.folder]).out.splitlines()
    folded = Asked(capsys, ["runs", "--logs", corpus.folder]).out.splitlines()
    runs, by_hand = corpus.truth.runs, corpus.truth.by_hand
    gaps = [line for line in everything if "  missed  " in line or "  no run  " in line]
    assert gaps
    assert len(everything) == 3 + len(runs) + len(by_hand) + len(gaps)
    assert len(folded) < len(everything) - 50, "quiet nights are one line"
    assert folded[-1] == everything[-1]
    for run in runs:
        if run["exit_code"] != 0 or (run["counts"] and run["counts"]["intents"]):
            assert run["run_id"] in "\n".join(folded), run["kind"]
    outcomes = Counter(run["outcome"] for run in runs)
    for told in (
        f"{len(runs)} runs: ",
        f"{outcomes['ran']} ran",
        f"{outcomes['skipped']} skipped",
        f"; {slots(corpus, told=True)} slots missed; {len(by_hand)} commands by hand",
    ):
        assert told in folded[-1]
    times = [line[:24] for line in everything[1:-2]]
    assert times == sorted(times)
    assert any("no_wakeup: Nobody started the bot" in line for line in gaps)


def test_a_part_of_the_time(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    killed = next(run for run in corpus.truth.runs if run["outcome"] == "killed")
    since, until = killed["started"], "2025-11-21T00:00:05Z"
    words = ["runs", "--since", since, "--until", until, "--logs", corpus.folder]
    asked = Asked(capsys, [*words, "--output", "json"])
    found = [one for one in listed(asked) if one["outcome"] != "by_hand"]
    true = [run for run in corpus.truth.runs if since <= run["first"] < until]
    assert [one["run_id"] for one in found] == [one["run_id"] for one in true]
    assert [one["outcome"] for one in found] == [one["outcome"] for one in true]
    assert found[0]["killed_found_by"], "also when the run that found it began later"

    longest = max(corpus.truth.runs, key=lambda run: run["duration_ms"] or 0)
    asked = Asked(capsys, ["runs", "--since", longest["last"], "--logs", corpus.folder])
    assert longest["run_id"] not in "".join(
        line for line in asked.out.splitlines() if "held by" not in line
    )
    assert "not listed: 1 run that began before --since" in asked.err
    early = next(true for true in corpus.truth.missed if true["told"])
    words = ["runs", "--missed", "--logs", corpus.folder, "--output", "json", "--until"]
    assert Asked(capsys, [*words, early["slot"]]).document["runs"] == []
    [gap] = Asked(capsys, [*words, early["slot"].replace(":00Z", ":01Z")]).document["runs"]
    assert (gap["missed_from"], gap["told_by"]) == (
        stamp(moment_of(early["slot"])),
        early["told_by"],
    ), "told behind the time that was asked for"


def test_a_day_without_a_file(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    shutil.copytree(corpus.folder, folder)
    (folder / "bot.log.2025-11-22").unlink()
    asked = Asked(capsys, ["runs", "--missed", "--logs", folder])
    [row] = [line for line in asked.out.splitlines() if "  unknown  " in line]
    assert "no file has anything of 2025-11-22" in row
    assert "missing: no file has anything of 2025-11-22" in asked.err
    asked = Asked(capsys, ["runs", "--logs", folder, "--output", "json"])
    [unknown] = [
        gap
        for gap in listed(asked, "slots")
        if gap["missed_from"] < "2025-11-23T" and gap["missed_to"] > "2025-11-22T"
    ]
    assert (unknown["outcome"], unknown["missed_from"], unknown["missed_to"]) == (
        "unknown",
        "2025-11-22T00:00:00.000Z",
        "2025-11-22T23:59:59.999Z",
    )


def test_raw_lines(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    run = next(run for run in corpus.truth.runs if run["outcome"] == "failed" and run["cycle_id"])
    words = ["runs", f"run_id={run['run_id']}", "--output", "raw", "--logs", corpus.folder]
    found = Asked(capsys, words).out.splitlines()
    files = [corpus.folder / name for name in corpus.truth.files]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    assert set(found) <= {line for line in lines if f"run_id={run['run_id']} " in line}
    assert any("| cycle_failed |" in line for line in found)
    words = ["runs", "--missed", "--output", "raw", "--logs", corpus.folder]
    found = Asked(capsys, words).out.splitlines()
    assert found == [line for line in lines if " | schedule_runs_missed | " in line]


def test_where_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Asked(capsys, ["runs", "--logs", tmp_path]).code == 2
    (tmp_path / "bot.log").write_bytes(b"\xff\x00 | cycle_begin | nothing of ours\n\n")
    asked = Asked(capsys, ["runs", "--logs", tmp_path])
    assert (asked.code, asked.out) == (1, "no runs\n")
    assert "1 foreign line" in asked.err
    asked = Asked(capsys, ["runs", "--logs", tmp_path, "--output", "json"])
    assert asked.document["runs"] == []
