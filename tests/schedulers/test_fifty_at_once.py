"""Fifty real invocations on one instance, all at once: one runs, forty-nine exit with 75."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.at_once import require_one_winner, run_at_once


@pytest.mark.skipif(sys.platform != "linux", reason="where a pid tells its process")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheduled", [False, True], ids=["by hand", "for one slot"])
def test_of_fifty_one_runs_and_each_other_one_names_it(tmp_path: Path, scheduled: bool) -> None:
    require_one_winner(run_at_once(tmp_path, 50, *(["--scheduled"] if scheduled else [])))
