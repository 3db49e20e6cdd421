"""The settings of one run, checked and typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from pathlib import Path

from tradebot.model import WatchItem
from tradebot.settings.variables import SECRETS, VARIABLES


@dataclass(frozen=True)
class Settings:
    """One attribute per variable, in lower case; `variables.py` says what each means.

    Durations are in seconds, paths absolute. Built by `load()`.
    """

    saxo_env: str
    """LOCAL, SIM or LIVE."""
    saxo_rest_base: str | None
    """Without a trailing slash. None: the simulator inside the bot (LOCAL only)."""
    saxo_auth_base: str | None
    saxo_auth_mode: str
    saxo_app_key: str | None = field(repr=False)
    saxo_app_secret: str | None = field(repr=False)
    saxo_redirect_uri: str | None
    saxo_access_token: str | None = field(repr=False)
    saxo_token_file: Path
    saxo_account_key: str | None = field(repr=False)
    saxo_client_key: str | None = field(repr=False)

    watchlist: tuple[WatchItem, ...]
    strategy_name: str
    strategy_params: Mapping[str, object] = field(repr=False)
    default_quantity: Decimal
    order_type: str
    """market or marketable_limit."""
    max_slippage_bps: int
    max_trades_per_day: int
    max_position_value: Decimal
    max_quote_delay_minutes: int
    max_consecutive_failures: int
    data_staleness_seconds: float
    disclaimer_policy: str
    """block or accept_simple."""
    reconcile_grace_seconds: float
    dry_run: bool
    live_trading_confirmed: bool

    trading_hours_mode: str
    """always, fixed or instrument."""
    trading_days: frozenset[int]
    """0 is Monday."""
    trading_start: time | None
    trading_end: time | None
    timezone: str
    trading_holidays: str | None
    cycle_interval_seconds: float
    cycle_deadline_seconds: float | None
    schedule_cadence: float
    schedule_offset_seconds: float
    schedule_max_lateness: float
    scheduler_jitter_seconds: float

    log_dir: Path
    log_level: str
    """DEBUG, INFO, WARN, ERROR or FATAL."""
    log_console_level: str
    log_rotation_mode: str
    """time or size."""
    log_retention_days: int
    log_max_bytes: int
    log_backup_count: int
    log_max_total_mb: int
    log_queue: bool
    state_dir: Path
    instance: str

    home: Path
    """The folder that relative paths started from."""
    env_file: Path | None
    """The .env file that was read, if there was one."""
    origins: Mapping[str, str] = field(repr=False)
    """VARIABLE -> "default", ".env", "environment" (or "command line" for a --dry-run)."""
    warnings: tuple[str, ...] = field(repr=False)

    @property
    def state_path(self) -> Path:
        """The folder of everything that survives a run of this instance in this environment."""
        return self.state_dir / self.instance / self.saxo_env

    def secrets(self) -> Iterator[str]:
        """Every value that must never be shown: for `register_secret`."""
        for variable in SECRETS:
            value: str | None = getattr(self, variable.attribute)
            if value is not None:
                yield value

    def fingerprint(self) -> str:
        """12 hex digits that change when any setting does. Of a secret only whether it is set."""
        import hashlib  # who only asks where the log is does not wait for it

        digest = hashlib.sha256()
        for variable in VARIABLES:
            value = getattr(self, variable.attribute)
            text = str(value is not None) if variable.secret else _canonical(value)
            digest.update(f"{variable.name}={text}\n".encode(errors="backslashreplace"))
        return digest.hexdigest()[:12]


def _canonical(value: object) -> str:
    """A text that is the same for equal values, in every process (sets are ordered)."""
    if isinstance(value, frozenset):
        return repr(sorted(value))
    if isinstance(value, Mapping):
        return repr(sorted((name, _canonical(item)) for name, item in value.items()))
    if isinstance(value, Decimal):
        return str(value.normalize())
    return repr(value)
