"""`tradebot simulator`: the simulated broker on its own, beside the bot.

`serve` is for looking at it with other tools, or for several bots at one broker; a bot with
SAXO_ENV=LOCAL and no SAXO_REST_BASE starts one inside itself and needs none of this.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tradebot.cli._options import OUTPUT
from tradebot.clock import SystemClock
from tradebot.errors import UsageError
from tradebot.settings import home, load_lenient
from tradebot.simulator import STATE_FILE, RateLimits, Simulator, SimulatorOptions

if TYPE_CHECKING:
    from tradebot.simulator.broker import Broker
    from tradebot.simulator.scenario import Scenario

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
@click.option(
    "--scenario",
    "scenario_file",
    metavar="FILE",
    help="Switch on a scenario first: a file, or the name of a shipped one.",
)
def serve(
    state_path: Path | None,
    port: int,
    bar_seconds: float | None,
    trading_hours: Literal["always", "exchange"],
    rate_limits: bool,
    scenario_file: str | None,
) -> int:
    """Serve until stopped; prints the environment that points a bot at it."""
    clock = SystemClock()
    signal.signal(signal.SIGTERM, lambda _number, _frame: clock.request_stop())
    options = SimulatorOptions(
        trading_hours=trading_hours, rate_limits=RateLimits(enabled=rate_limits)
    )
    wanted = None if scenario_file is None else _read_scenario(scenario_file)
    simulator = Simulator(_path(state_path), port=port, options=options)
    try:
        simulator.start()
    except OSError as error:
        raise click.UsageError(
            f"cannot listen on 127.0.0.1:{port} ({error.strerror}); choose another --port"
        ) from None
    with simulator:
        if wanted is not None:
            from tradebot.simulator.scenario import load as switch_on

            switch_on(simulator.broker, wanted)
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


@command.command()
@click.argument("file", required=False)
@_STATE
@click.option("--clear", is_flag=True, help="Switch everything off; the account stays as it is.")
@OUTPUT
def scenario(file: str | None, state_path: Path | None, clear: bool, output: str) -> int:
    """Switch on what is to go wrong, and show what is on and how often it fired.

    FILE is a scenario file, or the name of one that is shipped. It takes the place of whatever was
    on. It is kept in the state file, so a bot with SAXO_ENV=LOCAL meets it in its next runs.

    Exits with 1 when nothing is on, with 2 when FILE cannot be used.
    """
    from tradebot.simulator import scenario as scenarios
    from tradebot.simulator.running import leave_unseen

    if file is not None and clear:
        raise click.UsageError("give a FILE or --clear, not both")
    wanted = None if file is None else _read_scenario(file)
    path = _path(state_path) if wanted is not None else _existing(state_path)
    if path is None:
        return 1
    with _broker(path) as broker:
        if wanted is not None:
            scenarios.load(broker, wanted)
            if broker.state.created:
                leave_unseen(broker)
        elif clear:
            scenarios.clear(broker)
        found = scenarios.switched_on(broker)
    if output == "json":
        click.echo(json.dumps({"state": str(path), **found}, indent=2))
    else:
        for line in scenario_lines(found):
            click.echo(line)
    click.echo(f"state {path}", err=True)
    if clear or any(found.values()):
        return 0
    click.echo(f"nothing is switched on; shipped are: {', '.join(scenarios.shipped())}", err=True)
    return 1


def scenario_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What is switched on, for people: one line each, with how often it fired."""
    if found["title"]:
        yield f"title={json.dumps(found['title'], ensure_ascii=False)}"
    for name, value in found["options"].items():
        yield f"option {name}={json.dumps(value)}"
    for one in found["faults"]:
        left = "no end" if one["remaining"] is None else f"{one['remaining']} left"
        yield f"fault {one['id']}: {one['kind']} {_where(one)}: fired {one['fired']}, {left}"
    for one in found["sequences"]:
        steps = len(one["steps"])
        yield f"sequence {one['id']}: {_where(one)}: {one['used']} of {steps} steps used"
    for one in found["mixes"]:
        fired = ", ".join(f"{kind} {n}" for kind, n in one["fired"].items()) or "nothing yet"
        yield (
            f"mix {one['id']}: seed {one['seed']}, probability {one['probability']},"
            f" {_where(one)}: {one['matched']} requests, fired: {fired}"
        )


def _where(one: Mapping[str, Any]) -> str:
    parts = [one["method"], one["endpoint"]]
    if one["reference"] is not None:
        parts.append(f"reference {one['reference']}")
    if (starts := one.get("starts_in_seconds")) is not None:
        parts.append(f"from {starts:.0f} s on")
    if (ends := one.get("ends_in_seconds")) is not None:
        parts.append("over" if ends <= 0 else f"for {ends:.0f} s")
    return " ".join(parts)


def _read_scenario(name: str) -> Scenario:
    from tradebot.simulator.scenario import BadScenario, read

    try:
        return read(name)
    except BadScenario as problem:
        raise UsageError(str(problem)) from None


def _with_broker(path: Path, balance: float | None) -> dict[str, object]:
    """The overview of a state file, after a reset to `balance` if there is one."""
    from tradebot.simulator import running

    with _broker(path) as broker:
        if balance is not None:
            running.reset(broker, balance)
            running.leave_unseen(broker)
        return running.overview(broker)


@contextmanager
def _broker(path: Path) -> Iterator[Broker]:
    """The broker of a state file, without a server."""
    from tradebot.simulator.broker import Broker
    from tradebot.simulator.state import State

    state = State(path)
    try:
        yield Broker(state, SimulatorOptions())
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
