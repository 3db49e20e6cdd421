"""A secret as a credential: the bot reads it, and it stands nowhere else."""

from __future__ import annotations

from support.real_systemd import Machine
from support.systemd_bot import SERVICE, SystemdBot

_SECRET = "qJ7vX2mPz9LdR4tKw8NbY5cHs3Fg6A1e"


def test_an_app_secret_by_load_credential_is_read_and_shown_nowhere(systemd: Machine) -> None:
    bot = SystemdBot(
        systemd,
        SAXO_ENV="SIM",
        SAXO_APP_KEY="0123456789abcdef",
        SAXO_REDIRECT_URI="http://localhost/callback",
        SAXO_REST_BASE="http://127.0.0.1:9/sim/openapi",
        SAXO_AUTH_BASE="http://127.0.0.1:9",
        WATCHLIST_JSON="""'[{"asset_type":"Stock","uic":10001}]'""",
    )
    systemd.run("systemctl", "start", SERVICE)
    assert bot.last_end() == ("78", "exit-code"), "no secret, no valid settings"

    secret = "/etc/ai-tradebot/SAXO_APP_SECRET"
    systemd.write(secret, f"{_SECRET}\n")
    systemd.do("chmod", "0600", secret)
    bot.drop_in("[Service]", f"LoadCredential=SAXO_APP_SECRET:{secret}")
    systemd.run("systemctl", "start", SERVICE)
    assert bot.last_end() == ("77", "exit-code"), "the settings are whole; nobody has logged in"

    for shown in (
        systemd.do("systemctl", "show", SERVICE),
        systemd.do("systemctl", "cat", SERVICE),
        systemd.story(),
        (systemd.home / "logs" / "bot.log").read_text(encoding="utf-8"),
        systemd.do("grep", "-rl", "LoadCredential", "/etc/systemd"),
    ):
        assert shown
        assert _SECRET not in shown


def test_a_run_shows_its_secret_to_nobody_else(systemd: Machine) -> None:
    secret = "/etc/ai-tradebot/SAXO_APP_SECRET"
    systemd.write(secret, _SECRET)
    systemd.do("chmod", "0600", secret)
    bot = SystemdBot(systemd)
    bot.drop_in("[Service]", f"LoadCredential=SAXO_APP_SECRET:{secret}")
    bot.hold()
    systemd.do("systemctl", "start", "--no-block", SERVICE)
    bot.wait_for("cycle_begin")
    pid = systemd.show(SERVICE, "MainPID")
    environment = systemd.do("cat", f"/proc/{pid}/environ")
    folder = "/run/credentials/" + SERVICE
    assert f"CREDENTIALS_DIRECTORY={folder}" in environment
    assert _SECRET not in environment
    assert systemd.do("cat", f"{folder}/SAXO_APP_SECRET") == _SECRET
    stranger = systemd.run("setpriv", "--reuid=65534", "cat", f"{folder}/SAXO_APP_SECRET")
    assert stranger.returncode != 0
    assert "Permission denied" in stranger.stderr
    bot.release()
    bot.wait_until_idle()
