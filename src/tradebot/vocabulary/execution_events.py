"""The events of an order's life, from the intent to its verdict."""

from __future__ import annotations

from tradebot.observability.schema import Event
from tradebot.vocabulary.declaring import ERROR, INFO, WARN, event

_TRACE = "Nothing; `grep` for the external_reference shows the whole story."

EXECUTION_EVENTS: tuple[Event, ...] = (
    event(
        "execution_skipped",
        WARN,
        "A decision to buy or sell was not acted on, for the reason given; nothing was sent.",
        "deadline or stopping: the next run decides anew. paused: see why. cycle_failed: the "
        "cycle_failed or unexpected_exception of the same run says what ended it.",
        "instrument_id reason",
        "symbol",
    ),
    event(
        "execution_intent_created",
        INFO,
        "The bot means to send this order. Written and journalled before anything is sent.",
        _TRACE,
        "external_reference instrument_id side quantity bar_time attempt",
        "order_type limit_price symbol",
    ),
    event(
        "execution_precheck_begin",
        INFO,
        "The broker is asked whether it would take the order.",
        required="external_reference",
    ),
    event(
        "execution_precheck_passed",
        INFO,
        "It would.",
        required="precheck_ok",
        optional="estimated_cash estimated_cost currency http_status",
    ),
    event(
        "execution_precheck_failed",
        WARN,
        "It would not, or gave no answer; the order is not sent.",
        "Read error_code: cash, size, market closed … Correct the quantity or the account.",
        "precheck_ok failure_reason",
        "error_code http_status",
    ),
    event(
        "execution_disclaimer_required",
        WARN,
        "The broker wants a disclaimer answered before it takes this order.",
        "Usually followed by resolved or blocked, which say the rest.",
        "disclaimer_required disclaimer_tokens_count",
        "disclaimer_context",
    ),
    event(
        "execution_disclaimer_resolved",
        INFO,
        "The disclaimer was accepted, as DISCLAIMER_POLICY=accept_simple allows.",
        required="disclaimer_tokens_count",
    ),
    event(
        "execution_disclaimer_blocked",
        WARN,
        "The disclaimer needs a person; the order is not sent.",
        "Log in to Saxo's own platform, read and answer the disclaimer there.",
        "failure_reason disclaimer_tokens_count",
        "disclaimer_title",
    ),
    event(
        "execution_order_sending",
        INFO,
        "The order leaves now. From here on it counts as sent.",
        _TRACE,
        "external_reference request_id",
    ),
    event(
        "execution_order_placed",
        INFO,
        "The broker has accepted the order.",
        _TRACE,
        "order_id",
        "http_status",
    ),
    event(
        "execution_order_rejected",
        WARN,
        "The broker has refused the order, definitively.",
        "Read error_code. Some reasons pass by themselves and are tried again, at most three "
        "times; for the others the decision is closed.",
        "failure_reason",
        "error_code http_status",
    ),
    event(
        "execution_order_unknown",
        WARN,
        "No clear answer: the order may exist or not. It is never sent again; it is looked for.",
        "Wait for execution_reconcile_result. If it stays unknown, look for the order in Saxo's "
        "own platform.",
        "failure_reason",
        "http_status error_code order_id",
    ),
    event(
        "execution_reconcile_begin",
        INFO,
        "The broker's orders and audit log are read to see what became of an order.",
        required="external_reference",
    ),
    event(
        "execution_reconcile_result",
        INFO,
        "What was found.",
        "working, partial, filled: nothing. unknown: the next run looks again; see "
        "execution_order_unknown.",
        "reconcile_result",
        "order_state filled_quantity average_price reads order_id",
    ),
    event(
        "execution_completed",
        INFO,
        "The verdict on an intent: its last line.",
        "RECONCILIATION_NEEDED: see execution_order_unknown. FAILED: failure_reason says why.",
        "external_reference execution_outcome",
        "failure_reason order_id order_state filled_quantity average_price replayed",
    ),
    event(
        "execution_orphan_found",
        WARN,
        "The broker has an order with the bot's kind of reference that its journal does not "
        "know. The bot does not touch it.",
        "Is another copy of the bot running, or was a backup restored? Decide about the order "
        "in Saxo's platform.",
        "external_reference order_id",
    ),
    event(
        "execution_verdict_contradicted",
        ERROR,
        "An order that had been called not placed exists at the broker after all. It is not sent "
        "again; what it filled now counts as the bot's position.",
        "Compare the position with Saxo's platform, and raise RECONCILE_GRACE_SECONDS.",
        "order_id reconcile_result",
        "filled_quantity average_price",
    ),
    event(
        "execution_duplicate_refused",
        WARN,
        "The order is at the broker already, so it was not sent again.",
        "Is another copy of the bot running, or was a backup restored?",
        "external_reference",
        "order_id",
    ),
    event(
        "execution_paused",
        ERROR,
        "Too many orders failed in a row; trading is paused until somebody resumes it.",
        "Read the execution_completed lines before it, put it right, then `tradebot resume`.",
        "reason consecutive_failures",
    ),
)
