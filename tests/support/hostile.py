"""The nastiest things a program may log: texts, keys and values, as hypothesis strategies."""

from __future__ import annotations

import enum
import string
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

from hypothesis import strategies as st

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
SEPARATORS = ["\u2028", "\u2029", "\x85", "\r\n", "\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]
INVISIBLE = [
    "\ufeff", "\u200b", "\u00ad", "\u00a0", "\u3000", "\u202a", "\u202b", "\u202c", "\u202d",
    "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\U000e0001", "\ue000", "\uffff",
    "\U0010ffff",
]  # fmt: skip
SURROGATES = ["\ud800", "\udbff", "\udc00", "\udfff", "\ud83d\ude00"]
GRAMMAR = [
    "|", " | ", "=", '"', "\\", '\\"', "\\u0041", "\\n", " ", "  ", "null", "true", "false", "-",
    "a=b", "'", "{}", "%s", "{0}", "#", "$(x)", "`", "<", ">", "&",
    "\\x41", "\\u12", "\\ud83d", "\\ude00",
    "\n2025-12-17T07:12:03.214Z | FATAL | a | cycle_end | exit_code=0\n", '" exit_code="0',
]  # fmt: skip
ORDINARY = ["word", "é", "中文", "📉", "1", "1.5", "a b"]

pieces = st.sampled_from(CONTROLS + SEPARATORS + INVISIBLE + SURROGATES + GRAMMAR + ORDINARY)
texts = st.one_of(st.lists(pieces, max_size=8).map("".join), st.text())
"""Any text, lone surrogates included."""

encodable = texts.map(lambda text: text.encode("utf-8", "replace").decode("utf-8"))

_LETTERS = string.ascii_letters + "_"
valid_keys = st.builds(
    str.__add__,
    st.sampled_from(_LETTERS),
    st.text(_LETTERS + string.digits + ".", max_size=63),
)

SIX_ALIKE = ["run_id", "run-id", "cycle id", "DRY_RUN", "env", "env ", "strategy", "strategy\n"]
SPECIAL = ["msg", "exc_type", "stack", "truncated", "schema_error", "event", "fields", "name"]
odd_keys = st.one_of(
    texts,
    st.sampled_from(
        [*SIX_ALIKE, *SPECIAL, "", " ", "a b", "a-b", "a_b", "a.b", "9", "é", "k" * 1000]
    ),
)
"""Whatever may be a keyword's name: empty, long, like the six, equal to another when rewritten."""


class Word(enum.Enum):
    PLAIN = "plain"
    TORN = "a\nb | c"
    NOTHING = None


class Number(enum.IntEnum):
    THREE = 3


class Option(enum.Flag):
    LEFT = 1
    RIGHT = 2


class Text(enum.StrEnum):
    QUOTED = 'say "no"'


class LyingFloat(float):
    def __str__(self) -> str:
        return "1\n2"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


KNOWN_FORMS: list[tuple[object, str]] = [
    (True, "true"),
    (0, "0"),
    (-(2**63), "-9223372036854775808"),
    (1.5, "1.5"),
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
    (Decimal("NaN"), "NaN"),
    (Decimal("sNaN"), "sNaN"),
    (Decimal("1E+400"), "1E+400"),
    (Decimal("-0.00"), "-0.00"),
    (datetime(2025, 12, 17, 7, 12, 3), "2025-12-17T07:12:03"),  # noqa: DTZ001 - naive is meant
    (datetime(2025, 12, 17, 7, 12, 3, 214567, tzinfo=UTC), "2025-12-17T07:12:03.214Z"),
    (datetime(2025, 12, 17, 8, 0, tzinfo=timezone(timedelta(hours=1))), "2025-12-17T07:00:00Z"),
    (date(2025, 12, 17), "2025-12-17"),
    (time(7, 12), "07:12:00"),
    (timedelta(days=1, milliseconds=500), "86400.5"),
    (Word.PLAIN, "plain"),
    (Word.TORN, "a\nb | c"),
    (Number.THREE, "3"),
    (Option.LEFT | Option.RIGHT, "3"),
    (Text.QUOTED, 'say "no"'),
    (b"ab\xff\n", "ab\ufffd\n"),
    (bytearray(b"cd"), "cd"),
    (1 + 2j, "(1+2j)"),
    ([1, None, True, "a b"], '[1,null,true,"a b"]'),
    ({"a": {"b": [1.5]}}, '{"a":{"b":[1.5]}}'),
    (Broken(), "<redaction-failed>"),
    (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "<redaction-failed>"),
]
"""A value and how it reads in the log."""

values = st.one_of(
    texts,
    st.sampled_from([value for value, _ in KNOWN_FORMS] + [LyingFloat(1), None, ""]),
    st.integers(-(10**4000), 10**4000),
    st.floats(),
    st.decimals(),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.timedeltas(),
    st.binary(max_size=40),
    st.lists(texts, max_size=3),
    st.dictionaries(texts, texts, max_size=3),
)
