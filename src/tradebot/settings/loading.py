"""From the environment and `.env` to `Settings`, with every problem found on the way.

The real environment wins over a credential (a file of its own that systemd hands over), that wins
over `.env`, and `.env` over the default. An empty value counts as the default, so that `NAME=
command` switches off a line of `.env`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tradebot.errors import SettingsError
from tradebot.model import InstrumentId, WatchItem
from tradebot.settings.credentials import read_credentials
from tradebot.settings.env_file import EnvFile
from tradebot.settings.guards import find_oddities, find_problems
from tradebot.settings.json_values import parse_params, parse_watchlist
from tradebot.settings.reading import Reader, open_env_file
from tradebot.settings.settings import Settings
from tradebot.settings.unknown import find_unknown
from tradebot.settings.variables import BY_NAME, VARIABLES

# Source: Saxo's developer documentation, learn/environments.
REST_BASES = {
    "SIM": "https://gateway.saxobank.com/sim/openapi",
    "LIVE": "https://gateway.saxobank.com/openapi",
}
AUTH_BASES = {
    "SIM": "https://sim.logonvalidation.net",
    "LIVE": "https://live.logonvalidation.net",
}
# Stock 10001 and Etf 10002 are the simulator's own numbers, not Saxo's.
LOCAL_WATCHLIST = (
    WatchItem(InstrumentId("Stock", 10001), Decimal(10), "MSFT:xnas"),
    WatchItem(InstrumentId("Etf", 10002), Decimal(5), "SP500:arcx"),
    WatchItem(InstrumentId("FxSpot", 21), Decimal(10000), "EURUSD"),
)


def load(
    environ: Mapping[str, str],
    *,
    home: Path,
    env_file: Path | None = None,
    dry_run_flag: bool = False,
) -> Settings:
    """The settings of this run.

    `home` is where relative paths start and where `.env` is looked for; `env_file` is another
    file to read instead, which must exist. `dry_run_flag` turns DRY_RUN on, never off.
    Raises SettingsError with every problem; no message repeats a value that may be secret.
    """
    settings, problems = load_lenient(
        environ, home=home, env_file=env_file, dry_run_flag=dry_run_flag
    )
    if problems:
        raise SettingsError(problems)
    return settings


def load_lenient(
    environ: Mapping[str, str],
    *,
    home: Path,
    env_file: Path | None = None,
    dry_run_flag: bool = False,
) -> tuple[Settings, tuple[str, ...]]:
    """Like `load()`, but returns the problems, with a default wherever a value cannot be used.

    With problems the settings are good for saying so (where the log is, for one), not for
    trading: `dry_run` is then always true.
    """
    home = home.absolute()
    path, file, problems = open_env_file(env_file, home)
    credentials = read_credentials(environ)
    reader = _Reader(environ, credentials, file, path.name if path else ".env", home)
    values = reader.read_all()
    _derive(values, home)
    if dry_run_flag and not values["dry_run"]:
        values["dry_run"] = True
        reader.origins["DRY_RUN"] = "command line"
    settings = Settings(
        **values,
        home=home,
        env_file=path,
        origins=MappingProxyType(reader.origins),
        warnings=(),
    )
    problems += [*file.problems, *credentials.problems, *reader.problems]
    problems += find_problems(settings, reader.given, reader.wrong)
    warnings = [*file.warnings, *find_unknown(environ, file, reader.file_name)]
    warnings += [*find_oddities(settings), *_readable_by_others(path, file)]
    final: dict[str, Any] = {"warnings": tuple(warnings)}
    if problems:
        final["dry_run"] = True
    return replace(settings, **final), tuple(problems)


class _Reader(Reader):
    """Reads every variable."""

    def read_all(self) -> dict[str, Any]:
        # A line that was refused is a variable that was meant to be set: no guard may miss it.
        self.given |= self.file.refused
        self.wrong |= self.file.refused
        values = {variable.attribute: self.read(variable) for variable in VARIABLES}
        text = values.pop("watchlist")
        values["watchlist"] = self._json("WATCHLIST_JSON", text, values["default_quantity"])
        values["strategy_params"] = self._json("STRATEGY_PARAMS_JSON", values["strategy_params"])
        return values

    def _json(self, name: str, text: str | None, quantity: Decimal | None = None) -> Any:
        """Parse one of the two JSON variables; None for a watch list that is not set."""
        try:
            if quantity is None:
                return parse_params(text or "{}", self.home)
            return None if text is None else parse_watchlist(text, self.home, quantity)
        except ValueError as error:
            self.complain(BY_NAME[name], str(error))
            return {} if quantity is None else None


def _derive(values: dict[str, Any], home: Path) -> None:
    """Fill in the defaults that depend on other variables, and make every path absolute."""
    env = values["saxo_env"]
    values["saxo_rest_base"] = values["saxo_rest_base"] or REST_BASES.get(env)
    values["saxo_auth_base"] = values["saxo_auth_base"] or AUTH_BASES.get(env)
    if values["watchlist"] is None:
        values["watchlist"] = LOCAL_WATCHLIST if env == "LOCAL" else ()
    if values["dry_run"] is None:
        values["dry_run"] = env != "LOCAL"
    if values["schedule_max_lateness"] is None:
        values["schedule_max_lateness"] = values["schedule_cadence"] / 2
    values["log_dir"] = home / values["log_dir"]
    values["state_dir"] = home / values["state_dir"]
    token_file = values["saxo_token_file"]
    if token_file is None:
        token_file = values["state_dir"] / values["instance"] / env / "tokens.json"
    values["saxo_token_file"] = home / token_file


def _readable_by_others(path: Path | None, file: EnvFile) -> Iterator[str]:
    """A file that holds a secret should be its owner's alone (where modes mean anything)."""
    if path is None or os.name == "nt":
        return
    holds = any(file.values.get(variable.name) for variable in VARIABLES if variable.secret)
    if holds and path.stat().st_mode & 0o077:
        yield f"{path}: holds secrets, but other users may open it; run: chmod 600 {path}"
