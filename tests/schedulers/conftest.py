"""Real schedulers, each on a machine of the test's own (`make test-schedulers`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.real_systemd import Machine, machine


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Machine]:
    """A machine with systemd. Skips the test where none can be made."""
    folder = tmp_path / "machine"
    folder.mkdir()
    with machine(folder) as running:
        yield running
