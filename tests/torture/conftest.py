"""One zygote and one torturer for the tests of a worker; what they start is new for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.torture.stage import Stage
from support.torture.torturer import Torturer
from support.torture.zygote import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote.start() as zygote:
        yield zygote


@pytest.fixture
def stage(tmp_path: Path, zygote: Zygote) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", zygote) as stage:
        yield stage


@pytest.fixture(scope="session")
def torturer(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Torturer:
    """Shared as well: preparing every scene and counting its calls takes some seconds."""
    return Torturer(tmp_path_factory.mktemp("torture"), zygote)
