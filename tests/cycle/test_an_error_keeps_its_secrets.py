"""What ended a cycle is told without what it must not tell, wherever it is told."""

from __future__ import annotations

from typing import Any

import pytest

from support.bench import Bench
from tradebot.errors import LockBusy, StorageError
from tradebot.execution.recovery import Recovery
from tradebot.house import error_reason


def test_an_exception_with_a_secret_in_its_text(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leak(*_: Any, **__: Any) -> None:
        raise ValueError(f"Authorization: Bearer abc.def.ghi for {bench.simulator.account_key}")

    monkeypatch.setattr(Recovery, "catch_up", leak)
    report = bench.cycle()
    assert report.exit_code == 70
    with bench.journal() as journal:
        row = journal.runs.latest(1)[0]
    assert (row.reason, row.exit_code) == ("value_error", 70)
    told = f"{report.error} {bench.lines('unexpected_exception')}"
    for secret in ("abc.def.ghi", bench.simulator.account_key):
        assert secret not in told


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (LockBusy("x"), "lock_busy"),
        (StorageError("x"), "storage_error"),
        (KeyError("x"), "key_error"),
    ],
)
def test_an_error_as_a_code_word(error: Exception, word: str) -> None:
    assert error_reason(error) == word
