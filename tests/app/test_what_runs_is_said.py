"""`startup_config_loaded` names version and commit; without git it goes without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tradebot.build_info import describe_commit


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, timeout=30)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one", encoding="utf-8")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_a_clean_clone(clone: Path) -> None:
    commit, changed = describe_commit(clone)
    assert commit is not None
    assert len(commit) == 12
    assert changed is False


def test_a_changed_clone(clone: Path) -> None:
    (clone / "file").write_text("two", encoding="utf-8")
    assert describe_commit(clone)[1] is True


def test_no_clone_no_git_or_a_broken_one(
    clone: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = (None, None)
    assert describe_commit(None) == nothing
    assert describe_commit(tmp_path_factory.mktemp("elsewhere")) == nothing
    (clone / ".git" / "HEAD").write_text("rubbish", encoding="utf-8")
    assert describe_commit(clone) == nothing
    monkeypatch.setenv("PATH", "")
    assert describe_commit(clone) == nothing
