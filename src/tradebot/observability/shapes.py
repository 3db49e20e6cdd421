"""Redaction by shape: what a secret looks like when nobody has registered it.

Each shape has a cheap test that most texts fail, and one expression that runs only after it. The
expressions are written so that no text makes them slow: possessive repeats, no nested ones.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

from tradebot.observability.harmless import made_of_words

HIDDEN = "***"

FIELD_RUN = 20
TEXT_RUN = 40
"""Length from which a run of token characters that is not made of words is taken for a key."""

_SENSITIVE = re.compile(
    "token|secret|authorization|bearer|refresh|password|passwd|passphrase|pwd|cookie|apikey|appkey"
    "|accesskey|credential|signature|privatekey|assertion|jwt|verifier|accountkey|clientkey"
    "|userkey|accountid|clientid|userid|session"
    # The broker's OrderNotPlaced and its like are no one-time passwords.
    "|otp(?!laced|ermitted|ossible|resent|rocessed|rimary|rovided)"
)
_SENSITIVE_WHOLE = frozenset(("code", "state", "pin", "sid"))
_STRIPPED = str.maketrans("", "", "_-. ")

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]++-----.*?(?:-----END [A-Z0-9 ]++-----|\Z)", re.DOTALL)
_SCHEME = re.compile(r"(?i)\b(bearer|basic)((?:\s|%20|\+)++)([^\s\"',;=:][^\s\"',;]*+)")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*+)*+")
_PROSE_AFTER_SCHEME = re.compile(
    "tokens?|auth|authentication|authorization|realm|scheme|error|headers?|is|was|not|missing"
    "|required|credentials|information|info|access|and|or|for"
)
_KEY = re.compile(
    r"(?P<quote>\\*+[\"'])?(?<![\w.\-])(?P<key>[\w.\-]++)(?P<close>(?(quote)(?P=quote)))"
    r"(?:\s*+(?P<separator>=>|[=:,]|%3[AaDd])\s*+|(?P<space>\s++))"
)
_OPENING_QUOTE = re.compile(r"[bBrRuU]{0,2}(\\*+[\"'])")
_JSON_LITERAL = re.compile(r"(?:-?[0-9][0-9.eE+-]*+|true|false|null|True|False|None)(?=\s*[,}\])])")
_UNQUOTED = re.compile(r"(?:[^\s&%]|[^\S\r\n](?![\w.\-]++=)|%(?!26))*+")
_REST_OF_LINE = re.compile(r"[^\r\n]*+")
_USERINFO = re.compile(r"(?<=://)[^\s/?#@\"'<>]++(?:@[^\s/?#@\"'<>]++)*?@")
_QUERY = re.compile(r"([?&#;])([^\s?&#=\"'<>]{1,64})=([^\s&#\"'<>]*+)")
_BASE64_KEY = re.compile(r"[A-Za-z0-9+/_|-]{16,}+(?:={1,2}|(?:%3[Dd]){1,2})(?![A-Za-z0-9])")
_GUID = re.compile(
    r"(?:(?<![\w.])([\w.]++)=)?[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
)
_DOUBTFUL_RUN = re.compile(r"[A-Za-z0-9+/=_.~|%-]{8,}")
_FIELD_RUN = re.compile(rf"[A-Za-z0-9+/=_.~|%:\-]{{{FIELD_RUN},}}")
_TEXT_RUN = re.compile(rf"[A-Za-z0-9+/=_.~|%:\-]{{{TEXT_RUN},}}")
_SEGMENT = re.compile(r"[^/]+")


@functools.lru_cache(maxsize=4096)
def sensitive_key(key: str) -> bool:
    """Does a key's name say that its value is a secret or an account's identity?"""
    plain = key.lower().translate(_STRIPPED)
    return plain in _SENSITIVE_WHOLE or _SENSITIVE.search(plain) is not None


def mask(text: str) -> str:
    """First three and last two characters from a length of twelve, padding apart; else `***`."""
    core = text.rstrip("=")
    return f"{core[:3]}{HIDDEN}{core[-2:]}" if len(core) >= 12 else HIDDEN


class Shapes:
    """The rules by shape.

    `is_sensitive` judges the key of a pair found in a text, `is_declared` whether a text is what
    that key was declared to hold; `harmless` are patterns of references that only look random.
    """

    def __init__(
        self,
        is_sensitive: Callable[[str], bool] = sensitive_key,
        is_declared: Callable[[str, str], bool] = lambda key, text: False,
        harmless: Iterable[str] = (),
    ) -> None:
        self._is_sensitive = is_sensitive
        self._is_declared = is_declared
        patterns = "|".join(f"(?:{pattern})" for pattern in harmless)
        self._harmless = re.compile(patterns) if patterns else None

    def hide_in_text(self, text: str) -> str:
        """Free text: pairs, headers, URLs, keys, and runs of 40 characters that are not words."""
        return self._hide(text, _TEXT_RUN, TEXT_RUN)

    def hide_in_field(self, text: str) -> str:
        """A string nobody declared: stricter, and masks what is merely in doubt."""
        text = self._hide(text, _FIELD_RUN, FIELD_RUN)
        return _DOUBTFUL_RUN.sub(self._mask_if_doubtful, text)

    def hide_in_url_path(self, path: str) -> str:
        """The path alone, without query and fragment; segments that may be keys are masked."""
        path = re.split(r"[?#]", path, maxsplit=1)[0]
        path = path[path.find("/", path.find("://") + 3) :] if "://" in path else path
        return _SEGMENT.sub(self._mask_segment, path)

    def _hide(self, text: str, run: re.Pattern[str], limit: int) -> str:
        lowered = text.lower()
        if "-----begin" in lowered:
            text = _PEM.sub(HIDDEN, text)
        if "eyj" in lowered:
            text = _JWT.sub(HIDDEN, text)
        if (
            "=" in text
            or ":" in text
            or "--" in text
            or "%3" in text
            or "'," in text
            or '",' in text
        ):
            text = self._hide_pairs(text)
        if "bearer" in lowered or "basic" in lowered:
            text = _SCHEME.sub(_hide_after_scheme, text)
        if "://" in text:
            text = _USERINFO.sub(f"{HIDDEN}@", text)
        if "=" in text:
            text = _QUERY.sub(self._hide_query_value, text)
        if len(text) >= 16 and ("=" in text or "%3" in text):
            text = _BASE64_KEY.sub(_mask_base64_key, text)
        if text.count("-") >= 4:
            text = _GUID.sub(self._hide_guid, text)
        if len(text) >= limit:
            text = run.sub(self._hide_unless_words, text)
        return text

    def _hide_pairs(self, text: str) -> str:
        done: list[str] = []
        position = 0
        for found in _KEY.finditer(text):
            if found.start() < position or not self._opens_a_value(found):
                continue
            end, closing = _value_end(text, found)
            if end > found.end():
                done += (text[position : found.end()], closing[0], HIDDEN, closing[1])
                position = end
        done.append(text[position:])
        return "".join(done)

    def _opens_a_value(self, found: re.Match[str]) -> bool:
        key = found["key"]
        if found["space"] is not None:
            # `--password hunter2`: an option of a command line
            if not key.startswith("--"):
                return False
        elif found["separator"] == "," and found["quote"] is None:
            return False
        return self._is_sensitive(key)

    def _hide_query_value(self, found: re.Match[str]) -> str:
        mark, key, value = found.groups()
        if self._is_sensitive(key) or not made_of_words(value):
            return f"{mark}{key}={HIDDEN}"
        return found[0]

    def _hide_guid(self, found: re.Match[str]) -> str:
        key = found[1]
        if key is None:
            return HIDDEN
        guid = found[0][len(key) + 1 :]
        return found[0] if self._is_declared(key, guid) else f"{key}={HIDDEN}"

    def _hide_unless_words(self, found: re.Match[str]) -> str:
        return found[0] if self._is_harmless(found[0]) else HIDDEN

    def _mask_if_doubtful(self, found: re.Match[str]) -> str:
        run = found[0]
        if HIDDEN in run or self._is_harmless(run):
            return run
        return mask(run)

    def _mask_segment(self, found: re.Match[str]) -> str:
        segment = found[0]
        return segment if HIDDEN in segment or self._is_harmless(segment) else mask(segment)

    def _is_harmless(self, run: str) -> bool:
        if made_of_words(run) or self._is_declared(*run.partition("=")[::2]):
            return True
        if self._harmless is None:
            return False
        without = self._harmless.sub("", run)
        return without != run and made_of_words(without)


def _mask_base64_key(found: re.Match[str]) -> str:
    """The alphabet has a slash in it: the words of a path before the key stay."""
    kept, rest = "", found[0]
    while "/" in rest:
        first, _, more = rest.partition("/")
        if not made_of_words(first):
            break
        kept, rest = f"{kept}{first}/", more
    return kept + mask(rest.replace("%3D", "=").replace("%3d", "="))


def _hide_after_scheme(found: re.Match[str]) -> str:
    if _PROSE_AFTER_SCHEME.fullmatch(found[3].lower().rstrip(".:")):
        return found[0]
    return f"{found[1]}{found[2]}{HIDDEN}"


def _value_end(text: str, found: re.Match[str]) -> tuple[int, tuple[str, str]]:
    """Where the value behind a sensitive key ends, and the quotes to keep around the mask."""
    begin = found.end()
    opening = _OPENING_QUOTE.match(text, begin)
    if opening is not None:
        mark = opening[1]
        close = re.compile(r"(?<!\\)" + re.escape(mark)).search(text, opening.end())
        return (len(text), (opening[0], "")) if close is None else (close.end(), (opening[0], mark))
    if found["quote"] is not None:
        literal = _JSON_LITERAL.match(text, begin)
        if literal is not None:
            return literal.end(), ("", "")
    plain = found["key"].lower()
    whole_line = "cookie" in plain or "authorization" in plain
    end = (_REST_OF_LINE if whole_line else _UNQUOTED).match(text, begin)
    assert end is not None  # noqa: S101 - both expressions match the empty string
    return end.end(), ("", "")
