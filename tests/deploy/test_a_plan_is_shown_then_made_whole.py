"""What changes is shown first; then all of it happens, or none."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tradebot.deploy.plan import Command, Plan, TextChange, call
from tradebot.errors import StorageError

PYTHON = sys.executable


def saying(text: str, code: int = 0) -> Command:
    return Command((PYTHON, "-c", f"import sys; print({text!r}); sys.exit({code})"))


def test_it_shows_a_diff_and_the_commands(tmp_path: Path) -> None:
    path = tmp_path / "x.timer"
    plan = Plan((TextChange(str(path), "a\nb\n", "a\nc\n", path),), (Command(("true", "a b")),))
    assert list(plan.show()) == [
        f"--- {path}",
        f"+++ {path}",
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+c",
        "$ true 'a b'",
    ]


def test_what_is_as_it_should_be_is_an_empty_plan(tmp_path: Path) -> None:
    assert Plan((TextChange("x", "same", "same", tmp_path / "x"),)).is_empty
    assert not Plan((TextChange("x", None, "", tmp_path / "x"),)).is_empty
    assert not Plan(commands=(Command(("true",)),)).is_empty


def test_files_are_written_with_their_mode_and_removed(tmp_path: Path) -> None:
    new, old = tmp_path / "folder" / "new", tmp_path / "old"
    old.write_text("gone soon")
    plan = Plan(
        (
            TextChange("new", None, "text\n", new, mode=0o600),
            TextChange("old", "gone soon", None, old),
        ),
        (saying("done"),),
    )
    assert plan.apply() == ["done"]
    assert new.read_text() == "text\n"
    assert os.name == "nt" or stat.S_IMODE(new.stat().st_mode) == 0o600
    assert not old.exists()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["folder", "new"]


def test_when_a_command_fails_the_files_are_as_before(tmp_path: Path) -> None:
    changed, new, removed = (tmp_path / name for name in ("changed", "new", "removed"))
    changed.write_text("before")
    removed.write_text("kept")
    plan = Plan(
        (
            TextChange("changed", "before", "after", changed),
            TextChange("new", None, "new", new),
            TextChange("removed", "kept", None, removed),
        ),
        (saying("fine"), saying("no such unit", code=5)),
    )
    with pytest.raises(StorageError, match="no such unit; the files that were") as caught:
        plan.apply()
    assert "done already" in str(caught.value)
    assert str(plan.commands[0]) in str(caught.value)
    assert changed.read_text() == "before"
    assert removed.read_text() == "kept"
    assert not new.exists()


def test_a_command_that_may_fail_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x"
    command = Command((PYTHON, "-c", "import sys; sys.exit('not loaded')"), may_fail=True)
    assert Plan((TextChange("x", None, "x", path),), (command,)).apply() == ["not loaded"]
    assert path.exists()


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "unit"
    with pytest.raises(StorageError, match="cannot be written"):
        Plan((TextChange("unit", None, "x", path),)).apply()


def test_a_program_that_is_not_there_or_never_ends_is_an_answer() -> None:
    missing = call(["no-such-program-here"])
    assert missing.returncode == 127
    assert "no-such-program-here" in missing.stderr
    slow = call([PYTHON, "-c", "import time; time.sleep(60)"], timeout=0.2)
    assert slow.returncode == 124


def test_a_command_reads_what_it_is_given() -> None:
    echo = Command((PYTHON, "-c", "print(input())"), stdin="0 * * * *\n")
    assert Plan(commands=(echo,)).apply() == ["0 * * * *"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may be others")
def test_root_may_ask_as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOTS_OWN", "secret")
    assert "ROOTS_OWN" not in call(["env"], user="nobody").stdout
    assert "ROOTS_OWN" in call(["env"]).stdout
    assert call(["id", "-un"], user="nobody").stdout == "nobody\n"
    assert "nogroup" in call(["id", "-Gn"], user="nobody").stdout
    assert call(["id", "-un"], user="no-such-user-here").returncode == 127
