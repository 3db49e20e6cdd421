"""The rendered lines under a real Debian cron: cycles are run, and never two at once.

The daemon's clock is fast, so that its minute is a few seconds; the bot is on the real clock.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.program import unmeasured
from support.real_cron import RealCron, why_not
from tradebot.settings.env_file import quote_value

pytestmark = pytest.mark.skipif(
    why_not(fast_clock=True) is not None, reason=str(why_not(fast_clock=True))
)

HOSTILE = "a b 'c' \"d\" 50% $HOME `e` \\f \\%g æ"
SLOW = '''
import time
from tradebot.strategies.sma_cross import SmaCross
class Slow(SmaCross):
    """Takes longer than the cadence."""
    def decide(self, view):
        time.sleep(1.6)
        return super().decide(view)
'''


class Bot:
    """A bot in a folder with a hostile name, and the schedule of it in a crontab."""

    def __init__(self, cron: RealCron, folder: Path) -> None:
        self.cron = cron
        self.folder = folder / HOSTILE
        self.folder.mkdir()
        self.env_file = self.folder / "my %.env"
        self.set()

    def set(self, **more: str) -> None:
        """The settings: a minute of the daemon is a slot of about its real length."""
        values = {
            "SAXO_ENV": "LOCAL",
            "STATE_DIR": str(self.folder / "state"),
            "LOG_DIR": str(self.folder / "logs"),
            "SCHEDULE_CADENCE": "1m",
            **more,
        }
        lines = [f"{name}={quote_value(value)}\n" for name, value in values.items()]
        self.env_file.write_text("".join(lines), encoding="utf-8")
        self.env_file.chmod(0o600)

    def schedule(self, *words: str) -> tuple[int, str]:
        """`tradebot schedule …` beside the daemon: exit code and everything that was said."""
        tradebot = str(Path(sys.executable).with_name("tradebot"))
        done = self.cron.run(
            tradebot, "schedule", *words, f"--env-file={self.env_file}", variables=unmeasured()
        )
        return done.returncode, done.stdout + done.stderr

    def events(self, name: str) -> list[str]:
        path = self.folder / "logs" / "bot.log"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [line for line in text.splitlines() if f" | {name} | " in line]


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with RealCron(tmp_path, speed=30) as cron:
        yield Bot(cron, tmp_path)


def use_slow_strategy(bot: Bot) -> None:
    (bot.folder / "slow_one.py").write_text(SLOW)
    bot.set(
        STRATEGY_NAME="slow_one:Slow", SCHEDULE_CADENCE="2s", SCHEDULE_MAX_LATENESS="2s",
        CYCLE_DEADLINE_SECONDS="100s",
    )  # fmt: skip


def test_what_is_installed_runs_cycles_from_a_hostile_path(bot: Bot) -> None:
    assert bot.schedule("install", "cron", "--yes")[0] == 0
    installed = bot.cron.run("crontab", "-l").stdout
    # The bot's own slots are on the real clock: make them as long as the daemon's minute is.
    bot.set(SCHEDULE_CADENCE="2s", SCHEDULE_MAX_LATENESS="2s", CYCLE_DEADLINE_SECONDS="20s")
    bot.cron.begin()
    bot.cron.wait_for(lambda: len(bot.events("cycle_end")) >= 3)
    ends = bot.events("cycle_end")
    assert all("exit_code=0" in line for line in ends)
    assert len({re.search(r" slot=(\S+)", line)[1] for line in ends}) > 1  # type: ignore[index]
    assert bot.events("startup_begin")[0].count("--single-cycle --scheduled")
    # Nothing was printed, so cron had nothing to mail.
    assert not [line for line in bot.cron.log_lines() if "No MTA" in line or "MAIL" in line]
    assert (bot.folder / "state/default/cron.lock").is_file()
    bot.set()
    assert bot.cron.run("crontab", "-l").stdout == installed
    code, said = bot.schedule("verify", "cron")
    assert code == 0, said
    code, said = bot.schedule("status", "cron")
    assert code == 0, said
    assert re.search(r"next.wake.up.*20\d\d-", said)
    assert bot.schedule("uninstall", "cron", "--yes")[0] == 0
    assert bot.cron.run("crontab", "-l").returncode == 1


def test_a_run_longer_than_the_cadence_is_never_doubled(bot: Bot) -> None:
    assert bot.schedule("install", "cron", "--yes")[0] == 0
    text = bot.cron.run("crontab", "-l").stdout
    bot.cron.run("crontab", "-", stdin=f"PYTHONPATH={bot.folder}\n{text}")
    use_slow_strategy(bot)
    bot.cron.begin()
    bot.cron.wait_for(lambda: len(bot.events("cycle_end")) >= 1 and len(busy(bot)) >= 2)
    assert bot.events("cycle_skip_overlap") == []
    assert at_most_one_at_once(bot)


def test_without_flock_the_bots_own_lock_stands_and_names_the_holder(bot: Bot) -> None:
    _, text = bot.schedule("render", "cron")
    bare = re.sub(r"/usr/bin/flock -n -o -E 75 '.*?cron\.lock' ", "", text)
    assert "/usr/bin/flock" not in bare
    bot.cron.run("crontab", "-", stdin=f"PYTHONPATH={bot.folder}\n{bare}")
    use_slow_strategy(bot)
    bot.cron.begin()
    bot.cron.wait_for(lambda: bool(bot.events("cycle_end")) and len(busy(bot)) >= 2)
    skipped = bot.events("cycle_skip_overlap")
    assert skipped
    assert all(re.search(r"holder=\"pid=\d+ started=\S+ run_id=", line) for line in skipped)
    assert at_most_one_at_once(bot)


def busy(bot: Bot) -> list[str]:
    return [line for line in bot.cron.log_lines() if "failed with exit status 75" in line]


def at_most_one_at_once(bot: Bot) -> bool:
    """Cycles as pairs of lines in the one log: each ends before the next begins."""
    path = bot.folder / "logs" / "bot.log"
    begun = None
    for line in path.read_text(encoding="utf-8").splitlines():
        run = re.search(r" run_id=(\S+)", line)
        if run is not None and " | cycle_begin | " in line:
            assert begun is None
            begun = run[1]
        elif run is not None and " | cycle_end | " in line and run[1] == begun:
            begun = None
    return True
