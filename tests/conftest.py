"""A test sees no setting of the machine it runs on, and leaves nothing behind in a home folder."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

from support.bench import Bench
from support.run_scene import Scene, open_scene
from tradebot.settings.variables import VARIABLES

# These machines are shared: how long an example takes proves nothing.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def coverage_elsewhere() -> Iterator[Mapping[str, str]]:
    """What makes coverage follow into a process that a test starts; it is taken away.

    Measured, a process takes almost twice the time, and there are a thousand of them, most of
    which do the same. A module whose processes take ways that nothing else takes asks for
    `coverage_follows`.
    """
    names = [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]
    with pytest.MonkeyPatch.context() as patch:
        found = {name: os.environ[name] for name in names}
        for name in names:
            patch.delenv(name)
        yield found


@pytest.fixture
def coverage_follows(
    coverage_elsewhere: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes that this test starts are measured as well."""
    for name, value in coverage_elsewhere.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def coverage_looks_away(coverage_elsewhere: Mapping[str, str]) -> Iterator[None]:
    """For a module that does many thousand times what others do once: measured, it takes twice
    the time, and shows no line that they do not show."""
    measuring = "coverage" in sys.modules and sys.modules["coverage"].Coverage.current()
    if not measuring:
        yield
        return
    measuring.stop()
    yield
    with pytest.MonkeyPatch.context() as patch:  # each start patches anew what is patched already
        patch.setattr(os, "_exit", os._exit)
        measuring.start()
    for name in coverage_elsewhere:
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def state_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder at each `next`; pytest's own numbering reads all earlier ones each time."""
    folder = tmp_path_factory.mktemp("state-homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_environment(
    tmp_path_factory: pytest.TempPathFactory,
    state_homes: Iterator[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    for name in ("JOURNAL_STREAM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    state_home = next(state_homes)
    state_home.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(state_home))
    if "HOME" not in os.environ:
        monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A whole program, its broker and what they leave behind."""
    with open_scene(tmp_path) as scene:
        yield scene
