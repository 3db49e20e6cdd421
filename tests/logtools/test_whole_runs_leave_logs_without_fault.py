"""Processes as a scheduler starts them, of every ending, and one look at what they all logged."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.program import log_text, run, run_bot
from tradebot.logtools import lint_paths
from tradebot.vocabulary.reasons import FailureReason

TRADEBOT = [sys.executable, "-c", "from tradebot.cli import main; main()"]


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address on this machine at which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def test_every_kind_of_run_keeps_to_grammar_and_catalogue(tmp_path: Path, nobody: str) -> None:
    away = {
        "SAXO_ENV": "SIM",
        "SAXO_REST_BASE": f"{nobody}/sim/openapi",
        "SAXO_AUTH_BASE": nobody,
    }
    login = {
        "SAXO_APP_KEY": "app-key-0123456789",
        "SAXO_APP_SECRET": "app-secret-0123456789",
        "SAXO_REDIRECT_URI": f"{nobody}/callback",
        "WATCHLIST_JSON": '[{"asset_type":"FxSpot","uic":21,"quantity":10000}]',
    }
    runs: list[tuple[int, list[str], dict[str, str]]] = [
        (0, [], {}),
        (0, [], {"LOG_LEVEL": "DEBUG", "LOG_QUEUE": "true"}),
        (0, ["--dry-run"], {}),
        (0, ["--scheduled"], {"SCHEDULE_CADENCE": "24h", "SCHEDULE_MAX_LATENESS": "24h"}),
        (0, ["--scheduled"], {"SCHEDULE_CADENCE": "24h", "SCHEDULE_MAX_LATENESS": "24h"}),
        (78, [], {"LOG_LEVEL": "LOUD"}),
        (78, [], {"STRATEGY_NAME": "sma_crs"}),
        (0, [], {"SCHEDULE_CADENSE": "5m"}),
        (77, [], {**away, **login}),
    ]
    for code, arguments, more in runs:
        assert run_bot(tmp_path, "--single-cycle", *arguments, **more).returncode == code
    assert run([*TRADEBOT, "pause"], tmp_path).returncode == 0
    assert run_bot(tmp_path, "--single-cycle").returncode == 0

    told = {line.split(" | ")[3] for line in log_text(tmp_path).splitlines()}
    assert {
        "simulator_started", "http_request", "execution_completed", "cycle_skip_slot",
        "cycle_skip_paused", "startup_config_invalid", "settings_warning", "auth_login_required",
        "cycle_failed",
    } <= told  # fmt: skip
    report = lint_paths([str(tmp_path / "logs")])
    assert report.problems == 0, "\n".join(map(str, report.findings))
    assert not report.counts
    done = run([*TRADEBOT, "logs", "lint"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{report.lines} lines in 1 file: no problems, no notes" in done.stdout


def test_every_error_that_ends_a_cycle_has_a_documented_word() -> None:
    import tradebot.orchestrator  # noqa: F401 - whatever a cycle imports may add to the tree
    from tradebot.errors import TradebotError, UsageError
    from tradebot.house import error_reason
    from tradebot.saxo.login import ForeignRedirect

    def tree(kind: type[TradebotError]) -> Iterator[type[TradebotError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from tree(below)

    documented = {word.value for word in FailureReason}
    # A command line is judged, and a person logs in, where there is no cycle.
    kinds = {kind for kind in tree(TradebotError) if kind not in (UsageError, ForeignRedirect)}
    for kind in kinds:
        if kind.__module__.startswith("tradebot."):
            assert error_reason(kind.__new__(kind)) in documented, kind
