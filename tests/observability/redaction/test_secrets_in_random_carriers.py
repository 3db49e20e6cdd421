"""Carriers put into carriers at random: quoted, nested, surrounded, taken apart and joined."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.leak_search import LeakSearch
from support.secret_corpus import some_text
from support.secret_kinds import KINDS, draw
from tradebot.observability import mask_sensitive, register_secret
from tradebot.observability.redaction import SECRETS, current, use_catalogue
from tradebot.vocabulary import CATALOGUE

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps({"body": text, "Uic": 211}),
    lambda text: json.dumps([text, 1], indent=2, ensure_ascii=False),
    lambda text: repr({"answer": text}),
    lambda text: repr([("first", text)]),
    lambda text: f"Answer(status=400, body={text!r})",
)
NESTS: tuple[Callable[[object], object], ...] = (
    lambda value: [value],
    lambda value: ("first", value),
    lambda value: {"a": value},
    lambda value: {"Uic": 211, "rows": [{"b": value}]},
    lambda value: ValueError("refused", value),
    lambda value: str(value).encode(),
    lambda value: frozenset([str(value)]),
)
BEFORE = st.sampled_from(["", " ", "HTTP 400: ", "see (", " - ", "\n", "| ", "msg='", "session: "])
AFTER = st.sampled_from(["", " ", ") again", "\nnext line", "' retry=2", ", then", "; x=1"])
PLACES = st.sampled_from(["msg", "exc_msg", "stack", "holder", "remark", "order_id", "reason"])
SEEDS = st.integers(0, 10**6)


@pytest.fixture(autouse=True, scope="module")
def _vocabulary() -> Iterator[None]:
    before = current().catalogue
    use_catalogue(CATALOGUE)
    yield
    use_catalogue(before)


def found_in(parts: tuple[str, ...], output: str) -> dict[str, str]:
    return LeakSearch(("the secret", part) for part in parts).leaks(output)


@given(
    st.sampled_from(KINDS),
    SEEDS,
    st.lists(st.sampled_from(ESCAPES), max_size=3),
    st.lists(st.sampled_from(NESTS), max_size=3),
    BEFORE,
    AFTER,
    PLACES,
)
@settings(max_examples=300)
def test_a_secret_that_a_key_or_a_shape_gives_away(
    kind: str,
    seed: int,
    escapes: list[Callable[[str], str]],
    nests: list[Callable[[object], object]],
    before: str,
    after: str,
    place: str,
) -> None:
    random = Random(seed)
    secret = draw(kind, random)
    text = some_text(random, secret)
    for escape in escapes:
        text = escape(text)
    at = random.randrange(len(text))
    value: object = "%s%s%s%s" % (before, text[:at], text[at:], after)  # noqa: UP031 - as logging does
    for nest in nests:
        value = nest(value)
    assert not found_in(secret.parts, mask_sensitive(value, place))


@given(
    st.sampled_from(KINDS),
    SEEDS,
    st.sampled_from(["as it is", "escaped", "escaped twice", "URL", "base64", "base64url"]),
    st.lists(st.sampled_from(NESTS), max_size=3),
    st.text(max_size=12),
    st.text(max_size=12),
    PLACES,
)
@settings(max_examples=300)
def test_a_registered_secret(
    kind: str,
    seed: int,
    spelling: str,
    nests: list[Callable[[object], object]],
    before: str,
    after: str,
    place: str,
) -> None:
    random = Random(seed)
    secret = draw(kind, random)
    around = (before + secret.text + after).encode("utf-8", "replace")
    text = secret.text
    for _ in range({"escaped": 1, "escaped twice": 2}.get(spelling, 0)):
        text = random.choice(ESCAPES)(text)
    if spelling == "URL":
        text = urllib.parse.quote(text, safe=random.choice(("", "/", "!~*'()")))
    elif spelling.startswith("base64"):
        encode = base64.urlsafe_b64encode if spelling.endswith("url") else base64.b64encode
        text = encode(around).decode()
    value: object = f"{before}{text}{after}"
    # A nest may escape once more, and what has no quotes in it needs no escapes.
    for nest in nests[: {"as it is": 2, "escaped": 0, "escaped twice": 0}.get(spelling, 3)]:
        value = nest(value)
    register_secret(secret.text)
    try:
        assert not found_in(secret.parts, mask_sensitive(value, place))
    finally:
        SECRETS.forget_all()
