"""Names derived, not drawn: the same decision gets the same reference on every machine.

A reference made from a counter or a clock differs in a second clone or after a restored backup,
and the broker cannot tell the two orders apart. One made from *what was decided* is the same
everywhere, so the order that is already there can be recognised.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import UTC, datetime

from tradebot.model import InstrumentId

PREFIX = "ATB-"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "ai-tradebot.invalid")


def account_hash(account_key: str) -> str:
    """What stands for an account in the state folder: 16 hex digits, never the key itself."""
    return hashlib.sha256(f"account:{account_key}".encode()).hexdigest()[:16]


def derive_reference(
    *,
    account: str,
    strategy: str,
    instrument: InstrumentId,
    bar_time: datetime,
    attempt: int,
    dry_run: bool,
) -> str:
    """``ATB-{YYYYMMDD}-{HHMM}-{10 of base32}``: the bar's UTC time, and a hash of the rest.

    `account` is an account hash. 28 characters; the broker takes at most 50 (documented for
    ExternalReference in Saxo's reference of trade/v2/orders). A dry run's reference is another
    one, so it can never take the place of a real order's.
    """
    moment = bar_time.astimezone(UTC)
    parts = (account, strategy, str(instrument), moment.isoformat(), str(attempt), str(dry_run))
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    tail = base64.b32encode(digest).decode("ascii")[:10]
    return f"{PREFIX}{moment:%Y%m%d}-{moment:%H%M}-{tail}"


def request_id(reference: str) -> str:
    """The `X-Request-ID` of an order: always the same for a reference, so that a replay within
    the broker's 15-second window is refused as a duplicate (Saxo learn/rate-limiting)."""
    return str(uuid.uuid5(_NAMESPACE, reference))
