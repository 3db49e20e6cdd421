"""The price history that is replayed: daily bars by name and day number.

`data/README.md` says where the real series come from and under which licences. A series is
unpacked when it is first asked for and a row is parsed when it is first read, because an embedded
simulator starts in every local run and needs only the last few bars.
"""

from __future__ import annotations

import zlib
from datetime import date
from functools import cache
from pathlib import Path

from tradebot.simulator.synthetic import WALKS, Row, walk

DATA_DIR = Path(__file__).parent / "data"


@cache
def _lines(name: str) -> list[str]:
    """The rows of a shipped series, without its header."""
    packed = (DATA_DIR / f"{name}.csv.gz").read_bytes()
    text = zlib.decompress(packed, wbits=31).decode("ascii")
    return text.splitlines()[1:]


@cache
def _synthetic(name: str) -> list[Row]:
    return list(walk(WALKS[name], day_count()))


def day_count() -> int:
    """How many trading days the history has. Every series has a bar on each of them."""
    return len(_lines("sp500"))


@cache
def day(index: int) -> date:
    """The date of a trading day, counted from 0."""
    return date.fromisoformat(_lines("sp500")[index][:10])


@cache
def row(name: str, index: int) -> Row:
    """The bar of a series on a trading day, in the series' own units."""
    if name in WALKS:
        return _synthetic(name)[index]
    _, opened, high, low, close, volume = _lines(name)[index].split(",")
    return Row(float(opened), float(high), float(low), float(close), int(volume))
