"""How long to wait before a run, so that many bots do not call the broker in the same second.

Derived, not drawn: the same host, instance and slot wait the same time, so a late start can be
told from a wait, and a test from a hope.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

MAX_SHARE = 0.2
"""At most this share of the cadence, whatever is asked for."""


def jitter_seconds(
    maximum: float, cadence: float, *, host: str, instance: str, slot: datetime
) -> float:
    """0 to min(maximum, a fifth of the cadence), in whole milliseconds, rounded down.

    `slot` is the beginning of the run's slot.
    """
    bound = min(maximum, cadence * MAX_SHARE)
    if bound <= 0:
        return 0.0
    text = f"{host}\0{instance}\0{slot.timestamp():.6f}"
    number = int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8], "big")
    return number * (int(bound * 1000) + 1) // 2**64 / 1000
