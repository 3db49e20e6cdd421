"""Which names say that what they name is a secret, or whose account something is."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

_WITHIN = (
    "token", "secret", "authorization", "bearer", "refresh", "password", "passwd", "passphrase",
    "pwd", "cookie", "apikey", "appkey", "accesskey", "credential", "signature", "privatekey",
    "assertion", "jwt", "verifier", "accountkey", "clientkey", "userkey", "accountid", "clientid",
    "userid", "session", "otp",
)  # fmt: skip
"""A name that contains one of these, written without marks and in lower case, is sensitive."""

_WHOLE = ("code", "state", "pin", "sid")
"""Only the whole name is."""

# The broker's OrderNotPlaced and its like are no one-time passwords.
_PATTERN = re.compile(
    "|".join(_WITHIN) + "(?!laced|ermitted|ossible|resent|rocessed|rimary|rovided)"
)
_MARKS = re.compile(r"[\W_]+")
_ASCII_MARKS = bytes(set(range(128)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))


@functools.lru_cache(maxsize=4096)
def sensitive_key(key: str) -> bool:
    """Does a key's name say that its value is a secret or an account's identity?"""
    plain = _MARKS.sub("", key.lower())
    return plain in _WHOLE or _PATTERN.search(plain) is not None


def search_for_names(more: Iterable[str] = ()) -> Callable[[str], bool]:
    """A quick test of a text in lower case: may there be a sensitive name in it at all?

    False is certain: without its marks, a text contains each of its words without theirs. `more`
    are names that are sensitive because they are declared so.
    """
    words = (*_WITHIN, *_WHOLE, *(_MARKS.sub("", name.lower()) for name in more))

    def may_name_a_secret(lowered: str) -> bool:
        # Of the marks that a key may have in a text, all are ASCII.
        raw = lowered.encode("utf-8", "surrogatepass").translate(None, _ASCII_MARKS)
        plain = raw.decode("utf-8", "surrogatepass")
        for word in words:  # noqa: SIM110 - a generator takes twice as long
            if word in plain:
                return True
        return False

    return may_name_a_secret
