"""What a report comes to, in a sentence or two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tradebot.logtools.report.cycles import kind_of, order_kind
from tradebot.logtools.report.gathering import Gathered
from tradebot.logtools.report.words import clipped, long, meaning, spaced
from tradebot.logtools.stories.order_story import OrderStatus, OrderStory
from tradebot.logtools.stories.run_story import RunOutcome, RunStory

_ENDINGS = {
    RunOutcome.FAILED: "failed",
    RunOutcome.KILLED: "killed",
    RunOutcome.NO_END: "without an end",
    RunOutcome.BUSY: "found another run at work",
    RunOutcome.SKIPPED: "skipped on purpose",
    RunOutcome.RUNNING: "still at work",
    RunOutcome.RAN: "went through",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it went."""

    kind: str
    """good, warn or bad."""
    word: str
    """The same in a word."""
    sentences: tuple[str, ...]


_WORDS = {"good": "All well", "warn": "Worth a look", "bad": "Something failed"}


def verdict(found: Gathered, now: str, order: str | None) -> Verdict:
    """Of an order, of one cycle, or of a period."""
    story = found.orders.get(order) if order is not None else None
    if story is not None:
        kind, sentences = order_kind(story), [_order(story)]
    elif len(found.cycles) == 1:
        kind, sentences = _cycle(found, found.cycles[0], now)
    else:
        kind, sentences = _period(found, now)
    return Verdict(kind, _WORDS[kind], tuple(sentence for sentence in sentences if sentence))


def _order(story: OrderStory) -> str:
    what = f"{story.side} {story.quantity} {story.symbol or story.instrument_id}".strip()
    told = f"{clipped(what, 120) or 'The order'}: {spaced(story.result)}"
    if story.average_price:
        told += f", {story.filled_quantity} at {story.average_price}"
    took = story.seconds_to_verdict
    told += f", {long(took)} after the decision." if took is not None else "."
    if story.reason:
        kind = "difference" if story.reason == "contradicted" else "failure_reason"
        told += f" {meaning(story.reason, kind)}"
    elif story.status is not OrderStatus.DONE:
        told += f" {story.status.meaning}"
    return told


def _cycle(found: Gathered, run: RunStory, now: str) -> tuple[str, list[str]]:
    outcome = run.outcome(now)
    name = f"Cycle {run.cycle_id}" if run.cycle_id else "The run"
    took = f" in {long(run.seconds)}" if run.seconds is not None else ""
    code = "" if run.exit_code is None else f", exit code {run.exit_code}"
    first = f"{name} {_DID[outcome]}{took}{code}."
    if run.reason:
        first += f" {meaning(run.reason, 'failure_reason')}"
    if run.phase and outcome in (RunOutcome.FAILED, RunOutcome.KILLED):
        first += f" It had come to the step {spaced(run.phase)}."
    sentences = [first, _counted(run)]
    sentences += [_order(story) for story in list(found.orders.values())[:4]]
    kinds = [kind_of(run, now), *map(order_kind, found.orders.values())]
    kinds += ["warn"] * bool(found.troubles or found.missed)
    sentences.append(_troubles(found))
    return _worst(kinds), sentences


_DID = {
    RunOutcome.RAN: "went through all its steps",
    RunOutcome.SKIPPED: "was skipped on purpose",
    RunOutcome.BUSY: "found another run at work and did nothing",
    RunOutcome.FAILED: "ended with an error",
    RunOutcome.KILLED: "ended without a word: it was killed",
    RunOutcome.RUNNING: "had not ended yet when this page was made",
    RunOutcome.NO_END: "has no end in this log",
    RunOutcome.BY_HAND: "was a command of a person",
}


def _counted(run: RunStory) -> str:
    counters = run.counters
    if not counters.get("instruments"):
        return ""
    told = [
        f"{counters[name]} to {name}" for name in ("buy", "sell", "hold", "skip") if counters[name]
    ]
    return (
        f"It looked at {_count(counters['instruments'], 'instrument')} ({', '.join(told)}) and "
        f"made {_count(counters['http_calls'], 'request')}."
    )


def _period(found: Gathered, now: str) -> tuple[str, list[str]]:
    cycles = found.cycles
    outcomes = Counter(run.outcome(now) for run in cycles)
    told = [f"{outcomes[one]:,} {words}" for one, words in _ENDINGS.items() if outcomes[one]]
    if outcomes[RunOutcome.RAN]:
        left = sum(bool(run.exit_code) for run in cycles if run.outcome(now) is RunOutcome.RAN)
        told += [f"{left:,} of these left an order open"] if left else []
    first = _count(len(cycles), "cycle")
    sentences = [f"{first[0].upper()}{first[1:]}{': ' if told else ''}{', '.join(told)}."]
    missed = sum(gap.count for gap in found.missed)
    if missed:
        sentences.append(f"{_count(missed, 'slot')} had no run.")
    sentences += _orders(found)
    sentences.append(_troubles(found))
    worst = [*(kind_of(run, now) for run in cycles), *map(order_kind, found.orders.values())]
    worst += ["warn"] * bool(missed or found.troubles)
    return _worst(worst), sentences


def _orders(found: Gathered) -> Iterator[str]:
    results = Counter(story.result for story in found.orders.values())
    if results:
        told = ", ".join(f"{number:,} {spaced(word)}" for word, number in results.most_common(8))
        yield f"{_count(len(found.orders), 'order')}: {told}."


def _troubles(found: Gathered) -> str:
    levels = found.summary.levels
    numbers = ((levels["ERROR"] + levels["FATAL"], "error"), (levels["WARN"], "warning"))
    told = [_count(number, noun) for number, noun in numbers if number]
    if not told:
        return "No warning and no error was logged."
    one = sum(number for number, _ in numbers) == 1
    return f"{' and '.join(told)} {'was' if one else 'were'} logged."


def _count(number: int, noun: str) -> str:
    """`no orders`, `1 order`, `2,000 orders`."""
    return f"{f'{number:,}' if number else 'no'} {noun}{'' if number == 1 else 's'}"


def _worst(kinds: list[str]) -> str:
    if "bad" in kinds:
        return "bad"
    return "warn" if "warn" in kinds else "good"
