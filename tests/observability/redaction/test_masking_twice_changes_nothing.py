"""Masked text is left alone by masking: what the log shows can be checked with the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.ordinary_values import ordinary
from support.secret_corpus import planted
from tradebot.observability import mask_sensitive
from tradebot.observability.redaction import current, use_catalogue
from tradebot.vocabulary import CATALOGUE

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

KEYS = (
    "msg", "stack", "response_snippet", "holder", "http_url_path", "order_id", "error_code",
    "account_key", "remark", "access_token", "host", "symbol", "external_reference",
)  # fmt: skip
PIECES = (
    "token", "access_token", "code", "cookie", "authorization", "a", "word", "Stock:211", "1234",
    "=", ":", ": ", ",", "&", "?", "#", "/", "\\", "\\/", "://", "@", "--", "-", "%3D", "%26",
    "%22", "%20", "+", '"', "'", '\\"', '\\\\\\"', "(", ")", "[", "]", "{", "}", " ", "\n",
    "\r\n ", "Bearer ", "basic ", "eyJhbGciOi.x.y", "-----BEGIN X KEY-----", "-----END X KEY-----",
    "Cf4xZWiYL6W1nMKpygBLLA==", "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a", "***", "Zx81kQp0vLm2Rt7",
    "ATB-20170306-0000-ABCDEFGHIJ", "2026-11-22T17:00:00Z", "101.25", "b'", "null", "=>", "é", "*",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _vocabulary() -> Iterator[None]:
    before = current().catalogue
    use_catalogue(CATALOGUE)
    yield
    use_catalogue(before)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(KEYS))
@settings(max_examples=500)
def test_of_any_mixture(text: str, key: str) -> None:
    masked = mask_sensitive(text, key)
    assert mask_sensitive(masked, key) == masked


@given(st.text(max_size=60), st.sampled_from(KEYS))
def test_of_any_text(text: str, key: str) -> None:
    masked = mask_sensitive(text, key)
    assert mask_sensitive(masked, key) == masked


def test_of_planted_secrets_and_of_ordinary_values() -> None:
    texts = [(key, text) for key, text in ordinary(rounds=5)]
    for case in planted("twice"):
        texts.append(("msg", case.message))
        texts += [(key, mask_sensitive(value, key)) for key, value in case.fields.items()]
    changed = {}
    for key, text in texts:
        masked = mask_sensitive(text, key)
        if mask_sensitive(masked, key) != masked:
            changed[key, text] = mask_sensitive(masked, key)
    assert len(texts) > 2_000
    assert not changed


def test_of_numbers_that_are_written_as_they_are() -> None:
    random = Random(7)
    for _ in range(500):
        for number in (random.uniform(-1, 1) * 10 ** random.randrange(-20, 20), random.random()):
            assert mask_sensitive(mask_sensitive(number, "remark"), "remark") == str(number)
