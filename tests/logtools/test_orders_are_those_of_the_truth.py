"""`logs orders` on a generated log: each order with the state, reason and times it really had."""

from __future__ import annotations

import gzip
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.log_corpus import Corpus, small_corpus
from support.story_lines import Asked
from tradebot.logtools.reading.times import seconds_between

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


def listed(asked: Asked) -> dict[str, dict[str, Any]]:
    return {one["external_reference"]: one for one in asked.document["orders"]}


def between(earlier: str | None, later: str | None) -> float | None:
    return round(seconds_between(earlier, later), 3) if earlier and later else None


def test_every_order(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(capsys, ["orders", "--logs", corpus.folder, "--output", "json"])
    found = listed(asked)
    truth = corpus.truth.refs
    assert asked.code == 0
    assert set(found) == {*truth, *corpus.truth.orphans}
    assert asked.document["counts"]["by_status"]["not_ours"] == len(corpus.truth.orphans)
    for reference, true in truth.items():
        told = found[reference]
        expected = {
            "status": true.state,
            "execution_outcome": true.outcome,
            "failure_reason": true.failure_reason if true.outcome else told.get("failure_reason"),
            "error_code": true.error_code,
            "instrument_id": true.instrument,
            "symbol": true.symbol,
            "side": true.side,
            "quantity": str(true.quantity),
            "attempt": str(true.attempt),
            "bar_time": true.bar_time,
            "created": true.created,
            "sending": true.sent,
            "placed": true.placed,
            "decided": true.completed,
            "replayed": true.replayed or None,
            "run_ids": list(true.run_ids),
            "order_ids": None if true.order_id is None else [true.order_id],
            "seconds_to_sending": between(true.created, true.sent),
            "seconds_to_verdict": between(true.created, true.completed),
        }
        assert {name: told.get(name) for name in expected} == expected, (reference, true.kind)
        assert Decimal(told.get("filled_quantity", 0)) == true.filled_quantity, reference
        if true.order_state in ("working", "partial", "filled", "cancelled", "expired"):
            assert told["standing"] == true.order_state, reference


@pytest.mark.parametrize(
    ("option", "state"),
    [
        ("--missing-outcome", "no_outcome_logged"),
        ("--unknown", "unknown_at_broker"),
        ("--open", "still_open"),
    ],
)
def test_three_kinds_of_nothing_are_kept_apart(
    corpus: Corpus, capsys: pytest.CaptureFixture[str], option: str, state: str
) -> None:
    found = listed(Asked(capsys, ["orders", option, "--logs", corpus.folder, "--output", "json"]))
    assert found
    assert set(found) == {name for name, true in corpus.truth.refs.items() if true.state == state}


def test_failed_orders_and_their_reasons_in_words(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(capsys, ["orders", "--failed", "--logs", corpus.folder])
    rows = {line.split()[1]: line for line in asked.out.splitlines() if " ATB-" in line}
    failed = {
        name: true
        for name, true in corpus.truth.refs.items()
        if (true.outcome == "FAILED" and true.kind != "unknown_contradicted")
        or true.order_state in ("cancelled", "expired")
    }
    assert set(rows) == set(failed)
    for name, true in failed.items():
        assert (true.failure_reason or true.order_state or "?") in rows[name]
        assert (true.error_code or "") in rows[name]
    assert "The market is closed." in asked.out
    assert "what to do" in asked.out
    assert asked.out.splitlines()[-1].startswith(f"{len(failed)} orders of ")


def test_an_instrument_by_any_of_its_names(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {n for n, true in corpus.truth.refs.items() if true.instrument == "Stock:211"}
    for name in ("Stock:211", "211", "AAPL:xnas", "aapl"):
        asked = Asked(
            capsys,
            ["orders", "--instrument", name, "--logs", corpus.folder, "--output", "json"],
        )
        assert set(listed(asked)) == mine, name
    asked = Asked(capsys, ["orders", "--instrument", "21", "--logs", corpus.folder])
    assert "EURUSD" in asked.out and "AAPL" not in asked.out
    asked = Asked(capsys, ["orders", "--instrument", "TSLA", "--logs", corpus.folder])
    assert (asked.code, asked.out) == (1, f"no orders of {len(corpus.truth.refs) + 1}\n")
    assert "read: 5 files" in asked.err


def test_any_fact_may_be_asked_for(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["orders", "failure_reason=market_closed", "failure_reason=rate_limited", "side=SELL"]
    found = listed(Asked(capsys, [*words, "--logs", corpus.folder, "--output", "json"]))
    assert set(found) == {
        name
        for name, true in corpus.truth.refs.items()
        if true.failure_reason in ("market_closed", "rate_limited") and true.side == "SELL"
    }
    order_id = next(true.order_id for true in corpus.truth.refs.values() if true.order_id)
    words = ["orders", f"order_id={order_id}", "--output", "jsonl", "--logs", str(corpus.folder)]
    order, counts = Asked(capsys, words).documents
    assert (order["type"], order["order_ids"], counts["orders"]) == ("order", [order_id], 1)
    with pytest.raises(SystemExit):
        Asked(capsys, ["orders", "order_it=7", "--logs", corpus.folder])
    assert "there is no field 'order_it' here. Did you mean order_id?" in capsys.readouterr().err


def test_what_became_of_an_order_is_read_behind_the_time_asked_for(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    crossing = {
        name: true
        for name, true in corpus.truth.refs.items()
        if true.completed and true.created[:10] < true.completed[:10]
    }
    assert crossing
    for name, true in crossing.items():
        midnight = f"{true.completed[:10]}T00:00:00Z" if true.completed else ""
        words = ["orders", "--output", "json", "--logs", str(corpus.folder)]
        before = Asked(capsys, [*words, "--until", midnight])
        assert listed(before)[name]["decided"] == true.completed
        after = Asked(capsys, [*words, "--since", midnight])
        assert name not in listed(after)
        assert "not listed: " in after.err
    first = min(true.created for true in corpus.truth.refs.values())
    asked = Asked(capsys, ["orders", "--until", first, "--logs", corpus.folder])
    assert asked.code == 1


def test_raw_lines_are_those_that_grep_finds(
    corpus: Corpus, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [n for n, true in corpus.truth.refs.items() if true.state != "done"]
    words = ["orders", "--missing-outcome", "--unknown", "--open", "--output", "raw"]
    found = Asked(capsys, [*words, "--logs", corpus.folder]).out
    files = [corpus.folder / name for name in corpus.truth.files]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    expected = [line for line in lines if any(f"external_reference={n}" in line for n in names)]
    assert found.splitlines() == expected
    assert len(expected) == sum(corpus.truth.refs[name].lines for name in names)

    whole = corpus.folder / "bot.log"
    with whole.open("rb") as stream:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": stream}))
        piped = Asked(capsys, [*words, "--logs", "-"]).out
    named = Asked(capsys, [*words, "--logs", whole]).out
    assert piped == named != ""


def test_the_rest_is_read_whatever_is_wrong_with_a_file(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    shutil.copytree(corpus.folder, folder)
    day = folder / "bot.log.2025-11-22"
    (folder / f"{day.name}.gz").write_bytes(gzip.compress(day.read_bytes()))
    day.unlink()
    spoilt = folder / "bot.log.2025-11-23"
    spoilt.write_bytes(b"\x00\xff | execution_completed | rubbish\n" * 9 + spoilt.read_bytes())
    with (folder / "bot.log").open("ab") as live:
        live.write(b"2025-11-24T23:59:59.000Z | INFO  | execution.comple | execution_")
    words = ["orders", "--output", "jsonl", "--logs"]
    fine = Asked(capsys, [*words, corpus.folder])
    asked = Asked(capsys, [*words, folder])
    assert asked.out == fine.out
    assert asked.code == 0
    assert "9 foreign lines" in asked.err
    assert "1 unfinished line" in asked.err

    (folder / "bot.log.2025-11-21.gz").write_bytes(gzip.compress(day.name.encode() * 99)[:-9])
    (folder / "bot.log.2025-11-21").unlink()
    asked = Asked(capsys, [*words, folder])
    assert asked.code == 2
    assert "not a whole gzip file" in asked.err
    assert len(asked.documents) > 20


def test_where_there_is_nothing_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(capsys, ["orders", "--logs", tmp_path])
    assert asked.code == 2 and "there is no bot.log" in asked.err
    asked = Asked(capsys, ["orders", "--logs", tmp_path / "nowhere"])
    assert asked.code == 2
    (tmp_path / "bot.log").touch()
    asked = Asked(capsys, ["orders", "--logs", tmp_path])
    assert (asked.code, asked.out) == (1, "no orders\n")


def test_a_foreign_lines_colours_stay_out_of_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.story_lines import of_order

    evil = of_order("execution_intent_created", 'side="\\u001b[31mBUY" quantity=1')
    (tmp_path / "bot.log").write_text(evil, "utf-8")
    asked = Asked(capsys, ["orders", "--logs", tmp_path])
    assert "\x1b" not in asked.out and "\\u001b[31mBUY" in asked.out
