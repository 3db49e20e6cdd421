"""Many bots at one broker: what the server counts, and the arithmetic of the plot. In small."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import jitter, jitter_plot
from benchmarks.jitter import Arrival

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the benchmarks need wait4")


def test_the_server_counts_what_each_of_several_processes_asks(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    with jitter.broker(tmp_path) as here:
        alone = jitter.start(here, tmp_path, 1, 0)
        together = jitter.start(here, tmp_path / "more", 3, 0.2)
    assert len(alone) > 5
    assert {arrival.group for arrival in alone} >= {"port", "trade", "chart"}
    assert len(together) == 3 * len(alone)  # each an instance of its own, all of them new


def test_without_jitter_every_bot_asks_in_the_same_second_and_with_it_all_are_still_there() -> None:
    run = [Arrival(0.3, "port"), Arrival(0.4, "trade"), Arrival(1.2, "chart")]
    none = jitter.laid_over(run, 50, 0)
    assert len(none) == 288
    assert all(seconds == {0: 100, 1: 50} for seconds in none)
    spread = jitter.laid_over(run, 50, 15)
    assert all(seconds.total() == 150 and set(seconds) <= set(range(17)) for seconds in spread)
    assert max(max(seconds.values()) for seconds in spread) < 60


def test_the_page_and_the_plot_are_those_of_the_last_figures() -> None:
    figures = json.loads(jitter.FIGURES.read_text("utf-8"))
    assert figures["bots"] == 50
    assert f"<!-- made: jitter -->\n{jitter.text(figures)}\n<!-- end -->" in (
        jitter.PAGE.read_text("utf-8")
    )
    plot = jitter.FIGURES.with_name("jitter.svg").read_text("utf-8")
    assert jitter_plot.draw(figures) == plot
