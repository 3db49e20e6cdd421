"""A secret of the settings is known before the first line: it stands nowhere, whoever says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.program import log_text, run_bot
from tradebot.observability.line import parse

SECRET = "plain-horse-staple"
"""Nothing about it looks like one: only that it is set says so."""

TALKATIVE = f"""
class Talkative:
    name, version, horizon_minutes, bars_needed = "talkative", "1", 1440, 1

    def decide(self, view):
        raise ValueError("asked with " + "{SECRET}")
"""


@pytest.mark.parametrize("variable", ["SAXO_APP_KEY", "SAXO_APP_SECRET"])
def test_neither_a_path_nor_a_strategys_error_shows_it(tmp_path: Path, variable: str) -> None:
    (tmp_path / "talkative.py").write_text(TALKATIVE, encoding="utf-8")
    settings = {
        "SAXO_ENV": "LOCAL",
        "SAXO_APP_KEY": "somebodys-key",
        "SAXO_APP_SECRET": "somebodys-secret",
        "STRATEGY_NAME": "talkative:Talkative",
        "PYTHONPATH": str(tmp_path),
        "STATE_DIR": str(tmp_path / SECRET),
        variable: SECRET,
    }

    done = run_bot(tmp_path, "--single-cycle", **settings)

    assert done.returncode == 0
    for said in (log_text(tmp_path), done.stderr):
        assert 'exc_msg="asked with ***"' in said
        lines = {line.event: line.fields for line in map(parse, said.splitlines())}
        assert Path(lines["startup_config_loaded"]["state_dir"]) == tmp_path / "***"
        assert SECRET not in said
    assert SECRET not in done.stdout
