"""What the tests of the commands share."""

from __future__ import annotations

import pytest

from support.bench import Bench
from support.orders_desk import Person


@pytest.fixture
def person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Person:
    return Person(bench, monkeypatch)
