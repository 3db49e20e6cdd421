"""What is remembered or proven by type gives the same line as working everything out anew."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.model import Action
from tradebot.observability.assembly import Assembler
from tradebot.observability.carried import NOTHING, Carried
from tradebot.observability.line import parse, quote
from tradebot.observability.plans import Plan, Unusual
from tradebot.observability.recorder import Recorder
from tradebot.observability.redaction import SECRETS, Redactor
from tradebot.observability.schema import (
    CORE_FIELDS,
    CORRELATION,
    TEXT,
    Catalogue,
    Field,
    Treatment,
)
from tradebot.observability.secret_values import MIN_LENGTH, REMOVED, SecretValues, forms_of
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.fields import FIELDS

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

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


class Lines:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def write(self, data: bytes, when: float, *, droppable: bool, now: bool) -> bool:
        self.data.append(data)
        return True


class QuickRecorder(Recorder):
    """One that takes pytest's own handlers for its own."""

    def hears_alone(self, logger: logging.Logger) -> bool:
        return True


class SlowRecorder(QuickRecorder):
    """One without the quick way."""

    def _quickly(self, *_: object) -> tuple[Plan, str]:
        raise Unusual


def recorder(kind: type[Recorder]) -> tuple[Recorder, Lines]:
    sink = Lines()
    made = kind(
        Assembler(Redactor(CATALOGUE, SECRETS)),
        strict=False,
        file_level=logging.INFO,
        console_level=logging.INFO,
        now=lambda: 1_500_000_000.25,
    )
    made.connect(sink)
    return made, sink


Fields = dict[str, object]

events = st.sampled_from(
    ["execution_order_placed", "http_request", "log_message", "strategy_decision", "no_such_event"]
)
levels = st.sampled_from([None, None, "ERROR", logging.DEBUG, logging.WARNING, "nonsense"])
any_names = st.one_of(names, st.sampled_from(["run_id", "env", "slot", "msg"]))
fields = st.dictionaries(any_names, values, max_size=6)
calls = st.tuples(events, levels, st.one_of(st.just(""), texts), fields, fields, fields)


@given(st.lists(calls, max_size=4), records)
@settings(max_examples=200)
def test_the_quick_way_writes_the_lines_of_the_slow_one(
    made: list[tuple[str, int | str | None, str, Fields, Fields, Fields]], context: Fields
) -> None:
    SECRETS.register(SECRET)
    logger = logging.getLogger("tradebot.some.room")
    quick, quick_lines = recorder(QuickRecorder)
    slow, slow_lines = recorder(SlowRecorder)
    # Twice, so that the second time everything is remembered; a new context forgets.
    for values in (context, {**context, "slot": "2017-03-06T00:00:00Z"}):
        for one in (quick, slow):
            one.update_context({"env": "SIM", **values})
            for name, level, message, own, bound, given_fields in [*made, *made]:
                carried = Carried(own), Carried(bound)
                one.event(name, message, level, logger, None, *carried, {**given_fields})

    assert quick_lines.data == slow_lines.data


def test_the_quick_way_is_taken() -> None:
    quick, lines = recorder(QuickRecorder)
    quick._slow_event = None  # type: ignore[assignment, method-assign]
    logger = logging.getLogger("tradebot.some.room")

    for number in range(3):
        quick.event(
            "execution_order_placed", "", None, logger, None, NOTHING, NOTHING,
            {"order_id": str(number), "external_reference": "ATB-20170306-0000-ABCDEFGHIJ"},
        )  # fmt: skip

    assert len(lines.data) == 3


secrets = st.text(st.sampled_from('abcAB01+/= %é"'), min_size=MIN_LENGTH, max_size=24)


@given(st.lists(secrets, min_size=1, max_size=12), st.data())
def test_pieces_find_every_form(known: list[str], data: st.DataObject) -> None:
    values = SecretValues()
    for secret in known:
        values.register(secret)
    forms = sorted(
        {form for secret in known for form in forms_of(secret)}, key=lambda f: (-len(f), f)
    )
    parts = st.one_of(st.sampled_from(forms), st.text(st.sampled_from("abcAB01+/="), max_size=9))
    text = ""
    for part in data.draw(st.lists(parts, max_size=6)):
        # Secrets may share the character between them.
        text += part[1:] if text.endswith(part[:1]) else part

    covered = sorted(
        (at, at + len(form))
        for form in forms
        for at in range(len(text))
        if text.startswith(form, at)
    )
    spans: list[tuple[int, int]] = []
    for begin, end in covered:
        if spans and begin < spans[-1][1]:
            begin, end = spans[-1][0], max(end, spans.pop()[1])  # noqa: PLW2901
        spans.append((begin, end))
    expected = text
    for begin, end in reversed(spans):
        expected = expected[:begin] + REMOVED + expected[end:]
    assert values.remove(text) == expected


NAMES = ["token", "password", "account key", "code", "inner.mark", "jwt", "otp", "harmless"]
marks = st.sampled_from(["", "", "", "_", "-", "."])
spelled = st.sampled_from(NAMES).flatmap(
    lambda name: st.lists(marks, min_size=len(name), max_size=len(name)).map(
        lambda between: "".join(letter + mark for letter, mark in zip(name, between, strict=True))
    )
)
keys = st.one_of(st.just("inner.mark"), spelled, spelled.map(str.upper))
quotes = st.sampled_from(["", "'", '"', "%22", '\\"'])
pairs_of_text = st.builds(
    lambda before, quote, key, separator, value: (
        f"{before}{quote}{key}{quote}{separator}{quote}{value}{quote}"
    ),
    st.sampled_from(["", " ", "é ", "x ", "\\n", "?", "{", "--", "\ud800 "]),
    quotes,
    keys,
    st.sampled_from(["=", ": ", "%3D", "=>", " = ", " "]),
    st.sampled_from(["abc", "x1y2z3w4v5", "two words", "1", ""]),
)
pieces = st.lists(pairs_of_text, min_size=1, max_size=3).map(" ".join)


@given(pieces)
@settings(max_examples=500)
def test_a_text_without_a_sensitive_name_has_no_pair_to_hide(text: str) -> None:
    catalogue = Catalogue(
        fields=(*CORE_FIELDS, Field("inner.mark", TEXT, "of somebody's own", Treatment.SECRET))
    )
    gated, always = (Redactor(catalogue, SecretValues()) for _ in range(2))
    always._shapes._may_name_a_secret = lambda lowered: True

    for redact in (Redactor.text, lambda one, text: one.field("note", text)):
        assert redact(gated, text) == redact(always, text)
