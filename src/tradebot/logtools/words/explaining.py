"""A word, a pair or a whole line as somebody pasted it: what it means and what to do next.

explain("insufficient_cash")   explain("reason=late")   explain("exit 75")   explain(LINE)
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tradebot.logtools.words.explanations import Explanation, What, find, words_of

WIDTH = 96
LONGEST = 1 << 20
"""Characters of a pasted text that are looked at: more log lines than anybody pastes."""

_PAIR = re.compile(
    # As in the log's grammar; atomic, so that a text of any length is read in one pass.
    r"(?<![A-Za-z0-9_.])([A-Za-z_][A-Za-z0-9_.]*)="
    r'("[^"\\]*+(?>(?:\\.[^"\\]*+)*)"|[^\s",;|]+)'
)
_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]{1,8}|[0-9]{1,5})(?:/[A-Z_]+)?")
_CODE = re.compile(r"[A-Z][A-Za-z0-9]{2,63}")
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MENTIONED = re.compile(r"[a-z]+(?:_[a-z]+)+|[A-Z]+_[A-Z]+|[A-Z][a-z]+[A-Z][A-Za-z]+")
_EDGES = "()[]{}<>.,;:!?'\"`"
_COLOURS = ("\x1b[1m", "\x1b[2m", "\x1b[0m")

_KINDS: dict[str, tuple[What, ...]] = {
    "event": (What.EVENT,),
    "failure_reason": (What.FAILURE, What.DECISION),
    "reason": (What.DECISION, What.SKIP, What.MISSED, What.FAILURE),
    "difference": (What.DIFFERENCE,),
    "execution_outcome": (What.OUTCOME,),
    "order_state": (What.STATE,),
    "reconcile_result": (What.STANDING,),
    "error_code": (What.SAXO,),
    "http_status": (What.STATUS,),
    "exit_code": (What.EXIT,),
    # As schedulers and people write them.
    "exit": (What.EXIT,),
    "code": (What.EXIT, What.STATUS),
    "status": (What.EXIT, What.STATUS),
    "http": (What.STATUS,),
}
"""What a value means depends on what stands before it."""

_NARROWER: dict[str, tuple[What, ...]] = {
    "schedule_runs_missed": (What.MISSED,),
    "cycle_skip_": (What.SKIP,),
    "trading_": (What.SKIP,),
    "execution_paused": (What.SKIP,),
    "marketdata_": (What.DECISION, What.FAILURE),
}
"""Beginnings of events, and what a reason is on these."""

_LINKED = tuple(what for what in What if what is not What.FIELD)

_UNKNOWN_CODE = (
    "Not among the codes that Saxo documents for orders and that this version knows.",
    "Read msg and response_snippet of the line, and look the code up in Saxo's reference.",
    (
        ("answered to an order", "unknown (unclear_answer): looked for, as it proves nothing"),
        ("answered to a precheck", "FAILED precheck_refused: nothing was sent"),
    ),
    ("unclear_answer", "precheck_refused"),
)
_OWN_REASON = (
    "Not one of the bot's own words: a strategy of your own gave it.",
    "Look for the word in the strategy's code.",
)


def explain(text: str) -> tuple[Explanation, ...]:
    """Everything in `text` that can be explained, once each, in the order in which it stands.

    One word may be several things, each with an explanation of its own. Empty when nothing is
    known: then `nearest` may help. Case does not count.
    """
    asked = dict.fromkeys(q for line in text[:LONGEST].splitlines() for q in _questions(line))
    found: dict[tuple[str, str], Explanation] = {}
    for word, kinds in asked:
        for one in _answers(word, kinds):
            found.setdefault((one.what, one.word), one)
    return tuple(map(_linked, found.values()))


def nearest(word: str, most: int = 5) -> tuple[str, ...]:
    """Known words that look like `word`, the likeliest first."""
    wanted = word[:100].strip().rpartition("=")[2].strip(_EDGES).casefold()
    if len(wanted) < 2:
        return ()
    known = {key: one.word for what in What for key, one in words_of(what).items()}
    holding = [key for key in known if len(wanted) > 3 and wanted in key]
    alike = difflib.get_close_matches(wanted, known, n=most, cutoff=0.6)
    chosen = dict.fromkeys((*alike, *sorted(holding, key=len)))
    return tuple(known[key] for key in list(chosen)[:most])


def plain(word: str, kind: str) -> str:
    """The meaning of `word` in a sentence; empty when it is not known.

    `kind` is the field it stands behind (`reason`, `failure_reason`, `error_code` …) or, where a
    reason's meaning depends on it, the event it stands on.
    """
    found = find(word, _KINDS.get(kind) or _kinds_on(kind, "reason"))
    return found[0].meaning if found else ""


def lines(explanations: Iterable[Explanation], colour: bool) -> Iterator[str]:
    """The explanations as text, an empty line between two. All of it is the catalogue's own."""
    bold, dim, end = _COLOURS if colour else ("", "", "")
    for number, one in enumerate(explanations):
        if number:
            yield ""
        yield f"{bold}{one.word}{end}  {dim}{one.what}{end}"
        yield from _wrapped(one.meaning)
        yield from _wrapped(f"What to do: {one.next_step}")
        facts = dict(one.facts)
        if one.see_also:
            facts["see also"] = ", ".join(one.see_also)
        for name, value in facts.items():
            first, *rest = _wrapped(f"{name}: {value}", more="    ")
            yield f"{dim}{first}{end}"
            yield from (f"{dim}{line}{end}" for line in rest)


def _wrapped(text: str, more: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent=more,
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- what is asked ----------------------------------------------------------------------------

_Question = tuple[str, tuple[What, ...] | None]


def _questions(line: str) -> Iterator[_Question]:
    if "|" in line:
        yield from _of_a_line(line)
        return
    for key, value in _PAIR.findall(line):
        kinds = _KINDS.get(key.casefold())
        yield (_bare(value), kinds) if kinds else (key, (What.FIELD,))
    yield from _of_words(_PAIR.sub(" ", line).split())


def _of_a_line(line: str) -> Iterator[_Question]:
    """A line of the log, whole or cut: its event, and every reason and code in it."""
    words = (part.split(None, 1)[0] for part in line.split("|") if part.strip())
    event = next((word for word in words if find(word, (What.EVENT,))), "")
    if event:
        yield event, (What.EVENT,)
    pairs = {key: _bare(value) for key, value in _PAIR.findall(line)}
    for key, value in pairs.items():
        if key in _KINDS and not _goes_without_saying(key, value, pairs):
            yield value, _kinds_on(event, key)


def _goes_without_saying(key: str, value: str, pairs: dict[str, str]) -> bool:
    if key == "http_status":  # an error code says more than the status it came with
        return "error_code" in pairs or value in ("200", "201", "204")
    return key == "exit_code" and value == "0"


def _kinds_on(event: str, key: str) -> tuple[What, ...]:
    """What may stand behind `key` on this event."""
    if key in ("reason", "failure_reason"):
        for beginning, kinds in _NARROWER.items():
            if event.startswith(beginning):
                return kinds
    return _KINDS[key]


def _of_words(words: list[str]) -> Iterator[_Question]:
    """Words in a row; `exit`, `http`, `status` and `code` say what the number after them is."""
    leads: list[str] = []
    for word in (raw.strip(_EDGES) for raw in words):
        if word.casefold() in ("exit", "code", "status", "http"):
            leads.append(word.casefold())
        elif word:
            number = leads and _NUMBER.fullmatch(word)
            yield word, _KINDS[leads[0]] if number else None
            leads.clear()


def _bare(value: str) -> str:
    return value.strip('"').strip(_EDGES)


# -- what is answered -------------------------------------------------------------------------


def _answers(word: str, kinds: tuple[What, ...] | None) -> tuple[Explanation, ...]:
    word = _number(word)
    if kinds is None:
        return find(word)
    # Behind a key a word has one meaning: the first kind that has it.
    found = find(word, kinds)[:1]
    if not found and What.SAXO in kinds and _CODE.fullmatch(word):
        meaning, next_step, facts, see_also = _UNKNOWN_CODE
        return (Explanation(word, What.SAXO, meaning, next_step, facts, see_also),)
    if not found and What.DECISION in kinds and _REASON.fullmatch(word):
        return (Explanation(word, What.DECISION, *_OWN_REASON),)
    return found


def _number(word: str) -> str:
    """`75/TEMPFAIL` of systemd and `0x4B` of the Task Scheduler as plain numbers."""
    if not _NUMBER.fullmatch(word):
        return word
    digits = word.partition("/")[0]
    return str(int(digits, 16 if digits[:2] in ("0x", "0X") else 10))


def _linked(one: Explanation) -> Explanation:
    """With the words that its texts mention."""
    mentioned = _MENTIONED.findall(f"{one.meaning} {one.next_step}")
    seen = dict.fromkeys((*one.see_also, *filter(_is_a_word, mentioned)))
    return replace(one, see_also=tuple(word for word in seen if word != one.word))


def _is_a_word(mentioned: str) -> bool:
    """Is it one of the catalogue's, exactly as it is spelt? Settings look like fields."""
    return any(one.word == mentioned for one in find(mentioned, _LINKED))
