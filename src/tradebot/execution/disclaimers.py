"""Pre-trade disclaimers: texts of the broker that stand between an order and the market.

They may turn up for any instrument at any time, at the precheck or at placement. Accepting one is
a legal act, so the default is to stop and leave it to a person; with
``DISCLAIMER_POLICY=accept_simple`` those that neither block nor ask for anything more than a yes
are accepted (Saxo learn/pre-trade-disclaimers). All of an order's are looked at before the first is
answered: where one of them cannot be accepted, none is.
"""

from __future__ import annotations

from tradebot.errors import BrokerError
from tradebot.execution.account import ExecutionPolicy
from tradebot.execution.stopping import Stopped
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import Disclaimers
from tradebot.saxo.reference_messages import Disclaimer
from tradebot.vocabulary.reasons import FailureReason

ACCEPTED = "Accepted"


def settle_or_stop(broker: SaxoClient, required: Disclaimers, policy: ExecutionPolicy) -> None:
    """Answer every disclaimer. Raises Stopped with the reason when that is not allowed."""
    reason = resolve(broker, required, policy=policy.disclaimer_policy, dry_run=policy.dry_run)
    if reason is not None:
        raise Stopped(reason, may_try_again=reason is FailureReason.DISCLAIMER_UNAVAILABLE)


def resolve(
    broker: SaxoClient, disclaimers: Disclaimers, *, policy: str, dry_run: bool
) -> FailureReason | None:
    """Answer what may be answered. None when every one was accepted, else why not.

    `policy` is ``block`` or ``accept_simple``. A dry run accepts nothing.
    """
    parts = disclaimers.parts
    tokens = [token for part in parts for token in part.tokens]
    count = len(tokens)
    log_event(
        "execution_disclaimer_required",
        disclaimer_required=True,
        disclaimer_tokens_count=count,
        disclaimer_context=disclaimers.context,
    )
    if not all(part.tokens for part in parts):
        # Something is asked for, and nothing says what: that cannot be answered.
        return _blocked(FailureReason.DISCLAIMER_POLICY, count, None)
    try:
        texts = broker.disclaimers(tokens)
    except BrokerError:
        return _blocked(FailureReason.DISCLAIMER_UNAVAILABLE, count, None)
    blocking = next((text for text in texts if text.is_blocking), None)
    if blocking is not None:
        return _blocked(FailureReason.DISCLAIMER_BLOCKING, count, blocking.title)
    known = {text.disclaimer_token: text for text in texts}
    hard = next((token for token in tokens if not _is_simple(known.get(token))), None)
    answerable = hard is None and all(part.context for part in parts)
    if policy != "accept_simple" or dry_run or not answerable:
        shown = known.get(hard) if hard else (texts[0] if texts else None)
        return _blocked(FailureReason.DISCLAIMER_POLICY, count, shown.title if shown else None)
    try:
        for part in parts:
            for token in part.tokens:
                broker.answer_disclaimer(part.context or "", token, ACCEPTED)
    except BrokerError:
        return _blocked(FailureReason.DISCLAIMER_UNAVAILABLE, count, None)
    log_event("execution_disclaimer_resolved", disclaimer_tokens_count=count)
    return None


def _is_simple(text: Disclaimer | None) -> bool:
    """Nothing but a yes is asked for, and the answer is offered."""
    # The broker leaves fields out: what does not say that it does not block may block.
    if text is None or text.is_blocking is not False or text.conditions:
        return False
    return any(option.response_type == ACCEPTED for option in text.response_options)


def _blocked(reason: FailureReason, count: int, title: str | None) -> FailureReason:
    log_event(
        "execution_disclaimer_blocked",
        failure_reason=reason,
        disclaimer_tokens_count=count,
        disclaimer_title=title,
    )
    return reason
