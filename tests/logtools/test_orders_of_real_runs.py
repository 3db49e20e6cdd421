"""Real runs against a broker with faults: what `logs orders` and `logs runs` make of their log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.run_scene import Scene, open_scene
from support.story_lines import Asked

ORDERS = {"endpoint": "/trade/v2/orders", "method": "POST"}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_scene(tmp_path) as scene:
        yield scene


def told(scene: Scene, capsys: pytest.CaptureFixture[str], command: str) -> list[dict[str, Any]]:
    asked = Asked(capsys, [command, "--logs", scene.folder / "logs", "--output", "json"])
    listed: list[dict[str, Any]] = asked.document[command]
    return listed


def journal(scene: Scene) -> Path:
    return scene.folder / "state" / "default" / "LOCAL" / "live" / "journal.db"


def test_refused_then_unknown_then_found(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.fault("refuse", params={"code": "MarketClosed"}, **ORDERS)
    assert scene.done("--single-cycle").returncode == 0
    scene.fault("drop_before", **ORDERS)
    assert scene.done("--single-cycle").returncode == 3
    refused, lost = told(scene, capsys, "orders")
    assert (refused["status"], refused["reason"], refused["error_code"]) == (
        "done",
        "market_closed",
        "MarketClosed",
    )
    assert (lost["status"], lost["result"], lost["sent"]) == (
        "unknown_at_broker",
        "unknown at broker",
        True,
    )
    assert (refused["attempt"], lost["attempt"]) == ("1", "2")
    one = Asked(capsys, ["orders", "--logs", scene.folder / "logs", "--failed"])
    assert "market_closed [MarketClosed]: The market is closed." in one.out

    assert scene.done("--single-cycle", RECONCILE_GRACE_SECONDS="1").returncode == 0
    _, absent = told(scene, capsys, "orders")
    assert (absent["status"], absent["reason"], len(absent["run_ids"])) == (
        "done",
        "not_placed",
        2,
    )
    words = ["orders", "--logs", scene.folder / "logs", "--journal", journal(scene)]
    agreed = Asked(capsys, [*words, "--output", "json"])
    assert agreed.document["differences"] == []
    assert agreed.document["counts"]["compared"] == 2
    outcomes = [(run["outcome"], run["exit_code"]) for run in told(scene, capsys, "runs")]
    assert outcomes == [("ran", 0), ("ran", 3), ("ran", 0)]


def test_killed_beside_a_run_that_found_it_busy(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    with scene.held("execute") as held:
        assert scene.run() == 75
        held.process.kill()
        held.end()
    going, busy = told(scene, capsys, "runs")
    assert (going["outcome"], going["slot"]) == ("running", busy["slot"])
    assert (busy["outcome"], busy["exit_code"]) == ("busy", 75)
    assert going["run_id"] in busy["holder"]
    assert scene.done("--single-cycle", DRY_RUN="true").returncode == 0
    assert scene.done("--single-cycle", "--scheduled", DRY_RUN="x").returncode == 78
    killed, _, dry, invalid = told(scene, capsys, "runs")
    assert (killed["outcome"], killed.get("phase")) == ("running", None), "a dry run's journal"
    assert (dry["outcome"], dry["dry_run"]) == ("ran", "true")
    assert (invalid["outcome"], invalid["reason"], invalid["slot"]) == (
        "failed",
        "settings_error",
        killed["slot"],
    )
    [order] = told(scene, capsys, "orders")
    assert (order["status"], order["result"], order["dry_run"]) == ("done", "skipped", "true")
    assert scene.done("--single-cycle").returncode == 0
    killed = told(scene, capsys, "runs")[0]
    assert killed["outcome"] == "killed"
    words = ["orders", "--logs", scene.folder / "logs", "--journal", journal(scene)]
    agreed = Asked(capsys, [*words, "--output", "json"])
    assert agreed.document["differences"] == []
    assert agreed.document["counts"]["of_others"] == 1, "the dry run's is in another journal"
