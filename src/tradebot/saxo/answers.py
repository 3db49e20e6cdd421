"""Reading answers: keys found before anything is logged, types checked, errors with an address.

Every problem becomes BadAnswer with the endpoint and the field, never with the content.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import msgspec

from tradebot.errors import BadAnswer
from tradebot.saxo.exchange import Response
from tradebot.saxo.known_secrets import keep_secret

_KEYS = re.compile(
    rb'"(?:[A-Za-z]*(?:Account|Client|User|AccountGroup)Key|access_token|refresh_token)"'
    rb'\s*:\s*"((?:[^"\\]|\\.)+)"'
)
_DISCLAIMERS = re.compile(rb'"DisclaimerTokens?"\s*:\s*("(?:[^"\\]|\\.)+"|\[[^\]]*\]?)')
_STRING = re.compile(rb'"((?:[^"\\]|\\.)+)"')
_MAX_DEPTH = 8


def register_keys(body: bytes) -> None:
    """Make every key and token in a body known to the log's redaction, wherever it stands.

    Works on the raw text, so that it also serves bodies that do not parse.
    """
    found: set[bytes] = set()
    if b'Key"' in body or b'_token"' in body:
        found.update(_KEYS.findall(body))
    if b'"DisclaimerToken' in body:
        found.update(*(_STRING.findall(tokens) for tokens in _DISCLAIMERS.findall(body)))
    for match in found:
        text = _unescape(match)
        if text:
            keep_secret(text)


def decode(response: Response, kind: Any) -> Any:
    """The answer as a `kind`. Raises BadAnswer naming the endpoint and the field."""
    if not response.body.strip():
        raise _bad(response, "the body is empty")
    try:
        return _decoder(kind).decode(response.body)
    except msgspec.ValidationError as error:
        raise _bad(response, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _bad(response, "the body is not JSON") from None


def loose(body: bytes) -> object:
    """The body as plain JSON values, or None when it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def error_code_of(body: bytes) -> str | None:
    """Saxo's ErrorCode, or OAuth's `error`, from wherever an error body holds it."""
    code = find_text(loose(body), ("ErrorCode", "error"))
    # Only a code word: this is for machines, and free text might hold anything.
    return code if code is not None and re.fullmatch(r"[A-Za-z0-9_.]{1,64}", code) else None


def find_text(value: object, names: tuple[str, ...], depth: int = 0) -> str | None:
    """The first string under one of `names`, outermost first."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        for name in names:
            if isinstance(value.get(name), str):
                return str(value[name])
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        for child in children:  # type: ignore[attr-defined]
            found = find_text(child, names, depth + 1)
            if found is not None:
                return found
    return None


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _unescape(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(b'"' + raw + b'"', type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode("utf-8", errors="replace")


def _bad(response: Response, problem: str) -> BadAnswer:
    return BadAnswer(
        f"{response.endpoint}: the broker's answer is not what this endpoint promises: {problem}",
        endpoint=response.endpoint,
        status=response.status,
    )
