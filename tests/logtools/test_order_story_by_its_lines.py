"""What an order's lines come to: every way in which a story can end, or just stop."""

from __future__ import annotations

import pytest

from support.story_lines import REFERENCE, entries_of, of_order, told
from tradebot.logtools.stories.order_story import OrderStory, facts, stories
from tradebot.logtools.tracing.verdict import of_order as of_order_in_words

CREATED = of_order(
    "execution_intent_created",
    "side=BUY quantity=10 bar_time=2025-12-17T07:00:00Z attempt=1 order_type=market",
    at="2025-12-17T07:12:03.000Z",
)
PASSED = of_order("execution_precheck_passed", "precheck_ok=true", at="2025-12-17T07:12:03.100Z")
SENDING = of_order("execution_order_sending", "request_id=1", at="2025-12-17T07:12:03.200Z")
PLACED = of_order(
    "execution_order_placed", "order_id=77 http_status=200", at="2025-12-17T07:12:03.700Z"
)
DOUBT = of_order(
    "execution_order_unknown",
    "failure_reason=server_error http_status=503",
    at="2025-12-17T07:12:03.700Z",
)
NOBODY_KNOWS = of_order(
    "execution_completed",
    "execution_outcome=RECONCILIATION_NEEDED failure_reason=not_found_yet",
    at="2025-12-17T07:12:13.000Z",
)
SENT = (CREATED, PASSED, SENDING)


def seen(result: str, more: str = "", **where: str) -> str:
    return of_order("execution_reconcile_result", f"reconcile_result={result} {more}", **where)


def verdict(outcome: str, more: str = "", **where: str) -> str:
    where.setdefault("at", "2025-12-17T07:12:04.500Z")
    return of_order("execution_completed", f"execution_outcome={outcome} {more}", **where)


def story_of(*lines: str) -> OrderStory:
    found = stories(entries_of(lines))
    assert list(found) == [REFERENCE]
    return found[REFERENCE]


FILLED = verdict("SUCCESS", "order_id=77 order_state=filled filled_quantity=10 average_price=2.5")
WORKING = verdict("SUCCESS", "order_id=77 order_state=working")
NOT_PLACED = verdict("FAILED", "failure_reason=not_placed")

ENDINGS = {
    "filled": ((*SENT, PLACED, seen("filled"), FILLED), "done", "filled", "", False),
    "only meant": ((CREATED,), "no_outcome_logged", "no outcome logged", "", False),
    "killed when it was sent": ((*SENT,), "no_outcome_logged", "no outcome logged", "", False),
    "killed when it was placed": (
        (*SENT, PLACED, seen("filled")),
        "no_outcome_logged",
        "no outcome logged",
        "",
        False,
    ),
    "killed in doubt": (
        (*SENT, DOUBT),
        "unknown_at_broker",
        "unknown at broker",
        "server_error",
        False,
    ),
    "nobody knows": (
        (*SENT, DOUBT, seen("unknown"), NOBODY_KNOWS),
        "unknown_at_broker",
        "unknown at broker",
        "not_found_yet",
        False,
    ),
    "doubt, then found, then killed before the verdict's line": (
        (*SENT, DOUBT, seen("filled")),
        "no_outcome_logged",
        "no outcome logged",
        "server_error",
        False,
    ),
    "found by the next run": ((*SENT, DOUBT, NOBODY_KNOWS, FILLED), "done", "filled", "", False),
    "working": ((*SENT, PLACED, WORKING), "still_open", "working", "", False),
    "worked, then filled": (
        (*SENT, PLACED, WORKING, seen("filled", "filled_quantity=10")),
        "done",
        "filled",
        "",
        False,
    ),
    "worked, then cancelled": (
        (*SENT, PLACED, WORKING, seen("cancelled", "filled_quantity=4")),
        "done",
        "cancelled",
        "cancelled",
        True,
    ),
    "refused": (
        (
            *SENT,
            of_order("execution_order_rejected", "failure_reason=refused error_code=X"),
            verdict("FAILED", "failure_reason=refused"),
        ),
        "done",
        "failed",
        "refused",
        True,
    ),
    "dry run": (
        (CREATED, PASSED, verdict("SKIPPED", "failure_reason=dry_run")),
        "done",
        "skipped",
        "dry_run",
        False,
    ),
    "called not placed": (
        (*SENT, DOUBT, NOBODY_KNOWS, seen("not_placed"), NOT_PLACED),
        "done",
        "failed",
        "not_placed",
        True,
    ),
    "there after all": (
        (
            *SENT,
            DOUBT,
            NOT_PLACED,
            of_order("execution_verdict_contradicted", "order_id=77 reconcile_result=filled"),
        ),
        "done",
        "filled after all",
        "contradicted",
        False,
    ),
    "there after all, and works": (
        (
            *SENT,
            DOUBT,
            NOT_PLACED,
            of_order("execution_verdict_contradicted", "order_id=77 reconcile_result=working"),
        ),
        "still_open",
        "working after all",
        "contradicted",
        False,
    ),
    "by hand": (
        (
            *SENT,
            NOBODY_KNOWS,
            of_order("execution_resolved_by_hand", "who=by_hand checked=true"),
            verdict("FAILED", "failure_reason=resolved_by_hand"),
        ),
        "done",
        "failed",
        "resolved_by_hand",
        True,
    ),
    "somebody else's": (
        (of_order("execution_orphan_found", "order_id=9"),),
        "not_ours",
        "not ours",
        "",
        False,
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_how_a_story_ends(name: str) -> None:
    lines, status, result, reason, failed = ENDINGS[name]
    story = story_of(*lines)
    assert (story.status.value, story.result, story.reason, story.failed) == (
        status,
        result,
        reason,
        failed,
    )
    assert facts(story)["status"] == status


def test_how_long_it_took() -> None:
    story = story_of(*SENT, PLACED, FILLED)
    assert (story.seconds_to_sending, story.seconds_to_answer, story.seconds_to_verdict) == (
        0.2,
        0.5,
        1.5,
    )
    cut = story_of(PLACED, FILLED)
    assert (cut.seconds_to_sending, cut.seconds_to_answer, cut.seconds_to_verdict) == (None,) * 3


def test_the_time_of_a_verdict_is_that_of_the_first_one() -> None:
    again = verdict("SUCCESS", "order_state=filled replayed=true", at="2025-12-17T08:00:00.000Z")
    story = story_of(*SENT, PLACED, FILLED, again)
    assert story.decided == "2025-12-17T07:12:04.500Z"
    assert story.replayed


def test_facts_of_many_lines() -> None:
    later = {"run": "11111111-9f8e-4d7c-8b6a-5f4e3d2c1b0a", "cycle": "43"}
    story = story_of(
        *SENT,
        DOUBT,
        of_order("execution_duplicate_refused", "order_id=76"),
        NOBODY_KNOWS,
        seen("unknown", **later),
        seen("unknown", **later),
        seen("partial", "order_id=77 filled_quantity=4 average_price=2.5", **later),
    )
    assert len(story.run_ids) == 2 and story.cycle_ids == ["42", "43"]
    assert story.order_ids == ["76", "77"] and story.order_id == "77"
    assert [result for _, result in story.reconciled] == ["unknown", "partial"]
    assert (story.filled_quantity, story.average_price) == ("4", "2.5")
    assert story.adopted and story.sent and story.doubt == "server_error"
    assert facts(story)["http_status"] == "503"


def test_a_refusals_code_goes_with_the_doubt_that_a_success_settles() -> None:
    refused = of_order("execution_order_unknown", "failure_reason=unclear_answer error_code=New")
    assert story_of(*SENT, refused, NOBODY_KNOWS).error_code == "New"
    assert story_of(*SENT, refused, NOBODY_KNOWS, FILLED).error_code == ""


def test_a_doubts_code_and_words_do_not_outlive_it_when_it_is_settled_as_failed() -> None:
    """They would say "it may be live" of an order that is known not to be."""
    doubted = of_order(
        "execution_order_unknown",
        'failure_reason=trade_not_completed error_code=TradeNotCompleted msg="may be live"',
    )
    story = story_of(*SENT, doubted, NOBODY_KNOWS, seen("not_placed"), NOT_PLACED)
    assert (story.failure_reason, story.error_code, story.message) == ("not_placed", "", "")
    assert story.doubt == "trade_not_completed"
    conclusion = of_order_in_words(story)
    assert "TradeNotCompleted" not in conclusion.reason
    assert "orders resolve" not in conclusion.next_step
    # What is still in doubt keeps them.
    assert story_of(*SENT, doubted, NOBODY_KNOWS).message == "may be live"


def test_lines_of_others_are_no_story() -> None:
    lines = [told("cycle_begin"), told("log_message", f"msg={REFERENCE}"), *SENT]
    found = stories(entries_of(lines), keep_steps=True)
    assert list(found) == [REFERENCE]
    steps = found[REFERENCE].steps
    assert steps is not None and [step.raw.decode() + "\n" for step in steps] == list(SENT)
