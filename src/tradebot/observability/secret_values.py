"""Redaction by value: every secret the process knows, in every form it may turn up in.

A registered secret is removed wherever it stands: raw, URL-encoded, escaped for JSON, as `repr`
writes it, and in base64 at all three alignments (inside a Basic header, for example).
"""

from __future__ import annotations

import base64
import bisect
import os
import re
import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote, quote_plus

from tradebot.observability.line import escape

MIN_LENGTH = 8
"""A shorter secret would turn up by chance and blacken harmless text."""

REMOVED = "***"

KEPT_FOR_GOOD = KEPT_LATEST = 512
"""A process that runs for weeks gets a new pair of tokens several times an hour. What stands in
its settings, and the keys that the broker names at login, are among its first secrets."""

_WINDOW, _STRIDE = 5, 4
"""Looked at is every fourth piece of five characters: whatever is at least MIN_LENGTH long holds
one of them completely, and it is one of its own first four. Taking a piece costs as much as
looking for two forms."""

_REMEMBERED_LENGTHS = 1024

assert _WINDOW + _STRIDE - 1 <= MIN_LENGTH  # noqa: S101 - what the pieces rely on


_NOTHING_TO_ESCAPE = re.compile(r"[ !#-&(-.0-\[\]-~]*")
_URL_SAFE = (
    "",
    "/",
    "/|=",
    "!~*'()",
    "!$&'()*+,;=:@/~",
    "!$&'()*+,;=:@/?~",
    "!#$%&'()*+,/:;=?@[]~",
)


class SecretValues:
    """The registered secrets and their forms. Safe to use from several threads, from signal
    handlers and after a fork.

    `generation` grows with every new secret: whoever remembers redacted text compares it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known = _Known()
        self.generation = 0
        self.has_numeric = False
        """Could a plain number contain a secret? Then numbers are looked through as well."""
        _all_stores.add(self)

    def register(self, secret: str) -> None:
        """Remove `secret` from everything written from now on.

        The first KEPT_FOR_GOOD secrets stay known for the life of the process, and of those after
        them at least the KEPT_LATEST registered last (registering one again counts): by then, the
        tokens before them have long expired.
        Raises ValueError when it is shorter than MIN_LENGTH characters, without repeating it.
        """
        if len(secret) < MIN_LENGTH:
            raise ValueError(
                f"a secret of {len(secret)} characters is too short to be kept out of the logs: "
                f"use one of at least {MIN_LENGTH}"
            )
        known = self._known
        if secret in known.for_good:
            return
        forms = known.latest.get(secret) or frozenset(forms_of(secret))
        numeric = any(map(_numeric, forms))
        with self._lock:
            while True:
                before = self._known
                after = before.plus(secret, forms)
                # In there, a signal handler may have registered another one; between the next two
                # lines, none can run.
                if self._known is before:
                    self._known = after
                    break
            if not before.has(secret):
                self.has_numeric = self.has_numeric or numeric
                self.generation += 1

    def remove(self, text: str) -> str:
        """`text` with every form of every secret replaced by `***`.

        Forms that overlap are replaced as one; forms that only touch, each for itself.
        """
        known = self._known
        alike = len(text), text.islower(), text.isupper()
        forms = known.fitting.get(alike)
        if forms is None:
            forms = known.fit(*alike)
        if len(forms) * 2 > len(text) and known.beginnings.isdisjoint(
            [text[at : at + _WINDOW] for at in range(0, len(text) - _WINDOW + 1, _STRIDE)]
        ):
            return text
        for form in forms:
            if form in text:
                return _without(forms, text)
        return text

    def forget_all(self) -> None:
        """Start anew. For tests: what a process registers, it wants kept out of its log."""
        with self._lock:
            self._known = _Known()
            self.has_numeric = False
            self.generation += 1

    def after_fork_in_child(self) -> None:
        """Whoever held the lock is not there any more; what it guards is always whole."""
        self._lock = threading.RLock()


_all_stores: weakref.WeakSet[SecretValues] = weakref.WeakSet()


def _renew_locks() -> None:
    for store in list(_all_stores):
        store.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)

_Secrets = dict[str, frozenset[str]]
"""Each secret with its forms, in the order of registration."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """All secrets and their forms, constant: read as one, replaced as one."""

    for_good: _Secrets = field(default_factory=dict)
    latest: _Secrets = field(default_factory=dict)
    by_case: tuple[tuple[str, ...], ...] = ((), (), ())
    """The forms, shortest first: all; those that a text in lower case may hold; in upper case."""
    beginnings: frozenset[str] = frozenset()
    fitting: dict[tuple[int, bool, bool], tuple[str, ...]] = field(default_factory=dict)
    """What `fit` remembers."""

    def has(self, secret: str) -> bool:
        return secret in self.for_good or secret in self.latest

    def plus(self, secret: str, forms: frozenset[str]) -> _Known:
        """These and `secret`, which is then the latest."""
        if secret in self.for_good:
            return self
        if secret in self.latest:
            latest = {**self.latest}
            del latest[secret]
            return replace(self, latest={**latest, secret: forms})
        if len(self.for_good) < KEPT_FOR_GOOD:
            return replace(self._looking_for(forms), for_good={**self.for_good, secret: forms})
        latest = {**self.latest, secret: forms}
        if len(latest) <= 2 * KEPT_LATEST:
            return replace(self._looking_for(forms), latest=latest)
        # Everything is put in order anew, but only once in KEPT_LATEST times.
        latest = dict([*latest.items()][-KEPT_LATEST:])
        every = frozenset[str]().union(*self.for_good.values(), *latest.values())
        return replace(_Known()._looking_for(every), for_good=self.for_good, latest=latest)

    def _looking_for(self, forms: frozenset[str]) -> _Known:
        new = forms.difference(*self.for_good.values(), *self.latest.values())
        lower = [form for form in new if not any(map(_is_upper, form))]
        upper = [form for form in new if not any(map(str.islower, form))]
        return replace(
            self,
            by_case=tuple(
                tuple(sorted([*old, *more], key=len))
                for old, more in zip(self.by_case, (new, lower, upper), strict=True)
            ),
            beginnings=self.beginnings.union(
                form[at : at + _WINDOW] for form in new for at in range(_STRIDE)
            ),
            fitting={},
        )

    def fit(self, length: int, lower: bool, upper: bool) -> tuple[str, ...]:
        """The forms that a text of this length, in lower or upper case alone, may hold."""
        forms = self.by_case[1 if lower else 2 if upper else 0]
        fitting = bisect.bisect_right(forms, length, key=len)
        # Texts of many lengths have the same ones: remembered by the longest of them, they are
        # there but once.
        longest = len(forms[fitting - 1]) if fitting else 0
        found = self.fitting.get((longest, lower, upper))
        if found is None:
            found = self.fitting[longest, lower, upper] = forms[:fitting]
        if length < _REMEMBERED_LENGTHS:
            self.fitting[length, lower, upper] = found
        return found


def _without(forms: Iterable[str], text: str) -> str:
    """`text` with `***` for each span of it that forms cover. All are looked for before any is
    replaced: two may share characters."""
    parts: list[str] = []
    end = 0
    for begin, stop in sorted(_spans(forms, text)):
        if begin >= end:
            parts += (text[end:begin], REMOVED)
        end = max(end, stop)
    return "".join((*parts, text[end:]))


def _spans(forms: Iterable[str], text: str) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = text.find(form, at + 1)


def _is_upper(character: str) -> bool:
    return character.isupper() or character.istitle()


def _numeric(form: str) -> bool:
    return not set(form) - set("0123456789.+-eE")


def forms_of(secret: str) -> set[str]:
    """Every spelling of `secret` that is looked for, itself included."""
    # A certificate may be logged line by line.
    lines = [line for line in secret.splitlines() if len(line) >= MIN_LENGTH]
    forms = {secret, *lines}
    for _ in range(2):  # JSON may stand in JSON, and be shown by repr
        forms.update([escaped for form in forms for escaped in _escaped(form)])
    forms.add(secret.replace("//", "/"))  # in a path
    if len(lines) > 1:
        forms.update(*(_url_forms(line.encode("utf-8", "surrogatepass")) for line in lines))
    raw = secret.encode("utf-8", "surrogatepass")
    forms.add(secret.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    forms.update(_forms_of_bytes(raw))
    if not secret.isascii():
        # Some clients send user and password like this.
        forms.update(_forms_of_bytes(secret.encode("latin-1", "replace")))
    # What is too short here would be too short as a secret.
    return {form for form in forms if len(form) >= MIN_LENGTH}


def _escaped(text: str) -> Iterator[str]:
    """As JSON and as `repr` write it, which escapes a quote only where both kinds are there."""
    if _NOTHING_TO_ESCAPE.fullmatch(text):
        return
    for form in (text, escape(text), _ascii_json(text), ascii(text)[1:-1], repr(text)[1:-1]):
        yield form
        yield form.replace("/", "\\/")
        yield re.sub(r"(?<!\\)'", r"\'", form)


def _forms_of_bytes(raw: bytes) -> Iterator[str]:
    yield raw.decode("utf-8", "replace")
    yield repr(raw)[2:-1]
    yield re.sub(r"(?<!\\)'", r"\'", repr(raw)[2:-1])
    yield from _url_forms(raw)
    for form in _base64_forms(raw):
        yield form
        yield quote(form, safe="")
        yield form.replace("/", "\\/")


def _ascii_json(secret: str) -> str:
    """As `json.dumps` writes it: nothing but ASCII, and short escapes for two more characters."""
    # Two characters of UTF-16 for what lies beyond U+FFFF; surrogates as they are.
    units = memoryview(secret.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(f"\\u{unit:04x}" if unit > 0x7F else _json_escape(chr(unit)) for unit in units)


def _json_escape(character: str) -> str:
    return {"\b": "\\b", "\f": "\\f"}.get(character) or escape(character)


def _url_forms(raw: bytes) -> Iterator[str]:
    """As the usual clients encode a value, a path or a whole URL: each leaves other marks alone."""
    plain = (quote(raw, safe=safe) for safe in _URL_SAFE)
    plus = quote_plus(raw, safe="*")
    for encoded in (*plain, quote_plus(raw), plus, plus.replace("~", "%7E")):
        yield encoded
        yield _lower_escapes(encoded)
        yield quote(encoded, safe="")
    yield raw.decode("utf-8", "replace").replace("=", "%3D")
    yield raw.decode("utf-8", "replace").replace("=", "%3d")


def _lower_escapes(encoded: str) -> str:
    """`%3D` as `%3d`; some clients write it so."""
    first, *rest = encoded.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64_forms(raw: bytes) -> Iterator[str]:
    """The characters that depend on `raw` alone, wherever it begins in the encoded data."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
        begin = (shift * 8 + 5) // 6
        end = (shift + len(raw)) * 8 // 6
        yield encoded[begin:end]
        yield encoded[begin:end].replace("+", "-").replace("/", "_")
