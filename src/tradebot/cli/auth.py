"""`tradebot auth`: log in once, see how long the login lasts, keep it alive between runs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import sys
import threading
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tradebot import __version__
from tradebot.cli._options import ENV_FILE, OUTPUT
from tradebot.clock import SystemClock
from tradebot.errors import BrokerUnavailable, LoginError, SettingsError
from tradebot.log_setup import open_log
from tradebot.observability import Session
from tradebot.saxo.auth import RotatingTokenSource, app_of, open_token_source
from tradebot.saxo.login import ForeignRedirect, LoginAttempt
from tradebot.saxo.token_endpoint import App
from tradebot.saxo.token_store import LOGIN_COMMAND, StoredTokens, TokenStore
from tradebot.saxo.transport import Transport
from tradebot.settings import Settings, home, load_lenient

if TYPE_CHECKING:
    from tradebot.saxo.redirect_listener import RedirectListener

_ENDING = timedelta(minutes=5)
"""A run every five minutes is the default: later than that nobody may come."""


@click.group()
def command() -> None:
    """Log in to the broker and keep the login alive."""


@command.command()
@ENV_FILE
@click.option("--paste", is_flag=True, help="Do not listen for the browser: paste the address.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="In seconds."
)
def login(env_file: Path | None, paste: bool, timeout: float) -> int:
    """Log in with a browser; the tokens are stored for the bot.

    Prints an address. Open it in a browser, on any machine, and log in there. If the browser runs
    on this machine, the rest happens by itself; else paste the address at which it ends.
    """
    settings = _settings(env_file)
    idle = _nothing_to_log_in_to(settings)
    if idle is not None:
        click.echo(idle, err=True)
        return 0
    app = app_of(settings)
    with (
        _log(settings),
        _transport(settings) as transport,
    ):
        if settings.saxo_env == "LOCAL":
            tokens = _source(settings, transport, app).login_without_person()
        else:
            tokens = _login_with_browser(settings, transport, app, paste=paste, timeout=timeout)
    click.echo(
        f"logged in to {settings.saxo_env}; the login lasts until {_time(tokens.lasts_until)},"
        " and longer if it is refreshed before",
        err=True,
    )
    return 0


@command.command()
@ENV_FILE
@OUTPUT
def status(env_file: Path | None, output: str) -> int:
    """Show how long the login lasts; never a token.

    Exits with 0 when there is a login that can be used, with 1 when there is none or it ends within
    five minutes.
    """
    settings = _settings(env_file)
    facts = _facts(settings, SystemClock().now())
    if output == "json":
        click.echo(json.dumps(facts, indent=2))
    else:
        for name, value in facts.items():
            click.echo(f"{name}={'-' if value is None else value}")
    return 0 if facts["login"] in ("live", "refreshable", "not needed") else 1


@command.command()
@ENV_FILE
def keepalive(env_file: Path | None) -> int:
    """Refresh the login if half of its life is over: for schedules with long pauses.

    Exits with 0 when the login is good, 77 when a person must log in, 69 when a refresh was due and
    the login server could not be reached or did not answer.
    """
    settings = _settings(env_file)
    idle = _nothing_to_log_in_to(settings)
    if idle is not None:
        click.echo(idle, err=True)
        return 0
    with (
        _log(settings),
        _transport(settings) as transport,
    ):
        source = _source(settings, transport, app_of(settings))
        source.access_token()
        tokens, outage = source.current, source.outage
    if tokens is not None:
        click.echo(
            f"the access token lasts until {_time(tokens.access_expires_at)}, the login until"
            f" {_time(tokens.lasts_until)} if it is not refreshed before",
            err=True,
        )
    if outage is not None:
        raise BrokerUnavailable(f"it was due to be refreshed, but: {outage}. Try again soon.")
    return 0


def _settings(env_file: Path | None) -> Settings:
    """The settings; of their problems only those that a login depends on."""
    settings, problems = load_lenient(os.environ, home=home(), env_file=env_file)
    mine = [p for p in problems if p.startswith(("SAXO_", "STATE_DIR", "INSTANCE", "LOG_"))]
    if mine:
        raise SettingsError(mine)
    return settings


def _nothing_to_log_in_to(settings: Settings) -> str | None:
    """Why no login is needed, if none is."""
    if settings.saxo_env == "LOCAL" and settings.saxo_rest_base is None:
        return (
            "there is nothing to log in to: with SAXO_ENV=LOCAL the bot starts a simulated broker"
            " of its own and logs in by itself. Set SAXO_ENV=SIM for Saxo's test environment."
        )
    if settings.saxo_auth_mode == "manual":
        return (
            "there is nothing to log in to: SAXO_AUTH_MODE=manual uses SAXO_ACCESS_TOKEN,"
            " which cannot be refreshed"
        )
    return None


def _transport(settings: Settings) -> Transport:
    # A login never trades, whatever the settings say.
    return Transport(
        settings.saxo_rest_base or "",
        SystemClock(),
        allow_orders=False,
        auth_base=settings.saxo_auth_base,
    )


def _source(settings: Settings, transport: Transport, app: App) -> RotatingTokenSource:
    source = open_token_source(settings, transport, SystemClock(), app=app)
    assert isinstance(source, RotatingTokenSource)  # noqa: S101 - manual has been ruled out
    return source


def _log(settings: Settings) -> Session:
    """A login is part of the story, too; the console is for the person."""
    return open_log(settings, str(uuid.uuid4()), single_cycle=False, console=False)


# -- the browser -------------------------------------------------------------------------------


def _login_with_browser(
    settings: Settings, transport: Transport, app: App, *, paste: bool, timeout: float
) -> StoredTokens:
    arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    listener = None if paste else _listener(app, arrived)
    with listener or contextlib.nullcontext():
        if listener is not None:
            app = dataclasses.replace(app, redirect_uri=listener.redirect_uri)
        attempt = LoginAttempt.begin(app)
        click.echo("Open this address in a browser and log in there:\n", err=True)
        click.echo(attempt.authorize_url(settings.saxo_auth_base or ""), err=True)
        click.echo(
            "\nWaiting for the browser. If nothing happens, paste the address it ends at:"
            if listener is not None
            else "\nThen paste the address at which the browser ends (it may show an error):",
            err=True,
        )
        threading.Thread(target=_read_pasted, args=(arrived,), daemon=True).start()
        code = _wait_for_code(attempt, arrived, timeout, listening=listener is not None)
    return _source(settings, transport, app).login_with_code(code, attempt.verifier)


def _listener(app: App, arrived: queue.SimpleQueue[str | None]) -> RedirectListener | None:
    from tradebot.saxo.redirect_listener import RedirectListener

    try:
        return RedirectListener(app.redirect_uri, arrived, any_port=app.mode == "pkce")
    except (OSError, ValueError):
        return None  # the address is elsewhere, or its port is taken: it can still be pasted


def _read_pasted(arrived: queue.SimpleQueue[str | None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in sys.stdin:
            if line.strip():
                arrived.put(line)
    arrived.put(None)


def _wait_for_code(
    attempt: LoginAttempt,
    arrived: queue.SimpleQueue[str | None],
    timeout: float,
    *,
    listening: bool,
) -> str:
    clock = SystemClock()
    end = clock.monotonic() + timeout
    while (left := end - clock.monotonic()) > 0:
        try:
            address = arrived.get(timeout=left)
        except queue.Empty:
            break
        if address is None:
            if listening:
                continue  # stdin has ended, the browser may still come
            break
        try:
            return attempt.code_from(address)
        except ForeignRedirect as error:
            click.echo(f"tradebot: {error}", err=True)
    raise LoginError("nobody logged in. Try again: tradebot auth login")


# -- status ------------------------------------------------------------------------------------


def _facts(settings: Settings, now: datetime) -> dict[str, str | None]:
    facts: dict[str, str | None] = {
        "version": __version__,
        "env": settings.saxo_env,
        "auth_mode": settings.saxo_auth_mode,
    }
    if settings.saxo_auth_mode == "manual":
        return facts | {"login": "not needed"}
    tokens = TokenStore(settings.saxo_token_file).load()
    if tokens is not None and tokens.env != settings.saxo_env:
        tokens = None
    facts |= {"token_file": str(settings.saxo_token_file), "login": _state(settings, tokens, now)}
    if tokens is not None:
        facts |= {
            "lasts_until": None if tokens.lost else _time(tokens.lasts_until),
            "access_expires_at": _time(tokens.access_expires_at),
            "refresh_due_at": _time(tokens.refresh_due_at),
            "refresh_expires_at": _time(tokens.refresh_expires_at),
            "interrupted_at": _time(tokens.refresh_started_at),
            "lost_because": tokens.login_lost_reason,
        }
    return facts | {"advice": _advice(facts["login"], tokens, settings.schedule_cadence)}


def _advice(login: str | None, tokens: StoredTokens | None, cadence: float) -> str | None:
    """What a person should do, if anything."""
    if login in ("none", "lost", "expired"):
        return f"log in: {LOGIN_COMMAND}"
    if login == "ending":
        return f"it ends within minutes: tradebot auth keepalive, or else {LOGIN_COMMAND}"
    if tokens is not None and (tokens.lasts_until - tokens.obtained_at).total_seconds() <= cadence:
        return (
            "SCHEDULE_CADENCE is no shorter than the life of the login, so it is lost between two"
            " runs: let the scheduler call tradebot auth keepalive in between"
        )
    return None


def _state(settings: Settings, tokens: StoredTokens | None, now: datetime) -> str:
    if settings.saxo_env == "LOCAL" and (tokens is None or not tokens.live(now)):
        return "not needed"
    if tokens is None:
        return "none"
    if tokens.lost:
        return "lost"
    if now >= tokens.lasts_until:
        return "expired"
    if now >= tokens.lasts_until - _ENDING:
        return "ending"
    return "live" if tokens.live(now) else "refreshable"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
