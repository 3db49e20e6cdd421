"""How a value of one type is written under one key: worked out once, then a call.

A writer gives the whole `key=value`. What a writer answers without the redaction is proven by
type and declaration (an int under a public key, a string that is completely what its field was
declared to hold) or was redacted before: the pair of a short string, a bool or an enum is
remembered until another secret becomes known.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable
from typing import Any

from tradebot.observability.line import (
    KEY_LIMIT,
    VALUE_LIMIT,
    clean_component,
    clean_key,
    cut,
    is_bare,
    quote,
    unique_key,
)
from tradebot.observability.redaction import FAILED, Redactor
from tradebot.observability.schema import CORRELATION

Writer = Callable[[Any], str]
"""A value to its `key=value`. Raises NothingToWrite or CutShort."""

_REMEMBERED_LENGTH = 160
_REMEMBERED_VALUES = 256
_REMEMBERED_KEYS = 1024
_UNNUMBERED_LENGTH = KEY_LIMIT - 20


class NothingToWrite(Exception):
    """The value is empty: its key is left out."""


class CutShort(Exception):
    """The value was too long; `pair` is what is left of it, and the line says `truncated`."""

    def __init__(self, pair: str) -> None:
        super().__init__()
        self.pair = pair


class _Remembered(dict[Any, str]):
    """Values of one exact type under one key, and how they are written.

    Only types whose equal values are written alike may be in here: 1 and True are equal, and so
    are 1.0 and 1, but each type has a dict of its own.
    """

    __slots__ = ("_write",)

    def __init__(self, write: Writer) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: Any) -> str:
        pair = self._write(value)
        if (type(value) is not str or len(value) <= _REMEMBERED_LENGTH) and FAILED not in pair:
            if len(self) >= _REMEMBERED_VALUES:
                self.clear()
            self[value] = pair
        return pair


class Writers:
    """The writers of one catalogue, for as long as no other secret becomes known. Safe to use from
    several threads.

    Whoever writes a line takes one of these and nothing remembered from elsewhere: what another
    one remembers may be from before a secret was known. `generation` says which secrets these know
    at least.
    """

    def __init__(self, redactor: Redactor) -> None:
        # Read first: a secret that becomes known meanwhile makes these old.
        self.generation = redactor.secrets.generation
        self._redactor = redactor
        self._components: dict[str, str] = {}
        self._known: dict[tuple[str, type], Writer] = {}
        self._prefixes: dict[str, str] = {}
        self._taken: set[str] = set()
        self._reserved: set[str] = set()
        self._numbers = itertools.count(1)

    def of(self, key: str, kind: type) -> Writer:
        """The writer of values of exactly this type under `key`."""
        found = self._known.get((key, kind))
        if found is None:
            found = self._make(key, kind)
            if len(self._known) < _REMEMBERED_KEYS:
                self._known[key, kind] = found
        return found

    def component(self, name: str) -> str:
        """The component of a logger's name: without `tradebot.`, and masked like any text."""
        found = self._components.get(name)
        if found is None:
            found = clean_component(self._redactor.text(name.removeprefix("tradebot.")))
            if len(self._components) < _REMEMBERED_KEYS:
                self._components[name] = found
        return found

    def _make(self, key: str, kind: type) -> Writer:
        redactor = self._redactor
        prefix = self._prefix(key)
        if (kind is int or kind is float) and redactor.numbers_are_plain(key):
            return (prefix.replace("%", "%%") + "%r").__mod__
        if kind is str:
            return _Remembered(self._text_writer(key, prefix)).__getitem__
        write = self._any_writer(key, prefix)
        return _Remembered(write).__getitem__ if _equal_means_same(kind) else write

    def _text_writer(self, key: str, prefix: str) -> Writer:
        """For strings: what is declared to be harmless is not looked at any further."""
        redactor = self._redactor
        proven = redactor.proof(key)
        if proven is None:
            return self._any_writer(key, prefix)
        without_secrets = redactor.secrets.remove

        def write(text: str) -> str:
            if len(text) > _REMEMBERED_LENGTH or not proven(text):
                return _pair(key, prefix, redactor.field(key, text))
            text = without_secrets(text)
            return prefix + text if is_bare(text) else _pair(key, prefix, text)

        return write

    def _any_writer(self, key: str, prefix: str) -> Writer:
        redactor = self._redactor

        def write(value: object) -> str:
            text = redactor.field(key, value)
            if type(value) is bool and text in ("true", "false"):
                return prefix + text
            return _pair(key, prefix, text)

        return write

    def _prefix(self, key: str) -> str:
        """`key=` as it is written. Two keys may be written alike; the later one gets a number."""
        found = self._prefixes.get(key)
        if found is None:
            written = clean_key(self._redactor.key(key))
            if written != key and not self._reserved:
                self._reserved.update(CORRELATION, self._redactor.catalogue.fields)
            taken = self._taken if written == key else self._taken | self._reserved
            found = unique_key(written, taken) + "="
            if len(self._prefixes) < _REMEMBERED_KEYS:
                self._prefixes[key] = found
                self._taken.add(found[:-1])
            elif written != key:
                # Not remembered, and still never the same as another one of its line.
                found = f"{written[:_UNNUMBERED_LENGTH]}__{next(self._numbers)}="
        return found


def _equal_means_same(kind: type) -> bool:
    """Are two equal values of this type always written alike, and cheap to look up?"""
    if kind is bool:
        return True
    return issubclass(kind, enum.Enum) and kind.__eq__ in _PLAIN_EQUALITY and bool(kind.__hash__)


_PLAIN_EQUALITY = (object.__eq__, str.__eq__, int.__eq__)


def _pair(key: str, prefix: str, text: str | None) -> str:
    if not text:
        raise NothingToWrite
    written = quote(text)
    if len(written) * 4 > VALUE_LIMIT and len(written.encode()) > VALUE_LIMIT:
        raise CutShort(prefix + quote(cut(text, keep_end=key == "stack")))
    return prefix + written
