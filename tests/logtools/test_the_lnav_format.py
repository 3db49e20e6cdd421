"""The format for lnav is made from the vocabulary, and installed where lnav looks.

What lnav itself makes of it is tested in tests/readers.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from support.program import ROOT
from tradebot.logtools.linting.lint import lint
from tradebot.logtools.lnav import format as lnav_format
from tradebot.logtools.lnav.install import LnavFolderProblem, install, lnav_folder, uninstall
from tradebot.observability.schema import LEVEL_NAMES
from tradebot.vocabulary.fields import FIELDS

FORMAT = json.loads(lnav_format.format_file())[lnav_format.NAME]
INSTALLED = Path("formats", "installed", "tradebot_log.json")


def test_the_file_in_the_clone_is_the_format() -> None:
    written = ROOT / "contrib" / "lnav" / lnav_format.FILE_NAME
    assert written.read_text(encoding="utf-8") == lnav_format.format_file()


def test_check_tells_a_stale_file_and_write_makes_it_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tradebot_log.json"
    assert lnav_format.main(["--check", str(path)]) == 1
    assert lnav_format.main(["--write", str(path)]) == 0
    assert lnav_format.main(["--check", str(path)]) == 0
    assert capsys.readouterr().err.count(f"--write {path}") == 1
    path.write_text("{}", encoding="utf-8")
    assert lnav_format.main(["--check", str(path)]) == 1


def test_every_field_is_a_column_that_sql_takes() -> None:
    columns = list(FORMAT["value"])
    for field in FIELDS:
        name = field.name.replace("*", "session")
        assert lnav_format.column(name) in columns
    assert max(map(len, columns)) <= 32, "PCRE2 takes no longer name of a group"
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE log ({', '.join(columns)})")
    database.close()


def test_the_samples_are_lines_of_this_log_one_for_each_level() -> None:
    lines = [sample["line"] for sample in FORMAT["sample"]]
    report = lint(f"{line}\n" for line in lines)
    assert (report.lines, report.problems) == (5, 0), [str(found) for found in report.findings]
    assert [line.split()[2] for line in lines] == list(LEVEL_NAMES.values())


def test_only_keys_that_every_lnav_since_0_11_knows() -> None:
    """Newer ones have dropped module-field, older ones do not know duration-field."""
    assert set(FORMAT) == {
        "title", "description", "url", "regex", "timestamp-format", "level-field", "level",
        "opid-field", "body-field", "multiline", "value", "sample",
    }  # fmt: skip
    kinds = {key for value in FORMAT["value"].values() for key in value}
    assert kinds == {"kind", "description", "identifier", "foreign-key"}


def test_it_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})"
         "\nfrom tradebot.logtools.lnav import install as lnav_install"],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_folder_is_the_one_that_lnav_takes(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    assert lnav_folder(home, {}) == home / ".lnav"
    assert lnav_folder(home, {"XDG_CONFIG_HOME": str(other)}) == home / ".lnav"
    (home / ".config").mkdir()
    assert lnav_folder(home, {}) == home / ".config" / "lnav"
    other.mkdir()
    assert lnav_folder(home, {"XDG_CONFIG_HOME": str(other)}) == other / "lnav"
    assert lnav_folder(home, {"XDG_CONFIG_HOME": ""}) == home / ".config" / "lnav"
    (home / ".lnav").mkdir()
    assert lnav_folder(home, {"XDG_CONFIG_HOME": str(other)}) == home / ".lnav"


def test_it_is_installed_once_and_says_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / ".lnav" / INSTALLED
    first = install(tmp_path, {})
    assert (first.path, first.text) == (path, f"{path}: written; lnav reads it at its next start")
    assert path.read_text(encoding="utf-8") == lnav_format.format_file()
    before = path.stat()
    assert install(tmp_path, {}).text == f"{path}: there already, and up to date"
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    path.write_bytes(b"\xff an older one")
    assert "another version: replaced" in install(tmp_path, {}).text
    assert path.read_text(encoding="utf-8") == lnav_format.format_file()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "nothing is left over"


def test_it_is_removed_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    first = install(tmp_path, {}).path
    (tmp_path / ".lnav").mkdir()
    second = install(tmp_path, {}).path
    assert first != second
    other = first.with_name("mine.json")
    other.write_text("{}", encoding="utf-8")
    assert [done.text for done in uninstall(tmp_path, {})] == [
        f"{second}: removed",
        f"{first}: removed",
    ]
    assert not first.exists()
    assert other.exists(), "of other formats it knows nothing"
    assert uninstall(tmp_path, {}) == []


@pytest.mark.parametrize("act", [install, uninstall])
def test_a_folder_in_its_place_is_said_with_what_to_do(act: object, tmp_path: Path) -> None:
    path = tmp_path / ".lnav" / INSTALLED
    (path / "no file").mkdir(parents=True)
    assert callable(act)
    with pytest.raises(LnavFolderProblem, match=r"cannot be (written|removed): .*lnav -I FOLDER"):
        act(tmp_path, {})
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "nothing is left over"


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / ".lnav").mkdir()
    (tmp_path / ".lnav" / "formats").write_text("", encoding="utf-8")
    with pytest.raises(LnavFolderProblem, match="cannot be written"):
        install(tmp_path, {})
    assert uninstall(tmp_path, {}) == []


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = install(tmp_path, {}).path
    path.write_text("older", encoding="utf-8")
    code = (
        "import resource, pathlib\n"
        "from tradebot.logtools.lnav.install import LnavFolderProblem, install\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"try: install(pathlib.Path({str(tmp_path)!r}), {{}})\n"
        "except LnavFolderProblem as problem: print(problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )
    assert "cannot be written: File too large" in done.stdout, done.stderr
    assert path.read_text(encoding="utf-8") == "older"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
