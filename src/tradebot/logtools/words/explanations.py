"""What there is to explain: every word of the log, of one shape, by its kind.

A kind's words are put together when somebody asks for one, so that a command that needs a few
reasons pays for those alone.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tradebot.observability.schema import CORRELATION, Event, Field, level_name
from tradebot.vocabulary.catalogue import CATALOGUE
from tradebot.vocabulary.words import Word

REASONS_PAGE = "docs/reasons.md"
CODES_PAGE = "docs/broker-codes.md"


class What(enum.StrEnum):
    """The kinds of words, in the order in which a reader would expect them."""

    EVENT = "event"
    FAILURE = "failure reason"
    DECISION = "decision reason"
    SKIP = "skip reason"
    MISSED = "missed-run reason"
    DIFFERENCE = "difference"
    OUTCOME = "execution outcome"
    STATE = "order state"
    STANDING = "reconcile result"
    SAXO = "Saxo error code"
    STATUS = "HTTP status"
    EXIT = "exit code"
    FIELD = "field"
    FINDING = "finding of lint"
    ORDERS = "answer of logs orders"
    RUNS = "answer of logs runs"
    WHY = "answer of logs why"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One word, explained. Texts are whole sentences; `facts` are pairs for a table."""

    word: str
    what: str
    """The kind of word, in plain words: one of `What`."""
    meaning: str
    next_step: str
    facts: tuple[tuple[str, str], ...] = ()
    see_also: tuple[str, ...] = ()
    """Other words that can be explained."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "word": self.word,
            "what": self.what,
            "meaning": self.meaning,
            "next_step": self.next_step,
            "facts": dict(self.facts),
            "see_also": list(self.see_also),
        }


@functools.cache
def words_of(what: What) -> Mapping[str, Explanation]:
    """All words of a kind by their casefolded spelling."""
    return {one.word.casefold(): one for one in _LOADERS[what]()}


def find(word: str, kinds: tuple[What, ...] = tuple(What)) -> tuple[Explanation, ...]:
    """Whatever `word` means among these kinds, in their order; in any case of letters."""
    key = word.casefold()
    found = (words_of(what).get(key) or _member(word, what) for what in kinds)
    return tuple(one for one in found if one is not None)


def _member(word: str, what: What) -> Explanation | None:
    """A field of a family, such as rate_limit_reset_AppDay."""
    field = CATALOGUE.field(word) if what is What.FIELD else None
    return None if field is None else words_of(what).get(field.name.casefold())


def _events() -> Iterator[Explanation]:
    return map(_event, CATALOGUE.events.values())


def _event(event: Event) -> Explanation:
    audit = " (audit: always in the file)" if event.audit else ""
    return Explanation(
        event.name,
        What.EVENT,
        event.meaning,
        event.next_step,
        (
            ("level", level_name(event.level) + audit),
            ("always has", ", ".join(event.required) or "nothing more"),
            ("may have", ", ".join(event.optional) or "nothing more"),
            ("documented in", f"docs/events.md#{event.name}"),
        ),
    )


def _fields() -> Iterator[Explanation]:
    return map(_field, CATALOGUE.fields.values())


def _field(field: Field) -> Explanation:
    facts = [("type", field.kind.name), ("unit", field.unit), ("treatment", field.treatment.value)]
    if field.max_length is not None:
        facts.append(("cut at", f"{field.max_length} characters"))
    events = CATALOGUE.events.values()
    everywhere = "every line" if field.name in CORRELATION else None
    facts += [
        ("always on", everywhere or _names(e for e in events if field.name in e.required)),
        ("may be on", _names(e for e in events if field.name in e.optional)),
        ("documented in", "docs/logging.md"),
    ]
    return Explanation(
        field.name,
        What.FIELD,
        sentence(field.meaning),
        f"`grep -h ' {field.name.removesuffix('*')}' bot.log*` in LOG_DIR shows the lines with it.",
        tuple((name, value) for name, value in facts if value),
    )


def _names(events: Iterator[Event]) -> str:
    return ", ".join(event.name for event in events)


def _failures() -> Iterator[Explanation]:
    from tradebot.vocabulary.failure_reasons import FailureReason
    from tradebot.vocabulary.saxo_codes import saxo_codes

    for word in FailureReason:
        codes = [code.code for code in saxo_codes().values() if code.reason == word]
        facts = (("Saxo error codes", ", ".join(codes)),) if codes else ()
        yield _word(word, What.FAILURE, "failure_reason", facts)


def _decisions() -> Iterator[Explanation]:
    from tradebot.vocabulary.reasons import DecisionReason

    return (_word(word, What.DECISION, "reason") for word in DecisionReason)


def _skips() -> Iterator[Explanation]:
    from tradebot.vocabulary.reasons import SkipReason

    return (_word(word, What.SKIP, "reason") for word in SkipReason)


def _missed() -> Iterator[Explanation]:
    from tradebot.vocabulary.reasons import MissedReason

    return (_word(word, What.MISSED, "reason") for word in MissedReason)


def _differences() -> Iterator[Explanation]:
    from tradebot.vocabulary.reasons import Difference

    return (_word(word, What.DIFFERENCE, "difference") for word in Difference)


def _outcomes() -> Iterator[Explanation]:
    from tradebot.vocabulary.states import Outcome

    return (_word(word, What.OUTCOME, "execution_outcome") for word in Outcome)


def _states() -> Iterator[Explanation]:
    from tradebot.vocabulary.states import State

    return (_word(word, What.STATE, "order_state") for word in State)


def _standings() -> Iterator[Explanation]:
    from tradebot.vocabulary.states import Standing

    return (_word(word, What.STANDING, "reconcile_result") for word in Standing)


def _word(word: Word, what: What, key: str, facts: tuple[tuple[str, str], ...] = ()) -> Explanation:
    page = (("stands behind", f"{key}="), ("documented in", REASONS_PAGE))
    return Explanation(word.value, what, word.meaning, word.next_step, (*facts, *page))


def _saxo_codes() -> Iterator[Explanation]:
    from tradebot.vocabulary.saxo_codes import PLACES, saxo_codes

    for code in saxo_codes().values():
        facts = [("answered to an order", code.treatment)]
        if code.at_precheck:
            facts.append(("answered to a precheck", f"FAILED {code.at_precheck}: nothing was sent"))
        if code.occurs:
            facts.append(("occurs when", ", ".join(PLACES[letter] for letter in code.occurs)))
        facts += [("source", code.source), ("documented in", CODES_PAGE)]
        seen: tuple[str, ...] = ()
        if code.reason is not None:
            event = "execution_order_rejected" if code.final else "execution_order_unknown"
            seen = (code.reason.value, event)
        yield Explanation(code.code, What.SAXO, code.meaning, code.next_step, tuple(facts), seen)


def _statuses() -> Iterator[Explanation]:
    from tradebot.vocabulary.http_statuses import HTTP_STATUSES

    for one in HTTP_STATUSES:
        reason = one.order_reason
        yield Explanation(
            str(one.status),
            What.STATUS,
            one.meaning,
            one.next_step,
            (
                ("answered to an order", f"{one.for_an_order} (unless a code says more)"),
                ("answered to a read", one.for_a_read),
                ("answered to the login", one.for_the_login),
                ("documented in", CODES_PAGE),
            ),
            ("http_error",) if reason is None else ("http_error", reason.value),
        )


def _exit_codes() -> Iterator[Explanation]:
    from tradebot.vocabulary.exit_codes import EXIT_CODES

    for code, one in EXIT_CODES.items():
        yield Explanation(
            str(int(code)),
            What.EXIT,
            sentence(one.meaning),
            sentence(one.next_step),
            (
                ("under systemd", one.under_systemd),
                ("in the Task Scheduler", f"0x{int(code):X}"),
                ("documented in", "README.md, What the exit code means"),
            ),
            one.see,
        )


def _findings() -> Iterator[Explanation]:
    from tradebot.logtools.words.finding_words import FINDING_MEANINGS

    for kind, meaning in FINDING_MEANINGS.items():
        yield Explanation(
            kind.value,
            What.FINDING,
            meaning,
            sentence(kind.advice),
            (("counts as", kind.severity.value), ("found by", "`tradebot logs lint`")),
        )


def _answers_of_orders() -> Iterator[Explanation]:
    from tradebot.logtools.stories.journal_orders import Disagreement
    from tradebot.logtools.stories.order_story import OrderStatus

    return (_answer(word, What.ORDERS) for words in (OrderStatus, Disagreement) for word in words)


def _answers_of_runs() -> Iterator[Explanation]:
    from tradebot.logtools.stories.run_story import RunOutcome
    from tradebot.logtools.stories.slots_seen import SlotFate

    return (_answer(word, What.RUNS) for words in (RunOutcome, SlotFate) for word in words)


def _answers_of_why() -> Iterator[Explanation]:
    from tradebot.logtools.why.no_run import NoRun
    from tradebot.logtools.why.reasons_chain import Result

    return (_answer(word, What.WHY) for words in (Result, NoRun) for word in words)


def _answer(word: Word, what: What) -> Explanation:
    return Explanation(word.value, what, word.meaning, word.next_step or "See the reason.")


def sentence(phrase: str) -> str:
    """A phrase of a table as a sentence."""
    return f"{phrase[:1].upper()}{phrase[1:]}{'' if phrase.endswith(('.', '?')) else '.'}"


_LOADERS: dict[What, Callable[[], Iterator[Explanation]]] = {
    What.EVENT: _events,
    What.FAILURE: _failures,
    What.DECISION: _decisions,
    What.SKIP: _skips,
    What.MISSED: _missed,
    What.DIFFERENCE: _differences,
    What.OUTCOME: _outcomes,
    What.STATE: _states,
    What.STANDING: _standings,
    What.SAXO: _saxo_codes,
    What.STATUS: _statuses,
    What.EXIT: _exit_codes,
    What.FIELD: _fields,
    What.FINDING: _findings,
    What.ORDERS: _answers_of_orders,
    What.RUNS: _answers_of_runs,
    What.WHY: _answers_of_why,
}
