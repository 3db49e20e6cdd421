"""The redaction that a careful user of a peer would write: six rules, behind cheap tests.

`six_rules` is the same without the tests, as most people write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping

Redact = Callable[[str], str]

_IS = r"""["']?\s*[=:]\s*["']?"""
"""Between a key and its value: in a text, in JSON, in what `repr` shows."""


def _masked(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2][:3]}***{match[2][-2:]}"


_RULES: tuple[
    tuple[re.Pattern[str], str | Callable[[re.Match[str]], str], tuple[str, ...]], ...
] = (
    (
        re.compile(rf"(?i)\b(authorization{_IS})(?:(?:bearer|basic)\s+)?[^\s\"']+"),
        r"\1***",
        ("authorization",),
    ),
    (re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]+"), r"\1***", ("bearer",)),
    (re.compile(rf"(?i)\b((?:access|refresh|id)_token{_IS})[^\s\"'&]+"), r"\1***", ("_token",)),
    (
        re.compile(rf"(?i)\b((?:client_|app_)?(?:secret|password){_IS})[^\s\"'&]+"),
        r"\1***",
        ("secret", "password"),
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"), "***", ("eyj",)),
    (
        re.compile(rf"(?i)\b((?:account|client)_?key{_IS})([A-Za-z0-9_|+/=-]{{6,}})"),
        _masked,
        ("account_key", "accountkey", "client_key", "clientkey"),
    ),
)

_SECRET_KEYS = frozenset(
    (
        "authorization",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "app_secret",
        "password",
    )
)
_MASKED_KEYS = frozenset(("client_key", "account_key", "clientkey", "accountkey"))


def six_rules(text: str) -> str:
    """Every rule over the whole text."""
    for pattern, replacement, _words in _RULES:
        text = pattern.sub(replacement, text)
    return text


def careful(text: str) -> str:
    """A rule runs only where one of its words is in the text."""
    low = text.lower()
    for pattern, replacement, words in _RULES:
        for word in words:
            if word in low:
                text = pattern.sub(replacement, text)
                break
    return text


def careful_fields(fields: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """By key where the key says it, `careful` for every other text. Changes `fields`."""
    for key, value in fields.items():
        low = key.lower()
        if low in _SECRET_KEYS:
            fields[key] = "***"
        elif low in _MASKED_KEYS and isinstance(value, str):
            fields[key] = f"{value[:3]}***{value[-2:]}"
        elif type(value) is str:
            fields[key] = careful(value)
    return fields
