"""The price of redaction: of what this bot logs on ordinary days, hardly anything is masked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from support.ordinary_values import DECLARED, ordinary
from support.program import log_text, run_bot
from tradebot.observability import mask_sensitive
from tradebot.observability.line import parse
from tradebot.observability.redaction import current, use_catalogue
from tradebot.vocabulary import CATALOGUE

LIMIT = 0.005
"""The part of ordinary values that may be masked at most."""


@pytest.fixture(autouse=True)
def _vocabulary() -> Iterator[None]:
    before = current().catalogue
    use_catalogue(CATALOGUE)
    yield
    use_catalogue(before)


def test_at_most_one_in_two_hundred_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    values = list(ordinary())
    masked = [text for key, text in values if mask_sensitive(text, key) != text]
    with capsys.disabled():
        share = len(masked) / len(values)
        print(f"\n{len(masked)} of {len(values)} ordinary values masked: {share:.2%}")  # noqa: T201 - a figure to look at
    assert len(values) >= 3_000
    assert len(masked) <= LIMIT * len(values), sorted(set(masked))


def test_no_value_of_a_fields_declared_form_is_masked() -> None:
    random = Random("declared")
    for _ in range(50):
        for key, make in DECLARED.items():
            text = make(random)
            assert mask_sensitive(text, key) == text


def test_a_real_run_shows_its_values_and_hides_only_its_keys(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "--single-cycle", SAXO_ENV="LOCAL")
    assert done.returncode == 0, done.stderr

    lines = [parse(line) for line in log_text(tmp_path).splitlines()]
    values = [(key, text) for line in lines for key, text in line.fields.items()]
    assert len(values) > 300
    assert [(key, text) for key, text in values if mask_sensitive(text, key) != text] == []
    assert {key for key, text in values if "***" in text} <= {"account_key", "client_key"}
