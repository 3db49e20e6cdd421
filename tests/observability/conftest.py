"""A log in a temporary folder, read back line by line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradebot.observability import Session, build_log_context, setup_logging
from tradebot.observability.line import LogLine, parse
from tradebot.observability.redaction import SECRETS
from tradebot.vocabulary import CATALOGUE

RUN_ID = "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a"


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    SECRETS.forget_all()


@pytest.fixture(params=["direct", "through logging"])
def bare_root(request: pytest.FixtureRequest) -> str:
    """Each test runs twice: with pytest's handlers on the root logger, and with none."""
    return str(request.param)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """pytest attaches its handlers anew for each phase; `direct` tests run without them."""
    root = logging.getLogger()
    foreign = [one for one in root.handlers if type(one).__module__.startswith("_pytest")]
    if getattr(item, "funcargs", {}).get("bare_root") != "direct":
        foreign = []
    for handler in foreign:
        root.removeHandler(handler)
    yield
    for handler in foreign:
        root.addHandler(handler)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def session(folder: Path, bare_root: str) -> Iterator[Session]:
    """A strict session with the bot's own vocabulary and a quiet console."""
    context = build_log_context(
        RUN_ID, 42, dry_run=True, single_cycle=True, env="SIM", strategy="sma_cross/1.0"
    )
    with setup_logging(
        folder, context=context, catalogue=CATALOGUE, strict=True, console=False
    ) as running:
        yield running


@pytest.fixture
def lines(session: Session) -> Callable[[], list[LogLine]]:
    """Every line of the live file, parsed; fails when one does not parse."""
    path = session.path
    assert path is not None

    def read() -> list[LogLine]:
        text = path.read_bytes().decode("utf-8")
        assert text.endswith("\n") or not text
        return [parse(line) for line in text.split("\n")[:-1]]

    return read
