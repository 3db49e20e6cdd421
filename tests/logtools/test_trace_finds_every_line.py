"""The lines of every order and every run of a log whose truth is known: these and no others."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from support.log_corpus import Corpus, small_corpus
from support.trace_desk import all_lines, traced, with_value

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def spoiled(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same log: its first two days compressed, the fourth removed."""
    folder = tmp_path_factory.mktemp("spoiled")
    shutil.copytree(corpus.folder, folder, dirs_exist_ok=True)
    dated = sorted(folder.glob("bot.log.*"))
    for path in dated[:2]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        path.unlink()
    dated[3].unlink()
    return folder


@pytest.mark.parametrize("with_journal", [False, True])
def test_every_reference(corpus: Corpus, with_journal: bool) -> None:
    lines = all_lines(corpus.folder)
    journal = corpus.folder / "journal.db" if with_journal else None
    assert len(corpus.truth.refs) > 50
    for reference, told in corpus.truth.refs.items():
        trace, _ = traced(corpus.folder, reference, journal)
        found = [entry.raw for entry in trace.entries]
        assert found == with_value(lines, ("external_reference", reference)), reference
        assert len(found) == told.lines, reference
        assert trace.mentioned == corpus.truth.mentioned.get(reference, 0), reference


def test_every_reference_of_a_log_with_compressed_and_missing_days(spoiled: Path) -> None:
    lines = all_lines(spoiled)
    references = {
        field.removeprefix(b"external_reference=").decode()
        for text in lines
        for field in text.split(b" ")
        if field.startswith(b"external_reference=ATB-")
    }
    for reference in sorted(references):
        trace, _ = traced(spoiled, reference)
        found = [entry.raw for entry in trace.entries]
        assert found == with_value(lines, ("external_reference", reference)), reference


@pytest.mark.parametrize("with_journal", [False, True])
def test_every_order_id(corpus: Corpus, with_journal: bool) -> None:
    lines = all_lines(corpus.folder)
    journal = corpus.folder / "journal.db" if with_journal else None
    orders: dict[str, set[str]] = {}
    for reference, told in corpus.truth.refs.items():
        if told.order_id:
            orders.setdefault(told.order_id, set()).add(reference)
    assert orders
    for order_id, references in orders.items():
        trace, _ = traced(corpus.folder, order_id, journal)
        wanted = with_value(
            lines,
            ("order_id", order_id),
            *(("external_reference", reference) for reference in references),
        )
        assert [entry.raw for entry in trace.entries] == wanted, order_id
        assert set(trace.references) >= references


def test_an_order_that_is_not_the_bots_own(corpus: Corpus) -> None:
    lines = all_lines(corpus.folder)
    assert corpus.truth.orphans
    for reference, told in corpus.truth.orphans.items():
        for name in (reference, str(told["order_id"])):
            trace, _ = traced(corpus.folder, name)
            wanted = with_value(lines, ("external_reference", reference))
            assert [entry.raw for entry in trace.entries] == wanted


@pytest.mark.parametrize("with_journal", [False, True])
def test_runs_that_were_killed_and_every_fourth_other(corpus: Corpus, with_journal: bool) -> None:
    lines = all_lines(corpus.folder)
    journal = corpus.folder / "journal.db" if with_journal else None
    last = corpus.truth.runs[-1]
    chosen = [
        run
        for number, run in enumerate(corpus.truth.runs)
        if number % 4 == 0 or run["outcome"] in ("killed", "busy") or run is last
    ]
    assert sum(run["outcome"] == "killed" for run in chosen) > 3
    for run in chosen:
        name = str(run["run_id"])
        trace, _ = traced(corpus.folder, name, journal)
        wanted = with_value(lines, ("run_id", name), ("killed_run_id", name))
        assert [entry.raw for entry in trace.entries] == wanted, name
        # That the last one was killed nobody has found out yet.
        outcome = "no_end" if run is last and run["outcome"] == "killed" else run["outcome"]
        assert trace.runs()[-1].outcome("2025-12-31T00:00:00.000Z").value == outcome
