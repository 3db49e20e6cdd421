"""Orders as a table for people: what became of each, why in plain words, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tradebot.logtools.desk import Desk
from tradebot.logtools.stories.order_story import OrderStatus, OrderStory
from tradebot.logtools.telling.table import duration, harmless, table
from tradebot.logtools.words.explaining import plain
from tradebot.vocabulary.reasons import Difference, FailureReason

_HEAD = ("TIME", "REFERENCE", "INSTRUMENT", "SIDE", "QUANTITY", "RESULT", "TOOK", "ORDER", "WHY")
_COLOURS = {"failed": "ERROR", "filled": "INFO", "skipped": "DEBUG"}
_MOST_ADVICE = 9
_SHOWN_MESSAGE = 120
_NEXT_STEPS = {str(word): word.next_step for words in (Difference, FailureReason) for word in words}


_NOT_OVER = {
    (status.value.replace("_", " "), status.next_step)
    for status in (OrderStatus.UNKNOWN_AT_BROKER, OrderStatus.NO_OUTCOME_LOGGED)
}


def order_table(desk: Desk, chosen: Sequence[OrderStory]) -> Iterator[str]:
    """A line for each, and below it what to do about each reason there is."""
    lines = table(_HEAD, [_row(desk, story) for story in chosen])
    yield desk.paint(next(lines), "bold")
    for story, line in zip(chosen, lines, strict=True):
        yield desk.paint(line, _COLOURS.get(story.result, "WARN" if story.reason else ""))
    yield from _advice(desk, chosen)


def _row(desk: Desk, story: OrderStory) -> list[str]:
    took = story.seconds_to_verdict
    cells = [
        desk.shown_time(story.created or story.first),
        story.reference,
        story.symbol or story.instrument_id or "-",
        story.side or "-",
        story.quantity or "-",
        story.result,
        "-" if took is None else duration(took),
        story.order_id or "-",
        _why(story),
    ]
    return list(map(harmless, cells))


def _why(story: OrderStory) -> str:
    """In words; empty where all went well."""
    if story.status is OrderStatus.NOT_OURS:
        return story.status.meaning
    if story.created:
        return _told(story)
    return f"{_told(story)} (its intent is not among these lines)".lstrip()


def _told(story: OrderStory) -> str:
    if story.status is OrderStatus.NO_OUTCOME_LOGGED:
        sent = "it may be at the broker" if story.sent else "nothing was sent"
        return f"last line: {story.last_event}; {sent}"
    if story.contradicted:
        return f"was called {story.failure_reason}, and the broker has it"
    if not story.reason:
        return ""
    code = f" [{story.error_code}]" if story.error_code else ""
    said = f'"{story.message[:_SHOWN_MESSAGE]}"' if story.message else ""
    meaning = plain(story.reason, "failure_reason")
    words = [f"{story.reason}{code}:", meaning, said, _filled(story)]
    return " ".join(word for word in words if word)


def _filled(story: OrderStory) -> str:
    return f"{story.filled_quantity} were filled." if story.failed and story.filled_quantity else ""


def _advice(desk: Desk, chosen: Sequence[OrderStory]) -> Iterator[str]:
    """What to do about each reason, once: what is not over first, then the most frequent."""
    advised = Counter(filter(None, map(_advised, chosen)))
    if not advised:
        return
    yield ""
    yield desk.paint("what to do", "bold")
    for word, next_step in sorted(advised, key=lambda one: (one not in _NOT_OVER, -advised[one]))[
        :_MOST_ADVICE
    ]:
        yield f"  {harmless(word)}: {next_step}"
    if len(advised) > _MOST_ADVICE:
        yield f"  … and {len(advised) - _MOST_ADVICE} more: `tradebot logs explain REASON`"


def _advised(story: OrderStory) -> tuple[str, str] | None:
    if story.status is not OrderStatus.DONE:
        return story.result, story.status.next_step
    if not story.reason:
        return None
    known = _NEXT_STEPS.get(story.reason)
    return story.reason, known or f"`tradebot logs explain {harmless(story.reason)}`"
