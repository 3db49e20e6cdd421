"""The events that a person causes with a `tradebot` command."""

from __future__ import annotations

from tradebot.observability.schema import Event
from tradebot.vocabulary.declaring import INFO, WARN, event

BY_HAND_EVENTS: tuple[Event, ...] = (
    event(
        "execution_resolved_by_hand",
        INFO,
        "A person recorded what became of an order (`tradebot orders resolve`). The verdict "
        "follows in execution_completed; the decision is closed and never sent again.",
        "checked=false: the broker did not confirm it. `tradebot orders check` compares later.",
        "external_reference instrument_id who checked",
        "order_id",
    ),
    event(
        "execution_position_accepted",
        INFO,
        "A person took the broker's smaller position over into the bot's books (`tradebot orders "
        "accept-position`): the instrument may trade again.",
        "Nothing, if it was you. held_before and held say by how much.",
        "instrument_id who held_before held broker_held",
        "symbol",
    ),
    event(
        "orders_check_difference",
        WARN,
        "`tradebot orders check` found that the journal and the broker disagree.",
        "Look the difference up in docs/reasons.md; msg says what either side has, docs/orders.md "
        "what a person can do.",
        "difference",
        "external_reference instrument_id order_id",
    ),
    event(
        "orders_check_result",
        INFO,
        "`tradebot orders check` has compared the journal with the broker, and how much.",
        "differences=0: nothing. Otherwise see the orders_check_difference lines before it.",
        "differences compared too_young positions audit_rows open_orders checked_from "
        "checked_until",
    ),
    event(
        "trading_paused",
        WARN,
        "A person paused trading (`tradebot pause`), for dry and real runs. Runs still reconcile "
        "and keep the login alive.",
        "`tradebot resume` when the time has come; with until it ends by itself.",
        "reason who",
        "until",
    ),
    event(
        "trading_resumed",
        WARN,
        "A person ended a pause (`tradebot resume`). reason says why trading had been paused.",
        "If it was not you: find out who, and `tradebot pause`.",
        "reason who",
        "until",
    ),
)
