"""What is remembered or proven by type gives the same line as working everything out anew."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.model import Action
from tradebot.observability.assembly import Assembler
from tradebot.observability.line import parse, quote
from tradebot.observability.redaction import SECRETS, Redactor
from tradebot.observability.schema import CORRELATION
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.fields import FIELDS

SECRET = "Sx7_kd93/aQ1+zz"
REDACTOR = Redactor(CATALOGUE, SECRETS)
FAST = Assembler(REDACTOR)

names = st.sampled_from(
    [field.name.replace("*", "session") for field in FIELDS if field.name not in CORRELATION]
    + ["note", "access_token", "client-key", "amount", "Étage", "x" * 70]
)
texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "Stock:211", "ATB-20170306-0000-ABCDEFGHIJ", "MSFT:xnas", "/trade/v2/orders", "POST",
            "true", "null", "filled", SECRET, f"a {SECRET} b", "token=abc def", "12345678",
            "Cf4xZWiYL6W1nMKpygBLLA==", "5c1d0f2e-7a64-4b8e-9f5d-2f1f0e6d3b9a", "",
        ]
    ),
)  # fmt: skip
values = st.one_of(
    texts,
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(),
    st.sampled_from([Action.BUY, Decimal("1.50"), dt.date(2017, 3, 6), b"bytes", (1, "a")]),
    st.fixed_dictionaries({"a": st.integers()}),
)  # fmt: skip
records = st.dictionaries(names, values, max_size=8)


def slowly(fields: dict[str, object]) -> dict[str, str]:
    """Each value by itself through the whole redaction, with nothing remembered."""
    fresh = Redactor(CATALOGUE, SECRETS)
    found = {}
    for key, value in fields.items():
        text = fresh.field(key, value)
        if text:
            literal = isinstance(value, bool) and text in ("true", "false")
            found[key] = text if literal else quote(text)
    return found


@given(st.lists(records, max_size=4))
@settings(max_examples=300)
def test_fast_is_slow(many: list[dict[str, object]]) -> None:
    SECRETS.register(SECRET)
    for fields in [*many, *many]:
        fast = {key: pair.partition("=")[2] for key, pair in FAST.pairs(fields).items()}
        assert fast == slowly(fields)


@given(records)
def test_every_line_parses_and_holds_each_field_once(fields: dict[str, object]) -> None:
    pairs = Assembler(REDACTOR).pairs(fields)
    order = FAST.layout("log_message", pairs).order
    line = FAST.line(0.0, 20, "a", "log_message", FAST.correlation({}), pairs, order)

    assert line.count("\n") == 1
    parsed = parse(line)
    assert len(parsed.fields) == len(CORRELATION) + len(pairs)
