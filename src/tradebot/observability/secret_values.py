"""Redaction by value: every secret the process knows, in every form it may turn up in.

A registered secret is removed wherever it stands: raw, URL-encoded, escaped for JSON, as `repr`
writes it, and in base64 at all three alignments (inside a Basic header, for example).
"""

from __future__ import annotations

import base64
import bisect
import threading
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from tradebot.observability.line import escape

MIN_LENGTH = 8
"""A shorter secret would turn up by chance and blacken harmless text."""

REMOVED = "***"


class SecretValues:
    """The registered secrets and their forms. Safe to use from several threads.

    `generation` grows with every registration: whoever remembers redacted text compares it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        # The forms, the longest first, and their negated lengths: read as one, replaced as one.
        self._forms: tuple[tuple[str, ...], tuple[int, ...]] = ((), ())
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
            known = {*self._forms[0], *forms_of(secret)}
            # The longest first: a form may be the beginning of another.
            forms = tuple(sorted(known, key=lambda form: (-len(form), form)))
            self._forms = forms, tuple(-len(form) for form in forms)
            self.has_numeric = any(map(_numeric, forms))
            self.generation += 1

    def remove(self, text: str) -> str:
        """`text` with every form of every secret replaced by `***`."""
        if len(text) >= MIN_LENGTH:
            forms, lengths = self._forms
            # What is longer than the text cannot be in it.
            for form in forms[bisect.bisect_left(lengths, -len(text)) :]:
                if form in text:
                    text = text.replace(form, REMOVED)
        return text

    def forget_all(self) -> None:
        """Start anew. For tests: a secret once known stays one for the life of a process."""
        with self._lock:
            self._known.clear()
            self._forms = ((), ())
            self.has_numeric = False
            self.generation += 1


def _numeric(form: str) -> bool:
    return not set(form) - set("0123456789.+-eE")


def forms_of(secret: str) -> set[str]:
    """Every spelling of `secret` that is looked for, itself included."""
    escaped = escape(secret)
    forms = {secret, escaped, _ascii_json(secret), ascii(secret)[1:-1], repr(secret)[1:-1]}
    forms.update(form.replace("/", "\\/") for form in (escaped, _ascii_json(secret)))
    raw = secret.encode("utf-8", "surrogatepass")
    forms.add(repr(raw)[2:-1])
    forms.add(secret.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    forms.update(_url_forms(raw))
    forms.update(_base64_forms(raw))
    # What is too short here would be too short as a secret.
    return {form for form in forms if len(form) >= MIN_LENGTH}


def _ascii_json(secret: str) -> str:
    """As `json.dumps` writes it: nothing but ASCII, and short escapes for two more characters."""
    # Two characters of UTF-16 for what lies beyond U+FFFF; surrogates as they are.
    units = memoryview(secret.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(f"\\u{unit:04x}" if unit > 0x7F else _json_escape(chr(unit)) for unit in units)


def _json_escape(character: str) -> str:
    return {"\b": "\\b", "\f": "\\f"}.get(character) or escape(character)


def _url_forms(raw: bytes) -> Iterator[str]:
    for encoded in (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="/|=")):
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
