"""Redaction by shape: what a secret looks like when nobody has registered it.

Each shape has a cheap test that most texts fail, and one expression that runs only after it. The
expressions are written so that no text makes them slow: atomic groups and possessive repeats. A
group is never repeated possessively: Python before 3.11.5 matches that wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tradebot.observability.harmless import made_of_words
from tradebot.observability.sensitive_names import search_for_names, sensitive_key

HIDDEN = "***"

FIELD_RUN = 20
TEXT_RUN = 40
"""Length from which a run of token characters that is not made of words is taken for a key."""

_PEM = re.compile(
    r"-----BEGIN(?>(?:[A-Z0-9 +]|%20)+)-----.*?(?:-----END(?>(?:[A-Z0-9 +]|%20)+)-----|\Z)",
    re.DOTALL,
)
_SCHEME = re.compile(
    r"(?i)(?:\b|(?<=\\[nrt]))(bearer|basic)"
    r"((?>(?:(?>(?:\s|%20|\+)+)(?:bearer|basic)\b){0,3})(?>(?:\s|%20|\+)+))"
    r"([^\s\"',;=:][^\s\"',;]*+)"
)
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?>(?:\.[A-Za-z0-9_-]*+)*)")
_PROSE_AFTER_SCHEME = re.compile(
    "tokens?|auth|authentication|authorization|realm|scheme|error|headers?|is|was|not|missing"
    "|required|credentials|information|info|access|and|or|for"
)
_KEY = re.compile(
    # `"access token": …`, `headers['Cookie'] = …`, `%22code%22%3A…`
    r"(?:(?P<quote>(?<!\\)\\*+[\"']|%2[27])"
    r"(?P<inside>[\w.\-]++(?>(?: [\w.\-]++){0,8}))(?P=quote)(?>(?:\s*+\])?)"
    # the n of an escaped newline is not part of a key, that of `C:\new` is
    r"|(?<![\w.\-])(?>(?P<escape>(?<=\\)[nrt])?)(?P<plain>[\w.\-]++))"
    r"(?:\s*+(?>(?:%20|\+){0,4})(?P<separator>=>|[=:,：＝]|%3[AaDd])\s*+(?>(?:%20|\+){0,4})"
    r"|(?P<space>\s++))"
)
_OPENING_QUOTE = re.compile(
    # Three of them are one, and so are two that are not an empty string.
    r"[bBrRuU]{0,2}((\\*+[\"']|%2[27])(?>(?:\2\2|\2(?=[^\s\\\"',;.&|%)\]}]))?))"
)
_OPENING_BRACKETS = frozenset("[{(")
_CLOSING_BRACKETS = frozenset("]})")
_BRACKET = re.compile(r"(?<!\\)\\*+[\"']|[\[\](){}]")
_JSON_LITERAL = re.compile(
    r"(?:-?[0-9][0-9.eE+-]*+|\*\*\*|true|false|null|True|False|None)(?=\s*[,}\])])"
)
_WHOLE_LINE = re.compile("(?i)cookie|authorization")
_UNQUOTED = re.compile(r"(?>(?:[^\s&]|[^\S\r\n](?![\w.\-]++=))*)")
_UNQUOTED_ENCODED = re.compile(r"(?>(?:[^\s&%]|[^\S\r\n](?![\w.\-]++=)|%(?!26))*)")
_REST_OF_LINE = re.compile(r"[^\r\n]*+(?>(?:\r\n[ \t][^\r\n]*+)*)")
_USERINFO = re.compile(r"(:\\*+/\\*+/)[^\s/?#@\"'<>]++(?:@[^\s/?#@\"'<>]++)*?@")
_QUERY = re.compile(r"([?&#;])([^\s?&#=\"'<>]{1,64})=([^\s&#\"'<>]*+)")
_BASE64_KEY = re.compile(
    # From the beginning of a run on, or after an encoded `=`, `:`, `?`, `&`, quote or space.
    r"(?:(?<![A-Za-z0-9+/_|%-])|(?<=%3[DdAaFf])|(?<=%2[6207]))"
    r"(?>(?:[A-Za-z0-9+/_|-]|%2[BbFf]|%7[Cc]){16,})(?:={1,2}|(?:%3[Dd]){1,2})(?![A-Za-z0-9])"
)
_PADDING = re.compile(r"=(?<=[A-Za-z0-9+/_|%-]{16}=)=?(?![A-Za-z0-9])|%3[Dd]")
_GUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_KEY_BEFORE = re.compile(r"(?<![\w.])([\w.]++)=\Z")
_LONGEST_KEY = 80
# Tried at the beginning of a run alone: where a run is too short, its rest is, too.
_DOUBTFUL_RUN = re.compile(r"(?<![A-Za-z0-9+/=_.~|%-])[A-Za-z0-9+/=_.~|%-]{8,}+")
_RUN = r"(?<![A-Za-z0-9+/=_.~|%:\-])[A-Za-z0-9+/=_.~|%:\-]"
_FIELD_RUN = re.compile(rf"{_RUN}{{{FIELD_RUN},}}+")
_TEXT_RUN = re.compile(rf"{_RUN}{{{TEXT_RUN},}}+")
_SHORTEST_KEY = 18
_ROUNDS = 5
_SCHEME_AND_HOST = re.compile(r"^[^/]*+(?<=:)//[^/]*+")
_SEGMENT = re.compile(r"[^/]+")
_PREFIX_WORD = re.compile(r"(?:[a-z]{2,24}|[A-Z][a-z]{4,23}|v?[0-9]{1,20})?")
_PATH_WORD = re.compile(r"[a-z]{0,24}(?:[A-Z][a-z]{2,24}){0,6}|v?[0-9]{1,20}")


def mask(text: str) -> str:
    """First three and last two characters from a length of twelve, padding apart; else `***`."""
    core = text.rstrip("=")
    return f"{core[:3]}{HIDDEN}{core[-2:]}" if len(core) >= 12 else HIDDEN


class Shapes:
    """The rules by shape.

    `is_sensitive` judges the key of a pair found in a text, `is_declared` whether a text is what
    that key was declared to hold; `harmless` are patterns of references that only look random;
    `names` are all names that `is_sensitive` knows besides those of `sensitive_key`.
    """

    def __init__(
        self,
        is_sensitive: Callable[[str], bool] = sensitive_key,
        is_declared: Callable[[str, str], bool] = lambda key, text: False,
        harmless: Iterable[str] = (),
        names: Iterable[str] = (),
    ) -> None:
        self._is_sensitive = is_sensitive
        self._may_name_a_secret = search_for_names(names)
        self._is_declared = is_declared
        patterns = "|".join(f"(?:{pattern})" for pattern in harmless)
        self._harmless = re.compile(patterns) if patterns else None

    def hide_in_text(self, text: str) -> str:
        """Free text: pairs, headers, URLs, keys, and runs of 40 characters that are not words."""
        return _until_nothing_changes(self._text, text)

    def hide_in_field(self, text: str) -> str:
        """A string nobody declared: stricter, and masks what is merely in doubt."""
        return _until_nothing_changes(self._field, text)

    def hide_in_url_path(self, path: str) -> str:
        """The path alone, without query and fragment; segments that may be keys are masked."""
        path = re.split(r"[?#]", path, maxsplit=1)[0]
        path = _SCHEME_AND_HOST.sub("", path)
        return _until_nothing_changes(self._url_path, path)

    def _text(self, text: str) -> str:
        return self._hide(text, _TEXT_RUN, TEXT_RUN)

    def _field(self, text: str) -> str:
        text = self._hide(text, _FIELD_RUN, FIELD_RUN)
        return _DOUBTFUL_RUN.sub(self._mask_if_doubtful, text)

    def _url_path(self, path: str) -> str:
        path = _USERINFO.sub(rf"\1{HIDDEN}@", path)
        masked = _SEGMENT.sub(self._mask_segment, _BASE64_KEY.sub(_mask_base64_key, path))
        if HIDDEN in masked:
            # A key with slashes in it makes several segments, and some of them are short.
            masked = _SEGMENT.sub(_mask_unless_word, masked)
        return self._hide_pairs(masked)

    def _hide(self, text: str, run: re.Pattern[str], limit: int) -> str:
        lowered = text.lower()
        if "-----begin" in lowered:
            text = _PEM.sub(HIDDEN, text)
        if "eyj" in lowered:
            text = _JWT.sub(HIDDEN, text)
        if self._may_name_a_secret(lowered):
            text = self._hide_pairs(text)
        if "bearer" in lowered or "basic" in lowered:
            text = _SCHEME.sub(_hide_after_scheme, text)
        if "://" in text or ":\\" in text:
            text = _USERINFO.sub(rf"\1{HIDDEN}@", text)
        if "=" in text:
            text = _QUERY.sub(self._hide_query_value, text)
        if len(text) >= 16 and _PADDING.search(text):
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
            if position == len(text) or not self._opens_a_value(found):
                continue
            if found.start() < position:
                # Inside what is hidden already, but its value may end later.
                if found.end() >= position or _OPENING_QUOTE.match(text, found.end()):
                    position = max(position, _value_end(text, found)[0])
                continue
            end, closing = _value_end(text, found)
            if end > found.end():
                done += (text[position : found.end()], closing[0], HIDDEN, closing[1])
                position = end
        done.append(text[position:])
        return "".join(done)

    def _opens_a_value(self, found: re.Match[str]) -> bool:
        key = found["inside"] or found["plain"]
        if found["space"] is not None:
            # `--password hunter2`: an option of a command line
            if not key.startswith("--"):
                return False
        elif found["separator"] == "," and found["quote"] is None:
            return False
        return self._is_sensitive(key) or (
            found["escape"] is not None and self._is_sensitive(found["escape"] + key)
        )

    def _hide_query_value(self, found: re.Match[str]) -> str:
        mark, key, value = found.groups()
        if self._is_sensitive(key) or not made_of_words(value):
            return f"{mark}{key}={HIDDEN}"
        return found[0]

    def _hide_guid(self, found: re.Match[str]) -> str:
        begin = found.start()
        key = _KEY_BEFORE.search(found.string, max(0, begin - _LONGEST_KEY), begin)
        return found[0] if key is not None and self._is_declared(key[1], found[0]) else HIDDEN

    def _hide_unless_words(self, found: re.Match[str]) -> str:
        return found[0] if self._is_harmless(found[0]) else HIDDEN

    def _mask_if_doubtful(self, found: re.Match[str]) -> str:
        run = found[0]
        if HIDDEN in run or self._is_harmless(run):
            return run
        return mask(run)

    def _mask_segment(self, found: re.Match[str]) -> str:
        segment = found[0]
        if self._is_harmless(segment.replace(HIDDEN, "")):
            return segment
        # With a known secret taken out, the rest of it is not shown either.
        return HIDDEN if HIDDEN in segment else mask(segment)

    def _is_harmless(self, run: str) -> bool:
        if made_of_words(run) or self._is_declared(*run.partition("=")[::2]):
            return True
        if self._harmless is None:
            return False
        without = self._harmless.sub("", run)
        return without != run and made_of_words(without)


def _until_nothing_changes(rule: Callable[[str], str], text: str) -> str:
    """What was hidden may have stood between a key and its value, or kept a shape from view."""
    for _ in range(_ROUNDS):
        before, text = text, rule(text)
        if text == before or HIDDEN not in text:
            break
    return text


def _mask_base64_key(found: re.Match[str]) -> str:
    """The alphabet has a slash in it: the words of a path before the key stay."""
    kept, rest = "", found[0]
    while "/" in rest:
        first, _, more = rest.partition("/")
        if not _PREFIX_WORD.fullmatch(first) or len(more) < _SHORTEST_KEY:
            break
        kept, rest = f"{kept}{first}/", more
    return kept + mask(rest.replace("%3D", "=").replace("%3d", "="))


def _mask_unless_word(found: re.Match[str]) -> str:
    segment = found[0]
    return segment if HIDDEN in segment or _PATH_WORD.fullmatch(segment) else mask(segment)


def _hide_after_scheme(found: re.Match[str]) -> str:
    if _PROSE_AFTER_SCHEME.fullmatch(found[3].lower().rstrip(".:")):
        return found[0]
    return f"{found[1]}{found[2]}{HIDDEN}"


def _value_end(text: str, found: re.Match[str]) -> tuple[int, tuple[str, str]]:
    """Where the value behind a sensitive key ends, and the quotes to keep around the mask."""
    begin = found.end()
    opening = _OPENING_QUOTE.match(text, begin)
    if opening is not None:
        end = _closed(text, opening[1], opening.end())
        return (len(text), (opening[0], "")) if end is None else (end, (opening[0], opening[1]))
    bracket = _bracket_end(text, begin) if text[begin : begin + 1] in _OPENING_BRACKETS else begin
    if found["quote"] is not None:
        literal = _JSON_LITERAL.match(text, begin)
        if literal is not None or bracket > begin:
            return literal.end() if literal is not None else bracket, ("", "")
    rest = _bare_value(found).match(text, begin)
    assert rest is not None  # noqa: S101 - every one of them matches the empty string
    return max(rest.end(), bracket), ("", "")


def _bare_value(found: re.Match[str]) -> re.Pattern[str]:
    """How far a value goes that nothing encloses."""
    if _WHOLE_LINE.search(found["inside"] or found["plain"]):
        return _REST_OF_LINE
    # An `&` that is encoded ends a pair that is encoded.
    encoded = (found["separator"] or "").startswith("%")
    return _UNQUOTED_ENCODED if encoded else _UNQUOTED


def _closed(text: str, mark: str, begin: int) -> int | None:
    """The end of a string that `mark` opened before `begin`; None when it stays open."""
    escape = r"(?<!%5[Cc])" if mark.startswith("%") else r"(?<!\\)"
    close = re.compile(escape + re.escape(mark)).search(text, begin)
    return None if close is None else close.end()


def _bracket_end(text: str, begin: int) -> int:
    """The end of the list, dict or tuple that opens at `begin`: over several lines, too."""
    depth = 0
    while (found := _BRACKET.search(text, begin)) is not None:
        begin = found.end()
        if found[0] in _OPENING_BRACKETS:
            depth += 1
        elif found[0] in _CLOSING_BRACKETS:
            depth -= 1
            if not depth:
                return begin
        else:
            end = _closed(text, found[0], begin)
            if end is None:
                break
            begin = end
    return len(text)
