"""Invented secrets of every kind a bot meets: keys, tokens, codes, passwords, certificates.

They are drawn from a seed, so that what leaks today leaks tomorrow, and they share no twelve
characters with anything else that is logged. Nothing here imports the bot.
"""

from __future__ import annotations

import base64
import json
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

_LETTERS_DIGITS = string.ascii_letters + string.digits
_URL_SAFE = _LETTERS_DIGITS + "-_"
_UNRESERVED = _LETTERS_DIGITS + "-._~"


@dataclass(frozen=True)
class Secret:
    """One planted secret. `parts` is what must not be found: a certificate's frame may be."""

    kind: str
    text: str
    parts: tuple[str, ...]

    @property
    def random(self) -> bool:
        """One run of characters without a word in it, as generators make keys."""
        return self.kind in _RANDOM

    @property
    def speaks_for_itself(self) -> bool:
        """Its shape alone says in any text that it is a secret."""
        return self.kind in _SHAPED or (self.random and len(self.text) >= 40)

    @property
    def stands_unquoted(self) -> bool:
        """Can it follow `password=` without quotes and be told from what comes after it?"""
        return not set(self.text) & set("\"'&\n\\")


def _characters(random: Random, alphabet: str, count: int) -> str:
    """`count` of them, letters of both cases and digits among them, never a word."""
    drawn = [random.choice(alphabet) for _ in range(count)]
    for at in range(1, count - 1, 4):
        drawn[at] = random.choice(string.digits)
    return "".join(drawn)


def _word(random: Random) -> str:
    """A pronounceable word of six letters that no language has."""
    return "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(3))


def _encoded(random: Random, count: int) -> str:
    return base64.b64encode(random.randbytes(count)).decode()


def _url_encoded(random: Random, count: int) -> str:
    return base64.urlsafe_b64encode(random.randbytes(count)).decode().rstrip("=")


def _jwt(random: Random) -> str:
    header = json.dumps({"alg": "RS256", "kid": _characters(random, _LETTERS_DIGITS, 8)}).encode()
    body = json.dumps({"sub": _word(random), "exp": random.randrange(10**10)}).encode()
    parts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (header, body)]
    return ".".join([*parts, _url_encoded(random, 48)])


def _certificate(random: Random) -> str:
    body = _encoded(random, 150)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    frame = "RSA PRIVATE KEY"
    return "\n".join([f"-----BEGIN {frame}-----", *lines, f"-----END {frame}-----"])


def _saxo_key(random: Random) -> str:
    """`Q2xp|ZW50+S2V5/MQ==`: base64 in which a slash may be a bar."""
    return _encoded(random, 16).replace("/", "|")


def _specials(random: Random) -> str:
    marks = "!@#$^*()_+-[]{}|;:,.<>?/~"
    return "Q7" + "".join(random.choice(_LETTERS_DIGITS + marks) for _ in range(18))


def _phrase(random: Random) -> str:
    words = [_word(random) for _ in range(5)]
    return f'{words[0]} {words[1]} "{words[2]}" {words[3]}\'s \\{words[4]}'


_KINDS: dict[str, Callable[[Random], str]] = {
    "app key, 32 hexadecimal digits": lambda r: r.randbytes(16).hex(),
    "hash, 64 hexadecimal digits": lambda r: r.randbytes(32).hex(),
    "HEXADECIMAL digits, upper case": lambda r: r.randbytes(16).hex().upper(),
    "Saxo key": _saxo_key,
    "base64, two signs of padding": lambda r: _encoded(r, 16),
    "base64, one sign of padding": lambda r: _encoded(r, 32),
    "base64 without padding": lambda r: _encoded(r, 24),
    "base64url": lambda r: _url_encoded(r, 32),
    "JWT": _jwt,
    "JWT of 30 characters": lambda r: (
        f"eyJ{_characters(r, _URL_SAFE, 6)}.{_characters(r, _URL_SAFE, 10)}."
        + _characters(r, _URL_SAFE, 9)
    ),
    "GUID": lambda r: str(uuid.UUID(bytes=r.randbytes(16))),
    "GUID in capitals": lambda r: str(uuid.UUID(bytes=r.randbytes(16))).upper(),
    "OAuth code": lambda r: _characters(r, _URL_SAFE, 24),
    "PKCE verifier": lambda r: _characters(r, _UNRESERVED, r.randrange(43, 128)),
    "opaque bearer token": lambda r: _characters(r, _LETTERS_DIGITS, 300),
    "service key": lambda r: "sk_live_" + _characters(r, _LETTERS_DIGITS, 24),
    "session cookie": lambda r: f"s%3A{_characters(r, _URL_SAFE, 32)}.{_url_encoded(r, 20)}",
    "letters and digits": lambda r: _characters(r, _LETTERS_DIGITS, 16),
    "password with marks": _specials,
    "passphrase": _phrase,
    "password beyond ASCII": lambda r: "".join(
        _characters(r, _LETTERS_DIGITS, 5) + mark for mark in "ä€ß"
    ),
    "password with escapes": lambda r: (
        f"{_word(r)}%2B{_characters(r, _LETTERS_DIGITS, 9)}%26{_word(r)}"
    ),
    "password with & and +": lambda r: (
        f"{_word(r)}&{_characters(r, _LETTERS_DIGITS, 9)}+= {_word(r)}"
    ),
    "plain word": lambda r: _word(r) + _word(r) + _word(r),
    "private key": _certificate,
}
_SHAPED = frozenset((
    "JWT", "JWT of 30 characters", "GUID", "GUID in capitals", "private key", "Saxo key",
    "base64, two signs of padding", "base64, one sign of padding",
))  # fmt: skip
_RANDOM = frozenset(
    kind
    for kind in _KINDS
    if not kind.startswith(("pass", "plain word", "private key", "session cookie"))
)
KINDS = tuple(_KINDS)


def draw(kind: str, random: Random) -> Secret:
    """Another secret of this kind."""
    text = _KINDS[kind](random)
    lines = text.split("\n")
    return Secret(kind, text, tuple(lines[1:-1]) if len(lines) > 2 else (text,))


def one_of_each(random: Random) -> list[Secret]:
    """One secret of every kind."""
    return [draw(kind, random) for kind in KINDS]
