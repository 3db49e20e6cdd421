"""`logs orders --compare`: log and journal of the same bot agree, and where not, it is said."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.log_corpus import SMALL, Corpus, small_corpus
from support.story_lines import Asked

Spoil = Callable[[Path, str], None]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory, replace(SMALL, journal=True))


def compared(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> Asked:
    words = ["orders", "--compare", "--journal", folder / "journal.db", "--logs", folder]
    return Asked(capsys, [*words, "--output", "json", *more])


def test_they_agree(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    asked = compared(capsys, corpus.folder)
    assert asked.document["differences"] == []
    assert asked.document["counts"]["compared"] == len(corpus.truth.refs)
    assert asked.code == 0
    day = compared(capsys, corpus.folder, "--since", "2025-11-21", "--until", "2025-11-22")
    on_it = [true for true in corpus.truth.refs.values() if true.created[:10] == "2025-11-21"]
    assert (day.code, day.document["counts"]["compared"]) == (0, len(on_it))


def in_log(pattern: str, new: str) -> Spoil:
    def spoil(folder: Path, reference: str) -> None:
        for file in folder.glob("bot.log*"):
            text = file.read_text("utf-8")
            file.write_text(re.sub(pattern.replace("REF", reference), new, text), "utf-8")

    return spoil


def in_journal(*statements: str) -> Spoil:
    def spoil(folder: Path, reference: str) -> None:
        connection = sqlite3.connect(folder / "journal.db")
        with connection:
            for statement in statements:
                connection.execute(statement, (reference,))
        connection.close()

    return spoil


_VERDICT = r"(?m)^.* execution_completed .*external_reference=REF .*\n"
SPOILT: dict[str, tuple[Spoil, str]] = {
    "the verdict's line is lost": (in_log(_VERDICT, ""), "outcome_not_logged"),
    "all lines are lost": (in_log(r"(?m)^.*external_reference=REF[ \n].*\n?", ""), "not_in_log"),
    "an older journal": (
        in_journal(
            "DELETE FROM verdicts WHERE external_reference=?",
            "DELETE FROM fills WHERE external_reference=?",
            "DELETE FROM attempts WHERE external_reference=?",
        ),
        "not_in_journal",
    ),
    "another verdict": (
        in_journal(
            "UPDATE verdicts SET outcome='FAILED', failure_reason='not_placed'"
            " WHERE external_reference=?"
        ),
        "other_outcome",
    ),
    "no verdict": (
        in_journal("DELETE FROM verdicts WHERE external_reference=?"),
        "other_outcome",
    ),
    "another order": (
        in_journal("UPDATE attempts SET order_id='1' WHERE external_reference=?"),
        "other_order",
    ),
    "another fill": (
        in_journal("UPDATE fills SET filled_quantity='1' WHERE external_reference=?"),
        "other_fill",
    ),
    "another state": (
        in_journal("UPDATE fills SET order_state='working' WHERE external_reference=?"),
        "other_fill",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_difference_is_found(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    spoil, expected = SPOILT[name]
    filled = [r for r, true in corpus.truth.refs.items() if true.kind == "filled"]
    folder = tmp_path / "logs"
    shutil.copytree(corpus.folder, folder)
    spoil(folder, filled[3])
    asked = compared(capsys, folder)
    [difference] = asked.document["differences"]
    assert (difference["external_reference"], difference["difference"]) == (filled[3], expected)
    assert asked.code == 1
    told = Asked(capsys, ["orders", "--logs", folder, "--journal", folder / "journal.db"])
    assert f"{expected}: " in told.out and told.out.endswith(": 1 difference\n")


def test_a_day_without_a_file_is_no_difference(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    shutil.copytree(corpus.folder, folder)
    (folder / "bot.log.2025-11-21").unlink()
    asked = compared(capsys, folder)
    gone = [true for true in corpus.truth.refs.values() if true.days == ("bot.log.2025-11-21",)]
    assert asked.document["counts"]["without_file"] == len(gone) > 9
    assert {one["difference"] for one in asked.document["differences"]} <= {
        "other_outcome",  # their verdict is in the file that is gone
        "outcome_not_logged",
    }
    assert "missing: no file has anything of 2025-11-21" in asked.err
    (folder / "bot.log.2025-11-20").unlink()
    asked = compared(capsys, folder)
    assert asked.document["counts"]["without_file"] == 0, "the log begins later"
    assert asked.document["differences"] == []


def test_dry_runs_are_of_another_journal(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    shutil.copytree(corpus.folder, folder)
    filled = [r for r, true in corpus.truth.refs.items() if true.kind == "filled"]
    in_log(r"dry_run=false (.*external_reference=REF )", r"dry_run=true \1")(folder, filled[0])
    in_journal(
        "DELETE FROM verdicts WHERE external_reference=?",
        "DELETE FROM fills WHERE external_reference=?",
        "DELETE FROM attempts WHERE external_reference=?",
    )(folder, filled[0])
    asked = compared(capsys, folder)
    assert asked.document["differences"] == []
    assert asked.document["counts"]["of_others"] == 1
    place = tmp_path / "state" / "default" / "SIM" / "live" / "journal.db"
    place.parent.mkdir(parents=True)
    shutil.copy(folder / "journal.db", place)
    words = ["orders", "--logs", folder, "--journal", place, "--output", "json"]
    assert Asked(capsys, words).document["counts"]["of_others"] == 1, "its path says so"
    in_log("dry_run=true (.*external_reference=REF )", r"dry_run=false \1")(folder, filled[0])
    [difference] = Asked(capsys, words).document["differences"]
    assert difference["difference"] == "not_in_journal"


def test_what_cannot_be_compared(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        Asked(capsys, ["orders", "--compare", "--logs", corpus.folder])
    assert left.value.code == 2
    assert "name it: --journal FILE" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        compared(capsys, corpus.folder, "--output", "raw")
    assert left.value.code == 2
    for name, content in (("nowhere.db", None), ("rubbish.db", b"rubbish " * 999)):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        asked = Asked(capsys, ["orders", "--journal", path, "--logs", corpus.folder])
        assert asked.code == 2
        assert asked.out == ""
        assert str(path) in asked.err and "Traceback" not in asked.err
