"""Whatever folders a home has, lnav reads the format from where it was installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from readers.conftest import Lnav
from tradebot.logtools.lnav.format import NAME, SAMPLES
from tradebot.logtools.lnav.install import install, uninstall


@pytest.mark.parametrize("folders", [(), (".config",), (".lnav", ".config"), ("other",)])
def test_it_is_read_until_it_is_removed(
    folders: tuple[str, ...], plain_lnav: Lnav, tmp_path: Path
) -> None:
    for name in folders:
        (plain_lnav.home / name).mkdir()
    if "other" in folders:
        plain_lnav.more["XDG_CONFIG_HOME"] = str(plain_lnav.home / "other")
    log = tmp_path / "bot.log"
    log.write_text("".join(f"{line}\n" for line in SAMPLES), encoding="utf-8")
    assert NAME not in formats(plain_lnav, log)
    installed = install(plain_lnav.home, plain_lnav.more).path
    assert formats(plain_lnav, log) == {NAME}
    assert [done.path for done in uninstall(plain_lnav.home, plain_lnav.more)] == [installed]
    assert NAME not in formats(plain_lnav, log)


def formats(lnav: Lnav, log: Path) -> set[str]:
    """What lnav takes the lines for; nothing where it knows no format at all."""
    done = lnav.run("-n", "-q", "-c", ";SELECT DISTINCT log_format FROM all_logs",
                    "-c", ":write-csv-to -", str(log))  # fmt: skip
    return set(done.stdout.split()[1:])
