"""The log corpus is a log of this bot, and what its truth says of it is so.

The lines are read back here by a few lines of their own: neither the generator, which counts what
it writes, nor the commands that are tested with the corpus have a part in it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.log_corpus import CorpusOptions, Truth, load_truth, make
from benchmarks.log_corpus.agenda import HOURS, ORDERS, RUNS, is_trading, why_closed
from support.log_corpus import Corpus, Line, all_lines, small_corpus
from tradebot.logtools import lint_paths
from tradebot.observability.line import parse, render
from tradebot.scheduling.hours import Run, decide

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines

_UNKNOWN = "RECONCILIATION_NEEDED"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def lines(corpus: Corpus) -> list[Line]:
    return all_lines(corpus.folder, corpus.truth)


# -- a log of this bot -----------------------------------------------------------------------------


def test_lint_finds_nothing_at_all(corpus: Corpus) -> None:
    report = lint_paths([str(corpus.folder)])

    assert not report.unreadable
    assert [str(finding) for finding in report.findings] == []
    for file in report.files:
        assert [file.lines, file.bytes] == corpus.truth.files[Path(file.name).name]


def test_every_line_is_written_as_the_bot_would_write_it(corpus: Corpus) -> None:
    for name in corpus.truth.files:
        for text in (corpus.folder / name).read_text(encoding="utf-8").splitlines():
            # Booleans stand bare; a text that says true would be quoted.
            told = re.sub(r'="(true|false)"', r"=\1", render(parse(text)))
            assert told == text


def test_the_files_are_named_as_the_bot_names_them_and_each_holds_its_day(
    corpus: Corpus, lines: list[Line]
) -> None:
    *older, live = corpus.truth.files
    days = defaultdict(set)
    for line in lines:
        days[line.file].add(line.at[:10])

    assert live == "bot.log"
    assert all(days[name] == {name.removeprefix("bot.log.")} for name in older)
    assert days[live] == {"2025-11-24"}


def test_lines_are_in_the_order_of_time(lines: list[Line]) -> None:
    times = [line.at for line in lines]

    assert times == sorted(times)


def test_all_that_can_go_wrong_is_there(corpus: Corpus) -> None:
    kinds = {one.kind + (f":{one.error_code}" if one.error_code else "") for one in _refs(corpus)}
    wanted = {kind for kind in ORDERS if not kind.endswith(":429")}
    runs = {run["kind"] for run in corpus.truth.runs}

    assert wanted <= kinds
    assert "rejected" in kinds, "too many requests have no code"
    assert set(RUNS) - {"gap"} <= runs
    assert {slot["told"] for slot in corpus.truth.missed} == {True, False}
    assert {slot["reason"] for slot in corpus.truth.missed} == {"no_wakeup", "busy"}
    assert {one.state for one in _refs(corpus)} == {
        "done", "no_outcome_logged", "unknown_at_broker", "still_open",
    }  # fmt: skip
    exits = {run["exit_code"] for run in corpus.truth.runs}
    assert exits == {0, 3, 69, 70, 74, 75, 77, 78, 124, 143, None}


def test_stories_go_on_across_midnight_a_weekend_and_a_restart(corpus: Corpus) -> None:
    refs = corpus.truth.refs

    assert any(len(one.days) > 1 and one.completed for one in refs.values())
    assert any(run["first"][:10] < run["last"][:10] for run in corpus.truth.runs)
    assert any(
        reference.startswith("ATB-20251121") and one.created.startswith("2025-11-24T08")
        for reference, one in refs.items()
    )
    assert any(one.replayed for one in refs.values())
    assert any(one.attempt == 2 and one.outcome == "SUCCESS" for one in refs.values())


def _refs(corpus: Corpus) -> list[Any]:
    return list(corpus.truth.refs.values())


# -- what the truth says of it ---------------------------------------------------------------------


def test_the_truth_of_orders_is_what_the_lines_say(corpus: Corpus, lines: list[Line]) -> None:
    told = defaultdict(list)
    for line in lines:
        if "external_reference" in line.fields:
            told[line.fields["external_reference"]].append(line)

    assert told.keys() == corpus.truth.refs.keys() | corpus.truth.orphans.keys()
    for reference, one in corpus.truth.refs.items():
        own = told[reference]
        ended = [line for line in own if line.event == "execution_completed"]
        final = [line for line in ended if line.fields["execution_outcome"] == one.outcome]
        seen = {name: _first(own, f"execution_{name}") for name in _STEPS}
        assert one.lines == len(own)
        assert one.days == tuple(dict.fromkeys(line.file for line in own))
        assert one.run_ids == tuple(dict.fromkeys(line.fields["run_id"] for line in own))
        assert one.created == seen["intent_created"]
        assert one.sent == seen["order_sending"]
        assert one.placed == seen["order_placed"]
        assert one.completions == len(ended)
        assert one.outcome == (ended[-1].fields["execution_outcome"] if ended else None)
        assert one.failure_reason == (ended[-1].fields.get("failure_reason") if ended else None)
        assert one.replayed == bool(ended and "replayed" in ended[-1].fields)
        assert one.completed == (None if one.outcome in (None, _UNKNOWN) else final[0].at)
        _intent_is(one, own[0])
        assert one.order_id == _last_value(own, "order_id")
        assert one.order_state == _last_state(own)
        assert (one.error_code or "-") == (_last_value(own, "error_code") or "-")
        assert str(one.filled_quantity) == (_last_value(own, "filled_quantity") or "0")
    for reference, orphan in corpus.truth.orphans.items():
        assert orphan["lines"] == len(told[reference])
        assert {line.event for line in told[reference]} == {"execution_orphan_found"}


_STEPS = ("intent_created", "order_sending", "order_placed")


def _intent_is(one: Any, line: Line) -> None:
    fields = line.fields
    assert line.event == "execution_intent_created"
    assert fields["instrument_id"] == one.instrument
    assert fields["symbol"] == one.symbol
    assert fields["side"] == one.side
    assert fields["quantity"] == str(one.quantity)
    assert fields["attempt"] == str(one.attempt)
    assert fields["bar_time"] == one.bar_time


def _first(lines: list[Line], event: str) -> str | None:
    return next((line.at for line in lines if line.event == event), None)


def _last_value(lines: list[Line], key: str) -> str | None:
    return next((line.fields[key] for line in reversed(lines) if key in line.fields), None)


def _last_state(lines: list[Line]) -> str | None:
    """How the broker showed the order last, if it did."""
    shown = [
        line.fields.get("reconcile_result") or line.fields.get("order_state")
        for line in lines
        if line.fields.get("reconcile_result") or line.fields.get("order_state")
    ]
    known = [state for state in shown if state not in ("unknown", "not_placed", "rejected")]
    return known[-1] if known else None


def test_a_reference_is_mentioned_in_the_text_of_lines_that_are_not_its_own(
    corpus: Corpus, lines: list[Line]
) -> None:
    mentioned = Counter(
        reference
        for line in lines
        for reference in re.findall(
            r"ATB-[0-9]{8}-[0-9]{4}-[A-Z0-9]{10}", line.fields.get("msg", "")
        )
        if line.fields.get("external_reference") != reference
    )

    assert corpus.truth.mentioned == dict(mentioned)
    assert mentioned


def test_the_truth_of_runs_is_what_the_lines_say(corpus: Corpus, lines: list[Line]) -> None:
    told = defaultdict(list)
    for line in lines:
        told[line.fields["run_id"]].append(line)

    assert told.keys() == {one["run_id"] for one in (*corpus.truth.runs, *corpus.truth.by_hand)}
    for run in corpus.truth.runs:
        own = told[run["run_id"]]
        end = next((line.fields for line in own if line.event == "cycle_end"), None)
        assert (own[0].event, own[0].at, own[-1].at) == ("startup_begin", run["first"], run["last"])
        assert run["skip"] == _skip(own)
        assert str(run["cycle_id"] or "-") == own[-1].fields["cycle_id"]
        assert (
            run["slot"] == _last_value(own, "slot") or run["failed"] or run["outcome"] == "killed"
        )
        if end is None:
            assert run["duration_ms"] is None
            assert run["outcome"] in ("killed", "busy", "failed")
            continue
        assert end["exit_code"] == str(run["exit_code"])
        assert end["duration_ms"] == str(run["duration_ms"])
        assert {key: int(end[key]) for key in run["counts"]} == run["counts"]
        asked = sum(_is_request(line) for line in own)
        lost = sum(int(line.fields["count"]) for line in own if line.event == "log_lines_lost")
        assert run["counts"]["http_calls"] == asked + lost


def _is_request(line: Line) -> bool:
    """Sent, with an answer or without."""
    if line.event == "http_request":
        return True
    return line.event == "http_error" and "http_status" not in line.fields


def _skip(lines: list[Line]) -> dict[str, str] | None:
    skips = [line for line in lines if line.event.startswith("cycle_skip_")]
    told = [{"event": s.event, "reason": s.fields["reason"]} for s in skips if "reason" in s.fields]
    return next(iter(told), None)


def test_no_two_runs_hold_the_lock_at_once(corpus: Corpus) -> None:
    held = [run for run in corpus.truth.runs if run["cycle_id"] is not None]

    assert [run["cycle_id"] for run in held] == list(range(1, len(held) + 1))
    for run, following in itertools.pairwise(held):
        assert run["last"] < following["first"]


def test_every_killed_run_is_found_by_the_next_one(corpus: Corpus, lines: list[Line]) -> None:
    found = {
        line.fields["killed_run_id"]: line.fields["phase"]
        for line in lines
        if line.event == "run_killed_found"
    }
    killed = {
        run["run_id"]: run["killed_in"] for run in corpus.truth.runs if run["outcome"] == "killed"
    }
    last = corpus.truth.runs[-1]["run_id"]

    assert found == {run_id: phase for run_id, phase in killed.items() if run_id != last}
    assert last in killed


def test_decisions_are_what_the_lines_say_and_have_their_orders(
    corpus: Corpus, lines: list[Line]
) -> None:
    told = [
        tuple(line.fields[key] for key in ("run_id", "instrument_id", "action", "reason"))
        for line in lines
        if line.event == "strategy_decision"
    ]
    truth = corpus.truth.decisions
    keys = ("run_id", "instrument", "action", "reason")

    assert sorted(told) == sorted(tuple(one[key] for key in keys) for one in truth)
    assert corpus.truth.summary.decision_reasons == dict(Counter(one["reason"] for one in truth))
    wished = [one for one in truth if one["action"] in ("BUY", "SELL")]
    assert all((one["reference"] is None) == (one["not_begun"] is not None) for one in wished)
    assert {one["reference"] for one in truth} - {None} == corpus.truth.refs.keys()
    for one in filter(lambda one: one["reference"], wished):
        order = corpus.truth.refs[one["reference"]]
        assert (order.instrument, order.side) == (one["instrument"], one["action"])
        assert order.run_ids[0] == one["run_id"]
        assert order.failure_reason == one["failure_reason"]


def test_the_sums_are_those_of_the_lines(corpus: Corpus, lines: list[Line]) -> None:
    _sums_are_those_of(corpus.truth, lines)


def test_requests_that_fill_a_day_up_are_counted_too(tmp_path: Path) -> None:
    truth = make(tmp_path, dataclasses.replace(_TWO_DAYS, mb_per_day=1.4, journal=False))

    _sums_are_those_of(truth, all_lines(tmp_path, truth))
    assert all(1.26e6 < size < 1.54e6 for _, size in truth.files.values())
    assert not list(lint_paths([str(tmp_path)]).findings)
    assert not (tmp_path / "journal.db").exists()


def _sums_are_those_of(truth: Truth, lines: list[Line]) -> None:
    summary = truth.summary
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    took: defaultdict[str, list[int]] = defaultdict(list)
    left: dict[str, int] = {}
    for line in lines:
        if "failure_reason" in line.fields:
            reasons[line.event][line.fields["failure_reason"]] += 1
        if line.event == "http_request":
            name = f"{line.fields['http_method']} {line.fields['http_url_path']}"
            took[name].append(int(line.fields["latency_ms"]))
        for key, value in line.fields.items():
            if key.startswith("rate_limit_remaining_"):
                dimension = key.removeprefix("rate_limit_remaining_")
                left[dimension] = min(int(value), left.get(dimension, 10**9))

    assert summary.lines == len(lines)
    assert summary.bytes == sum(size for _, size in truth.files.values())
    per_file = Counter(line.file for line in lines)
    assert {name: told[0] for name, told in truth.files.items()} == dict(per_file)
    assert summary.events == dict(Counter(line.event for line in lines))
    assert summary.levels == dict(Counter(line.level for line in lines))
    assert summary.failure_reasons == reasons
    assert summary.rate_limits == left
    for name, endpoint in summary.endpoints.items():
        ordered = sorted(took.pop(name))
        ranks = (ordered[ceil(share * len(ordered) / 100) - 1] for share in (50, 95, 99))
        assert dataclasses.astuple(endpoint) == (len(ordered), *ranks)
    assert not took


def test_errors_skips_and_tokens_are_counted(corpus: Corpus, lines: list[Line]) -> None:
    summary = corpus.truth.summary
    errors = Counter(
        tuple(line.fields.get(key, "-") for key in ("http_status", "error_kind", "error_code"))
        for line in lines
        if line.event == "http_error"
    )
    skips = Counter(
        line.fields["reason"]
        for line in lines
        if line.event.startswith("cycle_skip_") and "reason" in line.fields
    )
    refused = [line for line in lines if line.event == "auth_token_refresh_failure"]

    assert {
        (one["status"], one["error_kind"], one["error_code"]): one["count"]
        for one in summary.http_errors
    } == errors
    assert summary.skips == skips
    assert summary.tokens == {
        "refreshed": summary.events["auth_token_refresh_success"],
        "failed": sum(line.fields["recoverable"] == "true" for line in refused),
        "lost": sum(line.fields["recoverable"] == "false" for line in refused),
        "login_required": summary.events["auth_login_required"],
    }


def test_the_truth_is_kept_beside_the_log(corpus: Corpus) -> None:
    assert load_truth(corpus.folder) == corpus.truth


# -- the same every time ---------------------------------------------------------------------------

_TWO_DAYS = CorpusOptions(
    days=2, first_day="2025-11-20", cadence_minutes=60, instruments=3, orders_per_day=9,
    mb_per_day=0.1, journal=True,
)  # fmt: skip


def test_the_same_options_make_the_same_bytes_however_many_processes_there_are(
    tmp_path: Path,
) -> None:
    one = make(tmp_path / "one", _TWO_DAYS)
    two = make(tmp_path / "two", _TWO_DAYS, procs=2)
    other = make(tmp_path / "other", dataclasses.replace(_TWO_DAYS, seed=8))

    assert _digests(tmp_path / "one", one) == _digests(tmp_path / "two", two)
    assert one == two
    assert _digests(tmp_path / "one", one) != _digests(tmp_path / "other", other)


def _digests(folder: Path, truth: Truth) -> dict[str, str]:
    names = (*truth.files, "truth.json")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


@pytest.mark.parametrize("change", [{"instruments": 2}, {"cadence_minutes": 7}, {"days": 0}])
def test_options_that_no_corpus_can_have_are_refused(
    tmp_path: Path, change: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match=r"corpus has|cadence|days"):
        make(tmp_path, dataclasses.replace(_TWO_DAYS, **change))  # type: ignore[arg-type]


def test_its_trading_hours_are_the_bots(corpus: Corpus) -> None:
    for hour in range(7 * 24):
        for minute in (0, 30):
            moment = datetime(2025, 11, 17, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)
            answer = decide(moment, HOURS)
            assert is_trading(int(moment.timestamp())) == isinstance(answer, Run)
            if not isinstance(answer, Run):
                reason, opens = why_closed(int(moment.timestamp()))
                assert reason == answer.reason
                assert opens == (answer.next_open and answer.next_open.timestamp())
