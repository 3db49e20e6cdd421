"""Redaction by value: every secret the process knows, in every form it may turn up in.

A registered secret is removed wherever it stands: raw, URL-encoded, escaped for JSON, as `repr`
writes it, and in base64 at all three alignments (inside a Basic header, for example).
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from tradebot.observability.line import escape

MIN_LENGTH = 8
"""A shorter secret would turn up by chance and blacken harmless text."""

REMOVED = "***"

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
    """The registered secrets and their forms. Safe to use from several threads.

    `generation` grows with every registration: whoever remembers redacted text compares it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._forms = _Forms()
        self.generation = 0
        self.has_numeric = False
        """Could a plain number contain a secret? Then numbers are looked through as well."""

    def register(self, secret: str) -> None:
        """Remove `secret` from everything written from now on.

        Raises ValueError when it is shorter than MIN_LENGTH characters, without repeating it.
        """
        if len(secret) < MIN_LENGTH:
            raise ValueError(
                f"a secret of {len(secret)} characters is too short to be kept out of the logs: "
                f"use one of at least {MIN_LENGTH}"
            )
        with self._lock:
            if secret in self._known:
                return
            self._known.add(secret)
            more = forms_of(secret)
            self._forms = _Forms(more.union(self._forms.longest_first))
            self.has_numeric = self.has_numeric or any(map(_numeric, more))
            self.generation += 1

    def remove(self, text: str) -> str:
        """`text` with every form of every secret replaced by `***`."""
        known = self._forms
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
                text = text.replace(form, REMOVED)
        return text

    def forget_all(self) -> None:
        """Start anew. For tests: a secret once known stays one for the life of a process."""
        with self._lock:
            self._known.clear()
            self._forms = _Forms()
            self.has_numeric = False
            self.generation += 1


class _Forms:
    """All forms of all secrets, constant: read as one, replaced as one."""

    __slots__ = ("beginnings", "fitting", "longest_first")

    def __init__(self, forms: Iterable[str] = ()) -> None:
        # A form may be the beginning of another.
        self.longest_first = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self.beginnings = frozenset(
            form[at : at + _WINDOW] for form in self.longest_first for at in range(_STRIDE)
        )
        self.fitting: dict[tuple[int, bool, bool], tuple[str, ...]] = {}

    def fit(self, length: int, lower: bool, upper: bool) -> tuple[str, ...]:
        """The forms that a text of this length, in lower or upper case alone, may hold."""
        forms = tuple(
            form
            for form in self.longest_first
            if len(form) <= length
            and not (lower and any(map(_is_upper, form)))
            and not (upper and any(map(str.islower, form)))
        )
        if length < _REMEMBERED_LENGTHS:
            self.fitting[length, lower, upper] = forms
        return forms


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
