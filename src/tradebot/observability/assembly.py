"""From values to one finished line: the single place where bytes are made.

Whatever wants to be in the log passes through here, so no handler, error path or library can go
round the redaction. What is written without the whole redaction is proven by type and
declaration (an int under a public key) or was redacted before: a string's pair is remembered, so
the same value under the same key is worked out once, until a secret is registered.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from types import TracebackType

from tradebot.observability.line import (
    LINE_LIMIT,
    SEPARATOR,
    VALUE_LIMIT,
    TimestampWriter,
    clean_component,
    clean_key,
    cut,
    quote,
    unescape,
    unique_key,
)
from tradebot.observability.redaction import FAILED, Redactor
from tradebot.observability.schema import CORRELATION, padded_level

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

_REMEMBERED_KINDS = frozenset((str, bool))
_REMEMBERED_LENGTH = 160
_REMEMBERED_VALUES = 256
_REMEMBERED_KEYS = 1024
_REMEMBERED_LAYOUTS = 1024
_TRUNCATED = "truncated=true"
_SHORTEST = 256
_CORRELATION = frozenset(CORRELATION)


class _KeyPlan:
    """What is known about one key: how it is written and what its plain numbers may do."""

    __slots__ = ("key", "numbers_are_plain", "pairs", "prefix")

    def __init__(self, key: str, prefix: str, numbers_are_plain: bool) -> None:
        self.key = key
        self.prefix = prefix
        self.numbers_are_plain = numbers_are_plain
        self.pairs: dict[object, str] = {}


class Layout:
    """The order of one set of keys in a line, and which required fields it lacks."""

    __slots__ = ("missing", "order")

    def __init__(self, order: tuple[str, ...], missing: tuple[str, ...]) -> None:
        self.order = order
        self.missing = missing


class Assembler:
    """Renders lines by one catalogue. Safe to use from several threads."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._catalogue = redactor.catalogue
        self._timestamps = TimestampWriter()
        self._layouts: dict[tuple[str, tuple[str, ...]], Layout] = {}
        self._components: dict[str, str] = {}
        self._plans: dict[str, _KeyPlan] = {}
        self._generation = redactor.secrets.generation

    @property
    def generation(self) -> int:
        """Changes when text that was masked before must be masked anew."""
        return self.redactor.secrets.generation

    def pairs(self, fields: Mapping[str, object]) -> dict[str, str]:
        """Each field as it is written, `key=value`, under its name. The six are left out."""
        plans = self._current_plans()
        pairs: dict[str, str] = {}
        for key, value in fields.items():
            plan = plans.get(key)
            if plan is None:
                if key in _CORRELATION:
                    continue
                plan = self._plan(key, plans)
            kind = type(value)
            if kind in _REMEMBERED_KINDS and value in plan.pairs:
                pairs[key] = plan.pairs[value]
            elif kind is int and plan.numbers_are_plain:
                pairs[key] = f"{plan.prefix}{value}"
            elif value is not None and (pair := self._text_pair(plan, value, pairs)):
                pairs[key] = pair
        return pairs

    def _current_plans(self) -> dict[str, _KeyPlan]:
        """What is remembered, emptied when a secret was registered since."""
        if self._generation != self.redactor.secrets.generation:
            self._generation = self.redactor.secrets.generation
            self._plans = {}
            self._components = {}
        return self._plans

    def correlation(self, context: Mapping[str, object]) -> str:
        """The six fields every line begins with; `-` for what is not known yet."""
        return " ".join(self._correlation_pair(key, context.get(key)) for key in CORRELATION)

    def exception_fields(self, info: ExceptionInfo) -> dict[str, object]:
        """`exc_type`, `exc_msg` and `stack` (no local variables) of an exception."""
        kind, error, trace = info
        if kind is None or error is None:
            return {}
        fields: dict[str, object] = {"exc_type": kind.__name__}
        try:
            fields["exc_msg"] = str(error)
            fields["stack"] = "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")
        except Exception:  # noqa: BLE001 - an exception's own __str__ may raise anything
            fields["exc_msg"] = FAILED
            fields["stack"] = "".join(traceback.format_tb(trace)).rstrip("\n")
        return fields

    def component(self, name: str) -> str:
        """The component of a logger's name: without `tradebot.`, and masked like any text."""
        found = self._components.get(name)
        if found is None:
            plain = self.redactor.secrets.remove(name.removeprefix("tradebot."))
            found = clean_component(plain)
            if len(self._components) < _REMEMBERED_KEYS:
                self._components[name] = found
        return found

    def layout(self, event: str, pairs: Mapping[str, str]) -> Layout:
        """The order of these keys, the declared ones first, and what the event lacks."""
        keys = tuple(pairs)
        found = self._layouts.get((event, keys))
        if found is None:
            declared = self._catalogue.events.get(event)
            required = () if declared is None else declared.required
            found = Layout(
                tuple(sorted(keys, key=self._catalogue.rank)),
                tuple(key for key in required if key not in pairs and key not in _CORRELATION),
            )
            if len(self._layouts) >= _REMEMBERED_LAYOUTS:
                self._layouts = {}
            self._layouts[event, keys] = found
        return found

    def line(
        self,
        when: float,
        level: int,
        component: str,
        event: str,
        correlation: str,
        pairs: Mapping[str, str],
        order: tuple[str, ...],
    ) -> str:
        """The finished line, newline included, at most LINE_LIMIT bytes long."""
        head = (
            f"{self._timestamps.write(when)} | {padded_level(level)} | {component} | {event}"
            f"{SEPARATOR}{correlation}"
        )
        line = " ".join([head, *[pairs[key] for key in order]]) + "\n"
        if len(line) * 4 > LINE_LIMIT and len(line.encode()) > LINE_LIMIT:
            line = _shorten(head, [pairs[key] for key in order if key != "truncated"])
        return line

    def _plan(self, key: str, plans: dict[str, _KeyPlan]) -> _KeyPlan:
        redactor = self.redactor
        # Two keys may be written alike; the later one gets a number.
        written = clean_key(redactor.key(key))
        taken = {plan.prefix[:-1] for plan in plans.values()}
        if written != key:
            taken |= _CORRELATION | set(self._catalogue.fields)
        if written in taken:
            written = unique_key(written, taken)
        plain = redactor.key_is_public(key) and not redactor.secrets.has_numeric
        plan = _KeyPlan(key, f"{written}=", plain)
        if len(plans) < _REMEMBERED_KEYS:
            plans[key] = plan
        return plan

    def _text_pair(self, plan: _KeyPlan, value: object, pairs: dict[str, str]) -> str:
        text = self.redactor.field(plan.key, value)
        if not text:
            return ""
        literal = type(value) is bool and text in ("true", "false")
        written = text if literal else quote(text)
        if len(written) * 4 > VALUE_LIMIT and len(written.encode()) > VALUE_LIMIT:
            written = quote(cut(text, keep_end=plan.key == "stack"))
            pairs["truncated"] = _TRUNCATED
        pair = plan.prefix + written
        if type(value) is bool or (type(value) is str and len(value) <= _REMEMBERED_LENGTH):
            if len(plan.pairs) >= _REMEMBERED_VALUES:
                plan.pairs = {}
            plan.pairs[value] = pair
        return pair

    def _correlation_pair(self, key: str, value: object) -> str:
        text = self.redactor.field(key, value) or "-"
        return f"{key}={text if type(value) is bool else quote(text)}"


def _shorten(head: str, pairs: list[str]) -> str:
    """Cut the longest values first, then leave out pairs from the middle's end."""
    pairs = [*pairs, _TRUNCATED]
    while (excess := len(" ".join([head, *pairs]).encode()) + 1 - LINE_LIMIT) > 0:
        longest = max(range(len(pairs)), key=lambda index: len(pairs[index].encode()))
        size = len(pairs[longest].encode())
        if size > _SHORTEST:
            pairs[longest] = _cut_pair(pairs[longest], max(_SHORTEST, size - excess))
        else:
            del pairs[-2]
    return " ".join([head, *pairs]) + "\n"


def pair_text(pair: str) -> str:
    """The value of a `key=value` text as it was before quoting."""
    written = pair.partition("=")[2]
    return unescape(written[1:-1]) if written.startswith('"') else written


def _cut_pair(pair: str, limit: int) -> str:
    key = pair.partition("=")[0]
    shorter = cut(pair_text(pair), limit - len(key) - 1, keep_end=key == "stack")
    return f"{key}={quote(shorter)}"
