"""Lines that sum up a step say how many, and the numbers are right."""

from __future__ import annotations

from support.bench import Bench


def test_signals_are_counted_by_direction(bench: Bench) -> None:
    bench.cycle()
    [line] = bench.lines("strategy_signals_generated")
    assert (line["buy"], line["sell"], line["hold"]) == ("1", "0", "2")


def test_market_data_is_counted(bench: Bench) -> None:
    bench.cycle()
    [begin] = bench.lines("marketdata_fetch_begin")
    [success] = bench.lines("marketdata_fetch_success")
    assert begin["instruments"] == success["instruments"] == success["quotes"] == "3"
    assert int(success["bars"]) >= 3
