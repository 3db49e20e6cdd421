"""An invocation that ends before its cycle leaves a row in its slot, as far as that is known."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest

from support.program import environment, log_text, run_bot
from tradebot import app
from tradebot.journal import Journal, RunRow
from tradebot.scheduling.slots import slot_start


def rows(folder: Path) -> list[RunRow]:
    """One from each journal."""
    found = []
    for path in sorted((folder / "state").glob("*/*/*/journal.db")):
        with Journal(path) as journal:
            found += journal.runs.latest(2)
    return found


def slots(folder: Path) -> set[datetime | None]:
    return {row.slot for row in rows(folder)}


def test_wrong_settings_that_say_nothing_of_slots(tmp_path: Path) -> None:
    done = run_bot(
        tmp_path, "--single-cycle", "--scheduled", STRATEGY_NAME="x", SCHEDULE_CADENCE="1h"
    )
    assert done.returncode == 78
    both = rows(tmp_path)
    assert [row.exit_code for row in both] == [78, 78]
    assert {row.slot for row in both} == {slot_start(both[0].started_at, 3600)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"SCHEDULE_CADENCE": "7m"},
        {"SCHEDULE_CADENCE": "often"},
        {"SCHEDULE_OFFSET_SECONDS": "7h"},
    ],
)
def test_a_slot_that_cannot_be_known_is_not_claimed(
    tmp_path: Path, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(tmp_path, monkeypatch, "--scheduled", **wrong) == 78
    assert slots(tmp_path) == {None}


def test_a_file_that_cannot_be_understood_may_hide_the_cadence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.env"
    file.write_text("SCHEDULE CADENCE 10m\n", encoding="utf-8")
    assert start(tmp_path, monkeypatch, "--scheduled", f"--env-file={file}") == 78
    assert slots(tmp_path) == {None}


def test_a_run_by_hand_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(tmp_path, monkeypatch, STRATEGY_NAME="x") == 78
    assert slots(tmp_path) == {None}


def test_a_bug_leaves_a_row_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("a bug")

    monkeypatch.setattr(app, "open_house", fail)
    assert start(tmp_path, monkeypatch, "--scheduled") == 70
    assert "unexpected_exception" in log_text(tmp_path)
    assert [(row.exit_code, row.reason) for row in rows(tmp_path)] == [(70, "runtime_error")] * 2
    assert None not in slots(tmp_path)


def start(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, **settings: str) -> int:
    """The program in this process."""
    with monkeypatch.context() as patch:
        for name, value in environment(folder, **settings).items():
            patch.setenv(name, value)
        return app.main(["--single-cycle", *arguments])
