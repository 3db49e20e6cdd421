"""What a value looks like in the log: the rules of redaction, and the order they apply in.

1. By key: a registered field has a declared treatment; an unregistered key whose name speaks of
   a secret hides its value.
2. By value: every registered secret is removed from whatever is left (`secret_values`).
3. By shape: what looks like a credential is hidden (`shapes`).
4. When in doubt: a string nobody declared keeps only what is provably harmless (`harmless`).

If any of this fails, the value is `<redaction-failed>`: never the value itself.
"""

from __future__ import annotations

import dataclasses
import enum
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePath

from tradebot.observability.line import escape
from tradebot.observability.schema import Catalogue, Field, Treatment
from tradebot.observability.secret_values import SecretValues
from tradebot.observability.sensitive_names import sensitive_key
from tradebot.observability.shapes import HIDDEN, Shapes, mask

FAILED = "<redaction-failed>"

DEPTH_LIMIT = 4
ITEM_LIMIT = 200
"""Leaves of one nested value; what lies beyond is hidden, not shown."""

WORK_LIMIT = 64 * 1024
"""Characters of one string that are looked through; the rest is not written."""

_MARGIN = 4 * 1024
"""Given up at a cut made before masking: it may hold the half of a secret."""

_NUMBERS = frozenset((int, float, Decimal))
"""Exactly these: what a subclass shows is its own affair."""

_CONTAINERS = (Mapping, list, tuple, set, frozenset)
_inside = threading.local()


class Redactor:
    """Turns values into masked text, by the declarations of one catalogue."""

    def __init__(self, catalogue: Catalogue, secrets: SecretValues) -> None:
        self.catalogue = catalogue
        self.secrets = secrets
        hidden = (field for field in catalogue.fields.values() if not _is_public(field))
        self._shapes = Shapes(
            self._hides_pair,
            self._is_declared,
            catalogue.harmless,
            [field.name.rstrip("*") for field in hidden],
        )

    def text(self, text: str) -> str:
        """Free text, masked."""
        return self._bounded(
            text, lambda part: self._shapes.hide_in_text(self.secrets.remove(part))
        )

    def field(self, key: str, value: object) -> str | None:
        """The masked text of one field; None when there is nothing to write. Never raises."""
        try:
            return self._field(key, value)
        except Exception:  # noqa: BLE001 - whatever a value's own code does, the line goes out
            return FAILED

    def key_is_public(self, key: str) -> bool:
        """May numbers and booleans under this key be written as they are?"""
        field = self.catalogue.field(key)
        if field is not None:
            return field.treatment is Treatment.PUBLIC
        return not sensitive_key(key)

    def numbers_are_plain(self, key: str) -> bool:
        """Is an int or a float under this key written as it is, whatever it is?"""
        field = self.catalogue.field(key)
        whole = field is None or field.max_length is None
        return whole and self.key_is_public(key) and not self.secrets.has_numeric

    def proof(self, key: str) -> Callable[[str], object] | None:
        """What proves a string under this key by its declaration: then only known secrets are
        removed. None where every string takes the whole way."""
        field = self.catalogue.field(key)
        if field is None or field.treatment is not Treatment.PUBLIC or field.max_length is not None:
            return None
        return None if field.kind.matcher is None else field.kind.matcher.fullmatch

    def key(self, key: str) -> str:
        """An unregistered key may itself hold a secret, when a dict is logged."""
        if self.catalogue.field(key) is not None:
            return key
        return self._shapes.hide_in_field(self.secrets.remove(key)).replace(HIDDEN, "masked")

    def _field(self, key: str, value: object) -> str | None:
        if value is None:
            return None
        field = self.catalogue.field(key)
        if field is None:
            if sensitive_key(key):
                return HIDDEN
            return self._plain(key, value, None)
        if field.treatment is Treatment.SECRET:
            return HIDDEN
        text = self._plain(key, value, field)
        if text is not None and field.max_length is not None:
            text = text[: field.max_length]
        return text

    def _plain(self, key: str, value: object, field: Field | None) -> str | None:
        if type(value) is str:
            return self._treated(value, field) if value else None
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, bool):
            return self._treated("true" if value else "false", field)
        if type(value) in _NUMBERS:
            return self._treated(str(value), field, declared_harmless=True)
        if isinstance(value, _CONTAINERS) or _is_record(value):
            return self._nested(key, value)
        text = _as_text(value)
        return self._treated(text, field) if text else None

    def _treated(self, text: str, field: Field | None, *, declared_harmless: bool = False) -> str:
        if field is not None and field.treatment is Treatment.MASKED:
            return text if _is_masked(text) else mask(self.secrets.remove(text))
        if declared_harmless:
            return self.secrets.remove(text)
        if field is None:
            return self._bounded(text, self._undeclared)
        matcher = field.kind.matcher
        if matcher is None:
            return self.text(text)
        if matcher.fullmatch(text):
            return self.secrets.remove(text)
        if field.kind.url_path:
            return self._bounded(text, self._url_path)
        return self._bounded(text, self._undeclared)

    def _undeclared(self, text: str) -> str:
        return self._shapes.hide_in_field(self.secrets.remove(text))

    def _url_path(self, text: str) -> str:
        return self._shapes.hide_in_url_path(self.secrets.remove(text))

    @staticmethod
    def _bounded(text: str, rule: Callable[[str], str]) -> str:
        if len(text) <= WORK_LIMIT:
            return rule(text)
        masked = rule(text[:WORK_LIMIT])
        return masked[: max(0, len(masked) - _MARGIN)] or HIDDEN

    def _hides_pair(self, key: str) -> bool:
        field = self.catalogue.field(key)
        if field is not None:
            return field.treatment is not Treatment.PUBLIC
        return sensitive_key(key)

    def _is_declared(self, key: str, text: str) -> bool:
        field = self.catalogue.field(key)
        if field is None or field.treatment is not Treatment.PUBLIC:
            return False
        matcher = field.kind.matcher
        return matcher is not None and matcher.fullmatch(text) is not None

    def _nested(self, key: str, value: object) -> str:
        """A compact, JSON-like text in which each leaf was treated by its own key."""
        return _Nested(self).write(key, value, 0)


class _Nested:
    """One walk through a nested value. Depth and number of leaves are bounded."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = ITEM_LIMIT

    def write(self, key: str, value: object, depth: int) -> str:
        self._left -= 1
        if depth > DEPTH_LIMIT or self._left < 0:
            return f'"{HIDDEN}"'
        if not self._redactor.key_is_public(key):
            return f'"{HIDDEN}"'
        if isinstance(value, Mapping):
            return self._object(value.items(), depth)
        if _is_record(value):
            return self._object(_record_items(value), depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._array(key, value, depth)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        text = self._redactor.field(key, value) or ""
        return text if type(value) in _NUMBERS and text != HIDDEN else f'"{escape(text)}"'

    def _object(self, items: Iterable[tuple[object, object]], depth: int) -> str:
        parts = []
        for name, value in items:
            if self._left <= 0:
                break
            label = _as_text(name)
            written = self.write(label, value, depth + 1)
            parts.append(f'"{escape(self._redactor.key(label))}":{written}')
        return "{" + ",".join(parts) + "}"

    def _array(self, key: str, items: Iterable[object], depth: int) -> str:
        # `("Authorization", "Bearer …")`: a pair whose first half names the second
        parts: list[str] = []
        hide_next = False
        for item in items:
            if self._left <= 0:
                break
            parts.append(f'"{HIDDEN}"' if hide_next else self.write(key, item, depth + 1))
            named = isinstance(item, (str, bytes))
            hide_next = named and not self._redactor.key_is_public(_as_text(item))
        return "[" + ",".join(parts) + "]"


def _is_public(field: Field) -> bool:
    return field.treatment is Treatment.PUBLIC


def _is_record(value: object) -> bool:
    if isinstance(value, type):
        return False
    kind = type(value)
    if isinstance(value, tuple):
        return hasattr(kind, "_fields")
    return dataclasses.is_dataclass(value) or hasattr(kind, "__struct_fields__")


def _record_items(value: object) -> Iterable[tuple[str, object]]:
    kind = type(value)
    names = getattr(kind, "__struct_fields__", None) or getattr(kind, "_fields", None)
    if names is None:
        names = [field.name for field in dataclasses.fields(value)]  # type: ignore[arg-type]
    return [(name, getattr(value, name, None)) for name in names]


def _as_text(value: object) -> str:
    """Text of a value that is neither number nor container: a plain string, whatever it was."""
    if isinstance(value, str):
        # What a subclass says of itself (`__str__`, `__format__`) may change with each call.
        return str.__str__(value)
    if isinstance(value, datetime):
        return _time_text(value)
    if isinstance(value, (date, PurePath)):
        return str(value)
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, (bytes, bytearray)):
        # Enough for WORK_LIMIT characters and one more, so that what is cut here is cut there.
        return bytes(value[: 4 * WORK_LIMIT + 4]).decode("utf-8", "replace")
    # A value's own __str__ may log, and log itself again.
    depth = getattr(_inside, "depth", 0)
    if depth > 1:
        return HIDDEN
    _inside.depth = depth + 1
    try:
        text = str.__str__(str(value))
    finally:
        _inside.depth = depth
    return f"{type(value).__name__}: {text}" if isinstance(value, BaseException) else text


def _time_text(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond else "auto")
    return text.replace("+00:00", "Z")


def _is_masked(text: str) -> bool:
    return text == HIDDEN or (len(text) == 8 and text[3:6] == HIDDEN)


# One set of secrets for the process: a secret is one, whoever logs.
SECRETS = SecretValues()
_current = Redactor(Catalogue(), SECRETS)


def use_catalogue(catalogue: Catalogue) -> Redactor:
    """Make `mask_sensitive` treat fields as `catalogue` declares. Returns the redactor."""
    global _current  # noqa: PLW0603 - one vocabulary per process, like logging itself
    _current = Redactor(catalogue, SECRETS)
    return _current


def current() -> Redactor:
    """The redactor of the catalogue in use."""
    return _current


def register_secret(value: str | None) -> None:
    """Keep `value` out of every line written from now on, in whatever spelling.

    The first 512 stay known, and of those after them at least the 512 registered last: register
    what is still valid again when a process renews its tokens for weeks.
    Empty and None are ignored. Raises ValueError when it is shorter than 8 characters.
    """
    if value:
        SECRETS.register(value)


def mask_sensitive(value: object, key: str | None = None) -> str:
    """The text that the log would show for `value` under `key`; without `key`, for a string
    nobody declared. Never raises; None becomes an empty string."""
    return _current.field("" if key is None else key, value) or ""
