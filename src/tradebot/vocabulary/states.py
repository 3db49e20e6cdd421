"""The values of `execution_outcome=`, `order_state=` and `reconcile_result=`, and what they mean.

The program's own enums say which there are; these say what a reader of the log makes of them.
"""

from __future__ import annotations

from tradebot.vocabulary.words import Word

_FOLLOWED = "Nothing: later runs follow it until it is filled or gone."
_STORY = "Nothing; `tradebot logs trace` with the external_reference shows the whole story."


class Outcome(Word):
    """How an intent ended (`execution_outcome=`)."""

    SUCCESS = (
        "SUCCESS",
        "The order was read back from the broker as working, partly filled or filled.",
        _STORY,
    )
    FAILED = (
        "FAILED",
        "There is no order, or it ended before it was filled whole.",
        "Look up its failure_reason: it says why.",
    )
    SKIPPED = (
        "SKIPPED",
        "Nothing was sent on purpose: a dry run ends after the precheck.",
        "Nothing; DRY_RUN=false sends orders.",
    )
    RECONCILIATION_NEEDED = (
        "RECONCILIATION_NEEDED",
        "Nobody knows yet whether the order exists: no verdict, and its instrument does not trade.",
        "Nothing at first: every run looks for it. If it stays: `tradebot orders list --open`, "
        "look in Saxo's platform, then `tradebot orders resolve`.",
    )


class State(Word):
    """How an accepted order stands (`order_state=`)."""

    WORKING = "working", "The broker has the order; nothing is filled yet.", _FOLLOWED
    PARTIAL = "partial", "A part is filled, the rest works.", _FOLLOWED
    FILLED = "filled", "The order is filled whole.", "Nothing: it is done."


class Standing(Word):
    """What the broker's lists say became of an order (`reconcile_result=`)."""

    WORKING = "working", "The order works; nothing is filled yet.", _FOLLOWED
    PARTIAL = "partial", "A part is filled, the rest works.", _FOLLOWED
    FILLED = "filled", "The order is filled whole.", "Nothing: it is done."
    REJECTED = (
        "rejected",
        "The broker took the order and then rejected it.",
        "Look at the order's history in Saxo's platform: it gives the reason.",
    )
    CANCELLED = (
        "cancelled",
        "The order was cancelled; filled_quantity says what was filled before.",
        "Not by the bot: was it you, or the broker?",
    )
    EXPIRED = (
        "expired",
        "The order's day ended; filled_quantity says what was filled before.",
        "Nothing: orders are day orders.",
    )
    NOT_PLACED = (
        "not_placed",
        "After the grace time two complete reads show no trace of it.",
        "Nothing: its decision is closed, and for seven days each run looks again.",
    )
    UNKNOWN = (
        "unknown",
        "The broker's lists do not tell yet, or could not be read.",
        "Nothing at first: the next run looks again. If it stays: `tradebot orders list --open`, "
        "look in Saxo's platform, then `tradebot orders resolve`.",
    )
