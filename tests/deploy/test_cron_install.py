"""Into a user's own crontab and out again, by the real `crontab` in mounts of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.program import ROOT
from support.real_cron import RealCron, why_not
from tradebot.deploy.cron.line_checks import LONGEST
from tradebot.deploy.cron.machine import refusal

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

THEIRS = "# mine\nMAILTO=me@example.com\n0 3 * * 0 /usr/bin/true \\% 'x'\t\n\n# æ \x1b[0m ☂\n"


class Crontab:
    """The crontabs beside a daemon that never begins, and the command that changes them."""

    def __init__(self, cron: RealCron, folder: Path) -> None:
        self.cron = cron
        self.folder = folder
        self.variables = {
            "STATE_DIR": str(folder / "state"),
            "LOG_DIR": str(folder / "logs"),
            "SAXO_ENV": "LOCAL",
        }
        self.env_file = folder / "settings.env"
        lines = [f"{name}={value}\n" for name, value in self.variables.items()]
        self.env_file.write_text("".join(lines))
        self.env_file.chmod(0o600)

    def __call__(self, *words: str) -> tuple[int, str]:
        tradebot = str(Path(sys.executable).with_name("tradebot"))
        words = (words[0], "cron", *words[1:], f"--env-file={self.env_file}")
        done = self.cron.run(tradebot, "schedule", *words)
        return done.returncode, done.stdout + done.stderr

    def text(self) -> str | None:
        done = self.cron.run("crontab", "-l")
        return done.stdout if done.returncode == 0 else None

    def set(self, text: str) -> None:
        assert self.cron.run("crontab", "-", stdin=text).returncode == 0


@pytest.fixture
def crontab(tmp_path: Path) -> Iterator[Crontab]:
    with RealCron(tmp_path) as cron:
        yield Crontab(cron, tmp_path)


def test_in_twice_and_out_leaves_what_was_there(crontab: Crontab) -> None:
    crontab.set(THEIRS)
    code, said = crontab("install", "--yes")
    assert code == 0, said
    assert "+*/5 * * * * LOG_CONSOLE_LEVEL=ERROR /usr/bin/flock" in said
    installed = crontab.text()
    assert installed is not None
    assert installed.startswith(THEIRS + "# BEGIN ai-tradebot@default")
    assert (crontab.folder / "state/default").stat().st_mode & 0o777 == 0o700
    code, said = crontab("install", "--yes")
    assert (code, crontab.text()) == (0, installed)
    assert "nothing to change" in said
    assert crontab("uninstall", "--yes")[0] == 0
    assert crontab.text() == THEIRS
    assert "nothing to change" in crontab("uninstall", "--yes")[1]


def test_a_user_without_a_crontab_has_none_again(crontab: Crontab) -> None:
    assert crontab.text() is None
    assert crontab("install", "--yes")[0] == 0
    assert crontab.text() is not None
    assert crontab("uninstall", "--yes")[0] == 0
    assert crontab.text() is None


def test_two_instances_keep_out_of_each_others_way(crontab: Crontab) -> None:
    assert crontab("install", "--yes", "--instance=one")[0] == 0
    alone = crontab.text()
    assert crontab("install", "--yes", "--instance=two")[0] == 0
    both = crontab.text() or ""
    assert both.count("INSTANCE=two ") == both.count("INSTANCE=one ") == 1
    assert crontab("uninstall", "--yes", "--instance=two")[0] == 0
    assert crontab.text() == alone


def test_a_line_by_hand_for_the_same_bot_is_named(crontab: Crontab) -> None:
    by_hand = f"*/5 * * * * {sys.executable} {ROOT}/main.py --env-file={crontab.env_file}\n"
    crontab.set(by_hand)
    code, said = crontab("install", "--yes")
    assert code == 0
    assert "note: crontab of root line 1 starts the same bot" in said
    assert (crontab.text() or "").startswith(by_hand)
    code, said = crontab("verify")
    assert code == 1
    assert "crontab of root line 1, crontab of root line 3" in said


def test_damaged_markers_are_refused_and_nothing_is_lost(crontab: Crontab) -> None:
    assert crontab("install", "--yes")[0] == 0
    torn = (crontab.text() or "").replace("# END ai-tradebot@default\n", "") + "1 2 3 4 5 mine\n"
    crontab.set(torn)
    for command in ("install", "uninstall"):
        code, said = crontab(command, "--yes")
        assert code != 0
        assert "crontab of root" in said
        assert "line 1: BEGIN" in said
        assert "Traceback" not in said
    assert crontab.text() == torn
    code, said = crontab("verify")
    assert code == 1
    assert "[cron-markers-damaged]" in said


def test_bytes_that_could_not_be_kept_are_refused(crontab: Crontab) -> None:
    crontab.set("# ok\n# \udce9t\udce9\n")
    code, said = crontab("install", "--yes")
    assert code != 0
    assert crontab.text() == "# ok\n# \udce9t\udce9\n"
    assert "crontab of root line 2: not UTF-8" in said


def test_windows_line_ends_are_refused(crontab: Crontab) -> None:
    """The real crontab lists them as a backslash and an r: written back, they would be that."""
    crontab.set("# ok\n# from elsewhere\r\n")
    code, said = crontab("install", "--yes")
    assert code != 0
    assert "crontab of root line 2: ends in \\r" in said
    assert crontab.text() == "# ok\n# from elsewhere\\r\n"


def test_a_user_who_may_not_is_told_where_that_is_written(crontab: Crontab) -> None:
    """By the words of the real one; this test itself runs as root, whom nothing stops."""
    crontab.cron.run("sh", "-c", "echo nobody >/etc/cron.deny")
    as_nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    refused = crontab.cron.run(*as_nobody, "crontab", "-l")
    assert refused.returncode == 1
    said = str(refusal(refused.stderr, "crontab of nobody"))
    assert said.startswith("crontab of nobody cannot be read: You (nobody) are not allowed")
    assert "/etc/cron.allow or /etc/cron.deny forbids it" in said
    foreign = crontab.cron.run(*as_nobody, "crontab", "-u", "root", "-l")
    assert "only root may" in str(refusal(foreign.stderr, "crontab of root"))


def test_a_machine_without_cron_is_told_so(crontab: Crontab) -> None:
    crontab.cron.run("mount", "-t", "tmpfs", "tmpfs", "/usr/bin")
    code, said = crontab("uninstall", "--yes")
    assert code != 0
    assert "there is no `crontab` program" in said
    assert "apt-get install cron" in said
    code, said = crontab("verify")
    assert code == 1
    assert "[cron-not-readable]" in said


def test_for_the_whole_machine_it_is_a_file_that_cron_reads(crontab: Crontab) -> None:
    crontab.folder.chmod(0o755)
    words = ("--system", "--user=nobody")
    # nobody cannot write the folders of this test: it is said, and can be overruled.
    code, said = crontab("install", "--yes", *words)
    assert code == 1
    assert "[cron-folder-not-writable]" in said
    assert crontab("install", "--yes", "--anyway", *words)[0] == 0
    listed = crontab.cron.run("stat", "-c", "%n %a %U", "/etc/cron.d/ai-tradebot-default").stdout
    assert listed == "/etc/cron.d/ai-tradebot-default 644 root\n"
    text = crontab.cron.run("cat", "/etc/cron.d/ai-tradebot-default").stdout
    assert "\n*/5 * * * * nobody LOG_CONSOLE_LEVEL=ERROR /usr/bin/flock" in text
    assert "nothing to change" in crontab("install", "--yes", "--anyway", *words)[1]
    assert crontab("uninstall", "--yes", *words)[0] == 0
    assert crontab.cron.run("ls", "/etc/cron.d").stdout == ""


def test_no_line_is_written_that_crontab_would_refuse(crontab: Crontab) -> None:
    """The longest command that is judged well is the longest that the real one takes."""
    fits = crontab.cron.run("crontab", "-", stdin=f"* * * * * {'x' * LONGEST}\n")
    assert fits.returncode == 0, fits.stderr
    too_long = crontab.cron.run("crontab", "-", stdin=f"* * * * * {'x' * (LONGEST + 1)}\n")
    assert "command too long" in too_long.stderr
