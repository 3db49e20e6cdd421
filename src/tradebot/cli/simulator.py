"""`tradebot simulator`: the simulated broker on its own, beside the bot.

`serve` is for looking at it with other tools, or for several bots at one broker; a bot with
SAXO_ENV=LOCAL and no SAXO_REST_BASE starts one inside itself and needs none of this.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import click

from tradebot.cli._options import OUTPUT
from tradebot.clock import SystemClock
from tradebot.settings import home, load_lenient
from tradebot.simulator import STATE_FILE, RateLimits, Simulator, SimulatorOptions

DEFAULT_PORT = 8420

_STATE = click.option(
    "--state",
    "state_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The simulator's state file; by default the one that a bot with these settings uses.",
)


@click.group()
def command() -> None:
    """Run or look at the simulated broker."""


@command.command()
@_STATE
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True)
@click.option(
    "--bar-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Move the market on by one day each time so many seconds have passed.",
)
@click.option(
    "--trading-hours",
    type=click.Choice(["always", "exchange"]),
    default="always",
    show_default=True,
    help="Always open, or with the exchanges' own hours.",
)
@click.option(
    "--rate-limits/--no-rate-limits", default=True, show_default=True, help="Enforce the quotas."
)
def serve(
    state_path: Path | None,
    port: int,
    bar_seconds: float | None,
    trading_hours: Literal["always", "exchange"],
    rate_limits: bool,
) -> int:
    """Serve until stopped; prints the environment that points a bot at it."""
    clock = SystemClock()
    signal.signal(signal.SIGTERM, lambda _number, _frame: clock.request_stop())
    options = SimulatorOptions(
        trading_hours=trading_hours, rate_limits=RateLimits(enabled=rate_limits)
    )
    simulator = Simulator(_path(state_path), port=port, options=options)
    try:
        simulator.start()
    except OSError as error:
        raise click.UsageError(
            f"cannot listen on 127.0.0.1:{port} ({error.strerror}); choose another --port"
        ) from None
    with simulator:
        for name, value in environment(simulator).items():
            click.echo(f"{name}={value}")
        click.echo(
            f"serving {simulator.state_path} on {simulator.auth_base},"
            f" market date {simulator.market_date}; Ctrl-C stops",
            err=True,
        )
        try:
            _move_on(simulator, clock, bar_seconds)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
    return 0


def environment(simulator: Simulator) -> Mapping[str, str]:
    """The variables of a bot that is to use this simulator."""
    return {
        "SAXO_ENV": "LOCAL",
        "SAXO_REST_BASE": simulator.rest_base,
        "SAXO_AUTH_BASE": simulator.auth_base,
        "SAXO_APP_KEY": simulator.app_key,
        "SAXO_APP_SECRET": simulator.app_secret,
        "SAXO_REDIRECT_URI": simulator.redirect_uri,
    }


def _move_on(simulator: Simulator, clock: SystemClock, bar_seconds: float | None) -> None:
    """Wait for the end, moving the market if asked to."""
    while clock.sleep(bar_seconds or 3600):
        if bar_seconds is not None and not simulator.advance():
            click.echo("the price history ends here; `tradebot simulator reset` begins it again",
                       err=True)  # fmt: skip
            bar_seconds = None


@command.command()
@_STATE
@OUTPUT
def status(state_path: Path | None, output: str) -> int:
    """Show where the simulation stands.

    Exits with 1 when there is no state yet, with 2 when it cannot be read.
    """
    found = _existing(state_path)
    if found is None:
        return 1
    overview = _with_broker(found, None)
    if output == "json":
        click.echo(json.dumps({"state": str(found), **overview}, indent=2))
        return 0
    for name, value in overview.items():
        click.echo(f"{name}={json.dumps(value) if isinstance(value, bool) else value}")
    return 0


@command.command()
@_STATE
@click.option("--balance", type=click.FloatRange(min=0), help="The new balance, in US dollars.")
def reset(state_path: Path | None, balance: float | None) -> int:
    """Begin again: the first bar, no orders, no positions, no faults. Logins stay valid.

    A bot remembers what it decided: give it a new INSTANCE (or an empty STATE_DIR) too.
    """
    found = _existing(state_path)
    if found is None:
        return 1
    fresh = SimulatorOptions().initial_balance if balance is None else balance
    overview = _with_broker(found, fresh)
    click.echo(f"market_date={overview['market_date']}")
    click.echo(f"reset {found}", err=True)
    return 0


def _with_broker(path: Path, balance: float | None) -> dict[str, object]:
    """The overview of a state file, after a reset to `balance` if there is one."""
    from tradebot.simulator import control
    from tradebot.simulator.broker import Broker
    from tradebot.simulator.state import State

    state = State(path)
    try:
        broker = Broker(state, SimulatorOptions())
        if balance is not None:
            control.reset(broker, balance)
        return control.overview(broker)
    finally:
        state.close()


def _path(given: Path | None) -> Path:
    if given is not None:
        return given.absolute()
    settings, _ = load_lenient(os.environ, home=home())
    return settings.state_dir / settings.instance / "LOCAL" / STATE_FILE


def _existing(given: Path | None) -> Path | None:
    """The state file, or None after saying that there is none."""
    path = _path(given)
    if path.is_file():
        return path
    click.echo(f"no simulator state at {path}: nothing has run yet", err=True)
    return None
