"""What redaction costs: ordinary values that it masks, and the time that it takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import measure

_TEXTS = ("msg", "exc_msg", "stack", "response_snippet", "holder", "argv")
_UNDECLARED = "remark"


def run(rounds: int) -> dict[str, float]:
    """Values, masked ones among them, and nanoseconds per value; medians of the rounds."""
    taken, failed = measure.in_turn(
        rounds, ["ours"], lambda _job: measure.ask("redaction_price", "sample")
    )
    if failed:
        raise measure.ChildFailed(failed["ours"])
    return measure.medians(taken["ours"])


def sample() -> dict[str, float]:
    """In a child: the tests' ordinary values once, with the vocabulary and twelve secrets."""
    from benchmarks.peers.ours import start
    from support.ordinary_values import ordinary  # tests/ is on the path of a child only
    from tradebot.observability import mask_sensitive

    values = list(ordinary())
    with start(Path("logs") / "bot.log"):
        masked = sum(mask_sensitive(value, key) != value for key, value in values)
        return {
            "values": len(values),
            "masked": masked,
            "share": masked / len(values),
            "text_ns": _median(pair for pair in values if pair[0] in _TEXTS),
            "undeclared_ns": _median(pair for pair in values if pair[0] == _UNDECLARED),
            "declared_ns": _median(
                pair for pair in values if pair[0] not in (*_TEXTS, _UNDECLARED)
            ),
        }


def _median(pairs: Iterable[tuple[str, str]]) -> float:
    """Nanoseconds of one value, worked out anew."""
    from tradebot.observability import mask_sensitive

    clock = time.perf_counter_ns
    durations = []
    for key, value in pairs:
        begin = clock()
        mask_sensitive(value, key)
        durations.append(clock() - begin)
    return statistics.median(durations)
