"""What several variables must agree on. Each guard yields its complaints and names the variables
it looks at: when one of those is already wrong by itself, the guard stays quiet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from tradebot.settings.parsing import format_seconds, is_loopback, split_url
from tradebot.settings.settings import Settings

Check = Callable[[Settings, Collection[str]], Iterator[str]]

CREDENTIALS = (
    "SAXO_APP_KEY",
    "SAXO_APP_SECRET",
    "SAXO_ACCESS_TOKEN",
    "SAXO_ACCOUNT_KEY",
    "SAXO_CLIENT_KEY",
)
_DAY = 86400
_SIM_LOGIN_SECONDS = 2400
"""How long a refresh token of SIM lives, as its login server answers."""


@dataclass(frozen=True, slots=True)
class Guard:
    """`check(settings, given)` yields problems; `given` are the variables that were set."""

    looks_at: tuple[str, ...]
    check: Check


_GUARDS: list[Guard] = []


def _guard(*looks_at: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        _GUARDS.append(Guard(looks_at, check))
        return check

    return register


def find_problems(
    settings: Settings, given: Collection[str], wrong: Collection[str]
) -> Iterator[str]:
    """Every complaint of every guard that looks at no variable in `wrong`."""
    for guard in _GUARDS:
        if not any(name in wrong for name in guard.looks_at):
            yield from guard.check(settings, given)


@_guard("SAXO_ENV")
def _credentials_need_an_environment(_: Settings, given: Collection[str]) -> Iterator[str]:
    if "SAXO_ENV" in given:
        return
    found = [name for name in CREDENTIALS if name in given]
    if found:
        verb = "are" if len(found) > 1 else "is"
        yield (
            f"SAXO_ENV is not set, although {', '.join(found)} {verb}; "
            "say which it belongs to: SAXO_ENV=SIM or SAXO_ENV=LIVE (or LOCAL for the simulator)"
        )


@_guard("SAXO_ENV", "DRY_RUN", "LIVE_TRADING_CONFIRMED")
def _live_needs_a_yes(settings: Settings, _: Collection[str]) -> Iterator[str]:
    live = settings.saxo_env == "LIVE" and not settings.dry_run
    if live and not settings.live_trading_confirmed:
        yield (
            "LIVE_TRADING_CONFIRMED: must be yes for SAXO_ENV=LIVE with DRY_RUN=false, because "
            "orders then cost real money; set it, or set DRY_RUN=true"
        )


@_guard("SAXO_ENV", "WATCHLIST_JSON", "DEFAULT_QUANTITY")
def _real_environments_need_a_watch_list(settings: Settings, _: Collection[str]) -> Iterator[str]:
    if not settings.watchlist:
        yield (
            f"WATCHLIST_JSON is not set, but SAXO_ENV={settings.saxo_env} has no default one; "
            'set it, for example to [{"asset_type":"FxSpot","uic":21,"quantity":10000}]'
        )


_NEEDED_BY_MODE = {
    "oauth": ("SAXO_APP_KEY", "SAXO_APP_SECRET", "SAXO_REDIRECT_URI"),
    "pkce": ("SAXO_APP_KEY", "SAXO_REDIRECT_URI"),
    "manual": ("SAXO_ACCESS_TOKEN",),
}


@_guard("SAXO_ENV", "SAXO_AUTH_MODE")
def _login_needs_its_parts(settings: Settings, given: Collection[str]) -> Iterator[str]:
    # On LOCAL the simulator brings its own app; a manual token is the user's everywhere.
    if settings.saxo_env == "LOCAL" and settings.saxo_auth_mode != "manual":
        return
    for name in _NEEDED_BY_MODE[settings.saxo_auth_mode]:
        if name not in given:
            yield (
                f"{name} is not set, but SAXO_ENV={settings.saxo_env} with "
                f"SAXO_AUTH_MODE={settings.saxo_auth_mode} needs it"
            )


@_guard("SAXO_ENV", "SAXO_REST_BASE", "SAXO_AUTH_BASE")
def _addresses_fit_the_environment(settings: Settings, given: Collection[str]) -> Iterator[str]:
    bases = {
        "SAXO_REST_BASE": settings.saxo_rest_base,
        "SAXO_AUTH_BASE": settings.saxo_auth_base,
    }
    if settings.saxo_env == "LOCAL" and len(bases.keys() & set(given)) == 1:
        yield "SAXO_REST_BASE and SAXO_AUTH_BASE: on LOCAL set both or neither"
    local = [name for name, base in bases.items() if base is not None and is_loopback(base)]
    if settings.saxo_env != "LOCAL" and len(local) == 1:
        yield (
            f"SAXO_REST_BASE and SAXO_AUTH_BASE: only {local[0]} is on this machine; a login must "
            "not be used at another place than it was made for: set both or neither"
        )
    for name, base in bases.items():
        if base is None:
            continue
        if settings.saxo_env == "LOCAL" and not is_loopback(base):
            yield f"{name}: SAXO_ENV=LOCAL is for this machine only, but the address is elsewhere"
        elif belongs_to(base) not in (None, settings.saxo_env):
            yield (
                f"{name}: this is Saxo's address for {belongs_to(base)}, but "
                f"SAXO_ENV={settings.saxo_env}"
            )


def belongs_to(base: str) -> str | None:
    """SIM or LIVE when the address is known to be Saxo's, else None.

    Source: the addresses in Saxo's developer documentation, learn/environments.
    """
    _, host, path = split_url(base)
    if host == "gateway.saxobank.com":
        return "SIM" if path.startswith("/sim/") else "LIVE"
    return {"sim.logonvalidation.net": "SIM", "live.logonvalidation.net": "LIVE"}.get(host)


@_guard("TRADING_HOURS_MODE", "TRADING_START", "TRADING_END")
def _a_window_needs_both_ends(settings: Settings, given: Collection[str]) -> Iterator[str]:
    if settings.trading_hours_mode != "fixed":
        return
    for name in ("TRADING_START", "TRADING_END"):
        if name not in given:
            yield f"{name} is not set, but TRADING_HOURS_MODE=fixed needs it, such as {name}=09:30"


@_guard("SCHEDULE_CADENCE")
def _cadence_divides_a_day(settings: Settings, _: Collection[str]) -> Iterator[str]:
    cadence = settings.schedule_cadence
    if _DAY % cadence:
        yield (
            f"SCHEDULE_CADENCE: {format_seconds(cadence)} divides neither an hour nor a day, so "
            "the slots would not be the same every day; take for example 1m, 5m, 15m, 1h or 4h"
        )


@_guard("SCHEDULE_CADENCE", "SCHEDULE_OFFSET_SECONDS")
def _offset_is_within_a_slot(settings: Settings, _: Collection[str]) -> Iterator[str]:
    if settings.schedule_offset_seconds >= settings.schedule_cadence:
        yield (
            f"SCHEDULE_OFFSET_SECONDS: {format_seconds(settings.schedule_offset_seconds)} must be "
            f"less than SCHEDULE_CADENCE, {format_seconds(settings.schedule_cadence)}"
        )


@_guard("ORDER_TYPE", "MAX_SLIPPAGE_BPS")
def _limits_need_slippage(settings: Settings, _: Collection[str]) -> Iterator[str]:
    if settings.order_type == "marketable_limit" and settings.max_slippage_bps == 0:
        yield "MAX_SLIPPAGE_BPS: must be above 0 for ORDER_TYPE=marketable_limit"


def find_oddities(settings: Settings) -> Iterator[str]:
    """What is allowed but probably not meant."""
    if settings.trading_hours_mode != "fixed" and settings.trading_holidays is not None:
        yield (
            "TRADING_HOLIDAYS: has no effect with "
            f"TRADING_HOURS_MODE={settings.trading_hours_mode}; it needs fixed"
        )
    if settings.scheduler_jitter_seconds > settings.schedule_cadence / 5:
        yield (
            "SCHEDULER_JITTER_SECONDS: more than a fifth of SCHEDULE_CADENCE; it is cut to "
            f"{format_seconds(settings.schedule_cadence / 5)}"
        )
    deadline = settings.cycle_deadline_seconds
    if deadline is not None and deadline > settings.schedule_cadence:
        yield (
            f"CYCLE_DEADLINE_SECONDS: longer than SCHEDULE_CADENCE, "
            f"{format_seconds(settings.schedule_cadence)}: a slow run makes the next one skip"
        )
    rotating = settings.saxo_env == "SIM" and settings.saxo_auth_mode != "manual"
    if rotating and settings.schedule_cadence >= _SIM_LOGIN_SECONDS:
        yield (
            "SCHEDULE_CADENCE: a login on SIM lives for 40 minutes without a refresh, so it is "
            f"lost between two runs {format_seconds(settings.schedule_cadence)} apart; let the "
            "scheduler call `tradebot auth keepalive` every 15 minutes"
        )
