"""What a report tells is what the log's own truth says."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks.log_corpus import Truth
from support.log_corpus import Corpus, small_corpus
from support.log_lines import line
from support.report_page import Nowhere, Page, page_of
from tradebot.logtools.desk import Desk
from tradebot.logtools.main import main
from tradebot.logtools.options import selection
from tradebot.logtools.report.words import Clock

WHOLE = ("--since", "2025-11-20", "--until", "2025-11-25")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def whole(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(corpus.folder, tmp_path_factory.mktemp("whole") / "r.html", *WHOLE)


def run_of(truth: Truth, **wanted: object) -> dict[str, object]:
    """The first run of this kind that has a cycle."""
    for run in truth.runs:
        if run["cycle_id"] and all(run[name] == value for name, value in wanted.items()):
            return run
    raise AssertionError(f"the corpus has no run with {wanted}")


def test_a_period_counts_every_cycle_slot_and_order(corpus: Corpus, whole: Page) -> None:
    truth = corpus.truth
    outcomes = [run["outcome"] for run in truth.runs]
    head = whole.section("header")
    assert f"{len(truth.runs)} cycles: " in head
    # Of the last run nobody has found out yet that it was killed.
    assert f"{outcomes.count('killed') - 1} killed, 1 without an end" in head
    assert f"{outcomes.count('skipped')} skipped on purpose" in head
    assert f"{outcomes.count('ran')} went through" in head
    told = sum(1 for missed in truth.missed if missed["told"])
    assert f"{told} slots had no run" in head
    assert f"{len(truth.refs) + len(truth.orphans)} orders: " in head
    assert "Something failed" in head


def test_a_period_lists_the_cycles_that_did_not_simply_run(corpus: Corpus, whole: Page) -> None:
    listed = whole.section("timeline")
    for run in corpus.truth.runs:
        if run["outcome"] in ("failed", "killed", "busy"):
            assert f"{run['started'][:10]} {run['started'][11:16]}" in listed
    kinds = {mark["class"] for mark in whole.all("rect")}
    assert {"c-ran", "c-traded", "c-skipped", "c-bad", "c-missed"} <= kinds


def test_a_period_names_every_order_with_its_end(corpus: Corpus, whole: Page) -> None:
    orders = whole.section("orders")
    for reference, truth in corpus.truth.refs.items():
        assert reference in orders
        if truth.failure_reason:
            assert truth.failure_reason.replace("_", " ") in orders


def test_warnings_and_errors_come_with_their_catalogue_text(corpus: Corpus, whole: Page) -> None:
    told = whole.section("troubles")
    levels = corpus.truth.summary.levels
    assert f"{levels['WARN']} warnings were logged" in whole.section("header")
    for event, meaning in {
        "http_error": "A request failed or was refused.",
        "run_killed_found": "An earlier run ended without a word",
        "execution_order_rejected": "Read error_code.",
    }.items():
        assert event in told
        assert meaning in told
    assert "What to do:" in told


def test_decisions_are_counted_by_instrument_in_plain_words(corpus: Corpus, whole: Page) -> None:
    told = whole.section("decisions")
    for instrument in {one["instrument"] for one in corpus.truth.decisions}:
        own = [one["reason"] for one in corpus.truth.decisions if one["instrument"] == instrument]
        most = max(set(own), key=own.count)
        assert f"{own.count(most):,} × " in told
    assert "The averages did not cross on the last closed bar." in told


def test_every_endpoint_and_every_rate_limit_is_there(corpus: Corpus, whole: Page) -> None:
    requests, limits = whole.section("requests"), whole.section("limits")
    for name, figures in corpus.truth.summary.endpoints.items():
        assert name.replace("/sim/openapi", "") in requests
        assert f"{figures.count:,}" in requests
    for dimension, left in corpus.truth.summary.rate_limits.items():
        assert dimension in limits
        assert f"lowest {left:,} at" in limits


def test_a_cycle_is_drawn_in_lanes(corpus: Corpus, tmp_path: Path) -> None:
    reference = next(
        name for name, one in corpus.truth.refs.items() if one.kind == "filled" and one.sent
    )
    order = corpus.truth.refs[reference]
    run = next(run for run in corpus.truth.runs if run["run_id"] == order.run_ids[0])
    page = page_of(corpus.folder, tmp_path / "r.html", "--cycle", str(run["cycle_id"]))
    lanes = page.section("timeline")
    own = f"{order.side} {order.quantity} {order.symbol} …{reference[-4:]}"
    for lane in ("run", "lock", "market data", "decisions", own, "POST /trade/v2/orders"):
        assert lane in lanes
    assert "sent and placed" in lanes
    assert f"Cycle {run['cycle_id']} went through all its steps" in page.section("header")
    assert f"exit code {run['exit_code']}" in page.section("header")
    steps = page.section("orders")
    assert "order sending" in steps
    assert order.order_id is not None
    assert order.order_id in steps
    assert f"run_id={run['run_id']}" in page.section("lines")


def test_a_skipped_cycle_says_why(corpus: Corpus, tmp_path: Path) -> None:
    run = run_of(corpus.truth, outcome="skipped")
    page = page_of(corpus.folder, tmp_path / "r.html", "--cycle", str(run["cycle_id"]))
    assert "was skipped on purpose" in page.section("header")
    assert "None: no line of WARN or above." in page.section("troubles")


def test_a_killed_run_is_known_by_what_a_later_one_found(corpus: Corpus, tmp_path: Path) -> None:
    run = next(run for run in corpus.truth.runs if run["outcome"] == "killed")
    page = page_of(corpus.folder, tmp_path / "r.html", "--run", str(run["run_id"]))
    assert "ended without a word: it was killed" in page.section("header")
    assert any("run_killed_found" in one for one in page.lines)


def test_an_order_is_told_over_all_its_runs(corpus: Corpus, tmp_path: Path) -> None:
    reference, order = max(corpus.truth.refs.items(), key=lambda pair: len(pair[1].run_ids))
    assert len(order.run_ids) > 1
    page = page_of(corpus.folder, tmp_path / "r.html", "--order", reference)
    own = [one for one in page.lines if f"external_reference={reference}" in one]
    assert len(own) == order.lines
    for run in order.run_ids:
        assert any(run in one for one in page.lines)
    assert f"…{reference[-4:]}" in page.section("timeline")


def test_an_order_is_found_by_the_brokers_id(corpus: Corpus, tmp_path: Path) -> None:
    reference, order = next(pair for pair in corpus.truth.refs.items() if pair[1].order_id)
    page = page_of(corpus.folder, tmp_path / "r.html", "--order", str(order.order_id))
    assert page.section("title").startswith(f"Order {reference}")


def test_a_reason_that_stopped_an_order_is_in_plain_words(corpus: Corpus, tmp_path: Path) -> None:
    reference = next(
        name for name, one in corpus.truth.refs.items() if one.failure_reason == "insufficient_cash"
    )
    page = page_of(corpus.folder, tmp_path / "r.html", "--order", reference)
    assert "Not enough cash or margin." in page.section("header")


def test_what_it_rests_on_is_said(corpus: Corpus, whole: Page, tmp_path: Path) -> None:
    told = whole.section("footer")
    assert "5 files, bot.log.2025-11-20 to bot.log" in told
    copied = tmp_path / "logs"
    copied.mkdir()
    for name in ("bot.log.2025-11-20", "bot.log.2025-11-22"):
        (copied / name).write_bytes((corpus.folder / name).read_bytes())
    page = page_of(copied, tmp_path / "r.html", "--since", "2025-11-22T20:00Z")
    assert "no file has anything of 2025-11-21" in page.section("footer")
    assert str(tmp_path) not in page.source


def test_a_loops_cycle_is_its_own_lines_alone(tmp_path: Path) -> None:
    six = "run_id=0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a cycle_id={} dry_run=false single_cycle=false"
    six += " env=SIM strategy=sma_cross/1.0"
    log = tmp_path / "bot.log"
    log.write_text(
        "".join(
            line(f"msg=of{cycle}", six=six.format(cycle), time=f"2025-12-17T07:12:0{at}.000Z")
            for at, cycle in enumerate(("-", 1, 1, 2, 2, 2))
        )
    )
    page = page_of(log, tmp_path / "r.html", "--cycle", "2")
    assert len(page.lines) == 3
    assert all("msg=of2" in one for one in page.lines)


@pytest.mark.parametrize("pasted", ["{}", '"{}"', "external_reference={}", " {},"])
def test_a_reference_may_be_pasted(corpus: Corpus, tmp_path: Path, pasted: str) -> None:
    reference = next(iter(corpus.truth.refs))
    asked = pasted.format(reference.lower())
    page = page_of(corpus.folder, tmp_path / "r.html", "--order", asked)
    assert reference in page.section("header")
    desk = Desk(Nowhere(), now=datetime(2025, 12, 1, tzinfo=UTC))
    options = argparse.Namespace(filters=[f"external_reference={reference.lower()}"])
    fields = selection(desk, options).fields or {}
    assert reference in fields["external_reference"]


def test_what_later_runs_found_about_a_periods_orders_counts(
    corpus: Corpus, tmp_path: Path
) -> None:
    """Else a page would tell somebody to resolve by hand what was filled an hour later."""
    late = [
        (name, one) for name, one in corpus.truth.refs.items()
        if one.state == "done" and one.order_state == "filled" and len(set(one.run_ids)) > 1
    ]  # fmt: skip
    reference, story = late[0]
    page = page_of(corpus.folder, tmp_path / "r.html", "--run", story.run_ids[0])
    assert reference in page.section("orders")
    told = page.section("orders")
    assert "unknown at broker" not in told
    assert "not filled whole" not in told


def test_a_cycle_that_is_no_number_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["report", "--cycle", "abc", "-o", str(tmp_path / "r.html")], Nowhere())
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert "'abc' is no number of a cycle, such as 42" in said
    assert "_number" not in said


def test_each_end_of_a_period_has_its_own_offset() -> None:
    """Across the night in autumn on which clocks go back."""
    clock = Clock(ZoneInfo("Europe/Berlin"))
    first, last = "2025-10-25T23:00:00.000Z", "2025-10-26T03:00:00.000Z"
    assert clock.period(first, last) == "2025-10-26 01:00:00.000 +0200 to 04:00:00.000 +0100"
    assert clock.begin(first) == "2025-10-26 01:00 +0200"
    assert Clock().begin(first) == "2025-10-25 23:00"
    assert Clock().begin("2025-10-25T00:00:00.000Z") == "2025-10-25"
