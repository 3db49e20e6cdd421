"""What a story comes to, in a sentence: the outcome, the reason in plain words, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tradebot.logtools.telling.table import duration

if TYPE_CHECKING:
    from tradebot.logtools.stories.order_story import OrderStory
    from tradebot.logtools.stories.run_story import RunStory
    from tradebot.logtools.words.explanations import Explanation

_NOTHING = "Nothing."


class Conclusion(NamedTuple):
    """Whole sentences, for people."""

    outcome: str
    reason: str = ""
    """In plain words; empty when there is nothing to explain."""
    next_step: str = _NOTHING


def of_order(story: OrderStory) -> Conclusion:
    """How the order stands by the latest of its lines."""
    status = story.status
    if status == "no_outcome_logged":
        last = f" The last one is {story.last_event}, {story.last}."
        return Conclusion(f"{story.result}: {status.meaning}{last}", "", status.next_step)
    explained = _why(story)
    reason = " ".join(f"{one.word}: {one.meaning}" for one in explained)
    if status != "done":
        details = f" ({', '.join(_details(story))})" if story.order_ids else ""
        return Conclusion(
            f"{story.result}{details}: {status.meaning}", reason, explained[0].next_step
            if explained and status != "still_open" else status.next_step,
        )  # fmt: skip
    details = "".join(f", {detail}" for detail in _details(story))
    next_step = explained[-1].next_step if explained else _NOTHING
    return Conclusion(f"{story.result}{details}.", reason, next_step)


def _details(story: OrderStory) -> Iterator[str]:
    if story.filled_quantity and story.filled_quantity != "0":
        price = f" at {story.average_price}" if story.average_price else ""
        yield f"{story.filled_quantity} of {story.quantity or '?'} filled{price}"
    if story.order_id:
        yield f"order {story.order_id}"
    if story.by_hand:
        yield "by a person's word"
    if story.adopted:
        yield "nothing sent: the broker had it already"
    if story.seconds_to_verdict is not None:
        yield f"{duration(story.seconds_to_verdict)} from the intent to the verdict"
    if story.replayed:
        yield "its line written by a later run"


def _why(story: OrderStory) -> list[Explanation]:
    """The reason, then the broker's own code: the nearer to the cause, the later."""
    words = []
    if story.contradicted:
        words.append("difference=contradicted")
    elif story.failure_reason:
        words.append(f"failure_reason={story.failure_reason}")
    elif story.reason:
        words.append(f"reconcile_result={story.reason}")
    if story.error_code:
        words.append(f"error_code={story.error_code}")
    return [found for word in words for found in _explained(word)]


def of_run(cycles: list[RunStory], now: str) -> Conclusion:
    """How the run ended: of a loop, its last cycle."""
    run = cycles[-1]
    outcome = run.outcome(now)
    parts = [outcome.value]
    if len(cycles) > 1:
        parts.append(f"the last of {len(cycles)} cycles")
    if run.exit_code is not None:
        parts.append(f"exit code {run.exit_code}")
    if run.seconds is not None:
        parts.append(duration(run.seconds))
    parts += [
        f"{name} {number}"
        for name, number in run.counters.items()
        if number and name in ("intents", "placed", "rejected", "unresolved")
    ]
    if outcome == "killed":
        parts.append(f"in phase {run.phase}, found by {run.killed_found_by}")
    explained = _explained(_run_reason(run)) if run.is_run and run.reason else []
    reason = " ".join(f"{one.word}: {one.meaning}" for one in explained)
    sentence = f"{', '.join(parts)}: {outcome.meaning}"
    if run.stopped:
        code = "" if run.stopped_with is None else f", exit code {run.stopped_with}"
        sentence = f"stopped{code}. Before that: {sentence}"
    return Conclusion(sentence, reason, explained[0].next_step if explained else outcome.next_step)


def _run_reason(run: RunStory) -> str:
    if run.busy:
        return "event=cycle_skip_overlap"
    return f"reason={run.skip_reason}" if run.skip_reason else f"failure_reason={run.reason}"


def _explained(pair: str) -> list[Explanation]:
    from tradebot.logtools.words.explaining import (
        explain,  # the whole catalogue: only where it is needed
    )

    return list(explain(pair))[:1]
