"""Every event the bot logs: its level, what it must carry, what it means, what to do next.

`next_step` is written for whoever is woken up by it.
"""

from __future__ import annotations

from tradebot.observability.schema import CORE_EVENTS, Event
from tradebot.vocabulary.by_hand_events import BY_HAND_EVENTS
from tradebot.vocabulary.declaring import DEBUG, ERROR, FATAL, INFO, WARN, event
from tradebot.vocabulary.execution_events import EXECUTION_EVENTS

_STARTUP = (
    event(
        "startup_begin",
        INFO,
        "The program has started. The first line of every run.",
        optional="pid argv trigger_unit trigger_delay_seconds",
    ),
    event(
        "startup_config_loaded",
        INFO,
        "The settings are read and valid. Says what runs, where, and with which folders.",
        "Nothing. After an update or a change of settings, compare version and "
        "settings_fingerprint with the run before.",
        "version python host home_dir log_dir state_dir settings_fingerprint",
        "commit commit_changed cadence env_file package_dir instance watchlist_count",
    ),
    event(
        "startup_config_invalid",
        FATAL,
        "The settings are wrong; nothing was done. Exit code 78.",
        "Run `tradebot config check`: it names every variable that is wrong, and why.",
        "problems",
    ),
    event(
        "startup_failed",
        ERROR,
        "The run could not begin: journal, login or simulator cannot be used. exit_code says how.",
        "Read msg: it names what could not be used and what to do.",
        "exit_code",
    ),
    event(
        "startup_ready",
        INFO,
        "Log, lock and journal can be used; the run goes on.",
        optional="lock_path journal_path",
    ),
    event(
        "settings_warning",
        WARN,
        "A setting is valid but probably not meant, for example an unknown variable.",
        "Read msg and correct the variable it names.",
    ),
    event(
        "simulator_started",
        INFO,
        "SAXO_ENV=LOCAL: the broker of this run is the built-in simulator.",
        "Nothing. To trade with Saxo's own simulation, set SAXO_ENV=SIM.",
        "port",
        "market_time state_path",
    ),
)

_AUTH = (
    event("auth_mode_selected", INFO, "How the bot logs in.", required="auth_mode"),
    event(
        "auth_token_refresh_begin",
        INFO,
        "A new access token is being asked for.",
        required="grant",
    ),
    event(
        "auth_token_refresh_success",
        INFO,
        "There is a new access token.",
        required="grant expires_in_seconds",
        optional="refresh_expires_in_seconds latency_ms",
    ),
    event(
        "auth_token_refresh_failure",
        ERROR,
        "No new access token.",
        "With recoverable=true the next run tries again: look again if it repeats. With "
        "recoverable=false the login is lost: run `tradebot auth login`.",
        "failure_reason recoverable",
        "grant http_status error_code",
    ),
    event(
        "auth_login_required",
        ERROR,
        "The login is lost; only a person can log in again. Exit code 77.",
        "Run the command in the field command, or `tradebot auth login`.",
        optional="command",
    ),
    event(
        "auth_tokens_taken_up",
        WARN,
        "A process ended between the login server's answer and the renaming of the token file; the "
        "tokens it had written were found and are used.",
        "Nothing for the login. The process that ended has its own lines, or none after "
        "auth_token_refresh_begin.",
    ),
)

_CYCLE = (
    event(
        "cycle_begin",
        INFO,
        "This run holds the lock and has its cycle number.",
        optional="slot lateness_seconds",
    ),
    event(
        "cycle_skip_outside_trading_hours",
        INFO,
        "Skipped: TRADING_HOURS_MODE says no trading now.",
        "Nothing. If it is wrong: `tradebot config show` says which TRADING_ settings count.",
        "reason",
        "next_open",
    ),
    event(
        "cycle_skip_overlap",
        WARN,
        "Skipped: another run still holds the lock. Exit code 75.",
        "Once in a while: nothing. Often: the cadence is too short for a cycle, or a run hangs; "
        "look for the holder's own lines.",
        "holder",
    ),
    event(
        "cycle_skip_slot",
        INFO,
        "Skipped: the slot was taken by another run, is too late, or was tried twice.",
        "Nothing, unless late or exhausted repeat: then the machine was asleep or runs crash.",
        "slot reason",
    ),
    event(
        "cycle_skip_paused",
        INFO,
        "Skipped: trading is paused. Orders are still reconciled.",
        "`tradebot resume` when the reason is dealt with.",
        "reason",
        "until",
    ),
    event(
        "cycle_failed",
        ERROR,
        "The cycle ended early with an error; phase says at which step.",
        "Read msg. cycle_end carries the exit code that the scheduler sees.",
        "phase failure_reason",
    ),
    event(
        "cycle_end",
        INFO,
        "The last line of a cycle, with its counts and the exit code.",
        "exit_code 0: nothing. Otherwise the README's table of exit codes says what to do.",
        "exit_code duration_ms instruments signals buy sell hold skip already_decided intents "
        "placed rejected skipped unresolved http_calls",
    ),
    event(
        "run_stopped",
        INFO,
        "A loop of cycles was asked to stop (SIGTERM, Ctrl-C) while it waited for the next one.",
        required="exit_code",
    ),
    event(
        "schedule_jitter",
        INFO,
        "Waited a little so that not all bots ask the broker at the same second.",
        required="delay_seconds",
    ),
    event(
        "schedule_runs_missed",
        WARN,
        "In these slots, since the last look, no run started. Each gap is told once.",
        "no_wakeup: was the machine off or asleep? If not, look at the scheduler: `tradebot "
        "schedule missed` compares with its record. busy: the holder's lines say what took it so "
        "long.",
        "missed_count missed_from missed_to reason",
        "holder replayed",
    ),
    event(
        "run_killed_found",
        WARN,
        "An earlier run ended without a word: killed, or the machine went down.",
        "Look for its last lines by killed_run_id. Its orders are reconciled by this run.",
        "killed_run_id",
        "phase started_at",
    ),
)

_MARKET_DATA = (
    event(
        "marketdata_fetch_begin",
        INFO,
        "Quotes and bars are being fetched.",
        required="instruments",
    ),
    event(
        "marketdata_fetch_success",
        INFO,
        "Every watched instrument has its data.",
        required="instruments quotes bars",
        optional="latency_ms",
    ),
    event(
        "marketdata_fetch_partial",
        WARN,
        "Some instruments have no usable data; they are not traded in this cycle.",
        "If the same ones are missing again and again, check the watch list and whether the "
        "account may see their prices.",
        "missing missing_ids",
        "reason",
    ),
    event(
        "marketdata_fetch_failure",
        ERROR,
        "No market data at all; nothing is traded in this cycle.",
        "The http_error lines before it say why. It usually passes; if not, see the broker's "
        "status page.",
        "failure_reason",
    ),
)

_STRATEGY = (
    event(
        "strategy_signals_generated",
        INFO,
        "The strategy was asked for every instrument that has data.",
        required="buy sell hold",
    ),
    event(
        "strategy_signal_skipped_insufficient_data",
        INFO,
        "Too few closed bars for the strategy to say anything.",
        "Nothing for a new instrument; else look at the market data of this instrument.",
        "bars_have bars_need",
        "instrument_id symbol",
    ),
    event(
        "strategy_decision",
        INFO,
        "What is done about one instrument in this cycle, and why. One per watched instrument.",
        "Nothing; docs/reasons.md explains the reason.",
        "instrument_id action reason",
        "signal quantity bar_time symbol held",
    ),
)

_HTTP = (
    event(
        "http_request",
        DEBUG,
        "One request to the broker and its answer. At INFO for prechecks, orders and other POSTs.",
        required="http_method http_url_path http_status latency_ms",
        optional="attempt saxo_request_id rate_limit_remaining_* rate_limit_reset_*",
    ),
    event(
        "http_error",
        WARN,
        "A request failed or was refused.",
        "Once: nothing, it is retried where that is safe. Repeated: error_code and http_status "
        "tell whether it is the login (401), the rights (403), the rate (429) or Saxo (5xx). "
        "Give saxo_request_id to Saxo's support.",
        "http_method http_url_path",
        "http_status error_code response_snippet latency_ms attempt wait_seconds error_kind "
        "saxo_request_id",
    ),
    event(
        "rate_limit_wait",
        INFO,
        "Waiting so as not to exceed one of the broker's rate limits.",
        "Often: a longer cadence, or fewer instruments.",
        "wait_seconds dimension",
    ),
)

EVENTS: tuple[Event, ...] = (
    *_STARTUP,
    *_AUTH,
    *_CYCLE,
    *_MARKET_DATA,
    *_STRATEGY,
    *EXECUTION_EVENTS,
    *BY_HAND_EVENTS,
    *_HTTP,
    *CORE_EVENTS,
)
