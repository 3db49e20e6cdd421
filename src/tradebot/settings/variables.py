"""Every environment variable, once. `.env.example` and docs/settings.md are made from this list."""

from __future__ import annotations

from tradebot.settings import parsing as kinds
from tradebot.settings.json_values import PARAMS_EXPECTS, WATCHLIST_EXPECTS
from tradebot.settings.parsing import Kind
from tradebot.settings.variable import Group, Variable

_DAY = 86400.0
_LOG_LEVELS = kinds.choice(
    "DEBUG",
    "INFO",
    "WARN",
    "ERROR",
    "FATAL",
    aliases={"warning": "WARN", "critical": "FATAL"},
)

BROKER = Group(
    "The broker and the login",
    (
        Variable(
            "SAXO_ENV",
            kinds.choice("LOCAL", "SIM", "LIVE"),
            "LOCAL",
            "Where orders go: LOCAL is the simulator inside the bot, SIM is Saxo's own simulation, "
            "LIVE is real money. Must be set as soon as any Saxo credential is.",
        ),
        Variable(
            "SAXO_REST_BASE",
            kinds.BASE_URL,
            None,
            "The address of the OpenAPI, for a simulator that runs by itself.",
            default_note="Saxo's own for SIM and LIVE; the built-in simulator on LOCAL",
            example="http://127.0.0.1:8420/sim/openapi",
        ),
        Variable(
            "SAXO_AUTH_BASE",
            kinds.BASE_URL,
            None,
            "The address that logins and tokens come from; goes with SAXO_REST_BASE.",
            default_note="Saxo's own for SIM and LIVE; the built-in simulator on LOCAL",
            example="http://127.0.0.1:8420",
        ),
        Variable(
            "SAXO_AUTH_MODE",
            kinds.choice("oauth", "pkce", "manual"),
            "oauth",
            "How the bot logs in: oauth (an app with a secret), pkce (an app without one) or "
            "manual (a token from Saxo's developer portal, valid for 24 hours).",
        ),
        Variable(
            "SAXO_APP_KEY",
            kinds.SECRET,
            None,
            "The app key from Saxo's developer portal. SIM and LIVE have different ones.",
            secret=True,
            default_note="none; needed for oauth and pkce on SIM and LIVE",
        ),
        Variable(
            "SAXO_APP_SECRET",
            kinds.SECRET,
            None,
            "The app secret that belongs to the app key.",
            secret=True,
            default_note="none; needed for oauth on SIM and LIVE",
        ),
        Variable(
            "SAXO_REDIRECT_URI",
            kinds.REDIRECT_URI,
            None,
            "The redirect address, exactly as registered with the app.",
            default_note="none; needed for oauth and pkce on SIM and LIVE",
            example="http://localhost/callback",
        ),
        Variable(
            "SAXO_ACCESS_TOKEN",
            kinds.SECRET,
            None,
            "The 24-hour token for SAXO_AUTH_MODE=manual.",
            secret=True,
            default_note="none; needed for manual",
        ),
        Variable(
            "SAXO_TOKEN_FILE",
            kinds.PATH,
            None,
            "Where the current pair of tokens is kept (mode 0600). One file per app and user.",
            default_note="tokens.json in STATE_DIR/INSTANCE/SAXO_ENV",
            example="/var/lib/ai-tradebot/tokens.json",
        ),
        Variable(
            "SAXO_ACCOUNT_KEY",
            kinds.SECRET,
            None,
            "The account to trade on, when the login has several.",
            secret=True,
            default_note="none; the broker's default account",
        ),
        Variable(
            "SAXO_CLIENT_KEY",
            kinds.SECRET,
            None,
            "The client that the account belongs to, when the login has several.",
            secret=True,
            default_note="none; the login's own client",
        ),
    ),
)

TRADING = Group(
    "What is traded, and the limits",
    (
        Variable(
            "WATCHLIST_JSON",
            Kind(WATCHLIST_EXPECTS, str),
            None,
            "The instruments to watch, and how much of each one order buys. A relative @file "
            "starts at the bot's own folder.",
            default_note="none for SIM and LIVE; three instruments of the simulator on LOCAL",
            example="@watchlist.json",
        ),
        Variable(
            "STRATEGY_NAME",
            kinds.STRATEGY,
            "sma_cross",
            "The strategy: a built-in one, or package.module:ClassName for your own.",
        ),
        Variable(
            "STRATEGY_PARAMS_JSON",
            Kind(PARAMS_EXPECTS, str),
            "{}",
            "The strategy's parameters. sma_cross takes fast, slow and horizon_minutes.",
            example='{"fast":5,"slow":20,"horizon_minutes":1440}',
        ),
        Variable(
            "DEFAULT_QUANTITY",
            kinds.decimal(positive=True),
            "1",
            "How much one order buys where the watch list does not say.",
            unit="shares, or currency units for FX",
        ),
        Variable(
            "ORDER_TYPE",
            kinds.choice("market", "marketable_limit"),
            "market",
            "market, or marketable_limit: a day limit order at most MAX_SLIPPAGE_BPS beyond the "
            "quote.",
        ),
        Variable(
            "MAX_SLIPPAGE_BPS",
            kinds.integer(0, 10_000),
            "50",
            "How far beyond the quote a marketable limit may lie. Not used by market orders.",
            unit="hundredths of a percent",
        ),
        Variable(
            "MAX_TRADES_PER_DAY",
            kinds.integer(0, 1_000_000),
            "50",
            "No more orders than this in one UTC day; 0 switches the limit off.",
            unit="orders",
        ),
        Variable(
            "MAX_POSITION_VALUE",
            kinds.decimal(positive=False),
            "0",
            "No order that would make a position worth more than this; 0 switches it off.",
            unit="account currency",
        ),
        Variable(
            "MAX_QUOTE_DELAY_MINUTES",
            kinds.integer(0, 1440),
            "20",
            "A quote that the exchange delays by more than this is not traded on; 0 switches it "
            "off.",
            unit="minutes",
        ),
        Variable(
            "MAX_CONSECUTIVE_FAILURES",
            kinds.integer(0, 1000),
            "5",
            "After so many failed orders in a row the bot pauses itself; 0 switches it off.",
            unit="orders",
        ),
        Variable(
            "DATA_STALENESS_SECONDS",
            kinds.duration(1, 7 * _DAY),
            "900",
            "A quote older than this is not traded on.",
            unit="duration",
        ),
        Variable(
            "DISCLAIMER_POLICY",
            kinds.choice("block", "accept_simple"),
            "block",
            "What to do when the broker wants a disclaimer read: block the order, or accept those "
            "that are neither blocking nor have conditions.",
        ),
        Variable(
            "RECONCILE_GRACE_SECONDS",
            kinds.duration(1, 3600),
            "60",
            "How long after the last order an order that cannot be found may be called not placed.",
            unit="duration",
        ),
        Variable(
            "DRY_RUN",
            kinds.BOOLEAN,
            None,
            "Decide everything, send nothing. The --dry-run option only ever turns this on.",
            default_note="true for SIM and LIVE, false on LOCAL",
            example="true",
        ),
        Variable(
            "LIVE_TRADING_CONFIRMED",
            kinds.CONFIRMATION,
            "no",
            "Must be yes before SAXO_ENV=LIVE with DRY_RUN=false does anything.",
        ),
    ),
)

SCHEDULE = Group(
    "When it runs",
    (
        Variable(
            "TRADING_HOURS_MODE",
            kinds.choice("always", "fixed", "instrument"),
            "always",
            "always; fixed (the window below); or instrument (each instrument's own sessions at "
            "the broker).",
        ),
        Variable(
            "TRADING_DAYS",
            kinds.WEEKDAYS,
            "mon-fri",
            "fixed: the days on which the window opens.",
        ),
        Variable(
            "TRADING_START",
            kinds.TIME_OF_DAY,
            None,
            "fixed: when the window opens, in TIMEZONE.",
            default_note="none; needed for fixed",
            example="09:30",
        ),
        Variable(
            "TRADING_END",
            kinds.TIME_OF_DAY,
            None,
            "fixed: when it closes. Earlier than the start: on the next day. The same as the "
            "start: 24 hours later.",
            default_note="none; needed for fixed",
            example="16:00",
        ),
        Variable(
            "TIMEZONE",
            kinds.TIMEZONE,
            "UTC",
            "fixed: the time zone of the window; summer time is followed.",
        ),
        Variable(
            "TRADING_HOLIDAYS",
            kinds.HOLIDAY_CALENDAR,
            None,
            "fixed: closed on this calendar's holidays, and early on its half days.",
            default_note="none",
            example="XNYS",
        ),
        Variable(
            "CYCLE_INTERVAL_SECONDS",
            kinds.duration(1, _DAY),
            "300",
            "main.py without --single-cycle starts a cycle this often.",
            unit="duration",
        ),
        Variable(
            "CYCLE_DEADLINE_SECONDS",
            kinds.duration(1, _DAY),
            None,
            "No new order is sent when a run has lasted this long.",
            unit="duration",
            default_note="80 % of the cadence, counted from the slot's start; 240s without a slot",
            example="4m",
        ),
        Variable(
            "SCHEDULE_CADENCE",
            kinds.duration(1, _DAY),
            "5m",
            "How often the scheduler starts a run. Must divide an hour or a day.",
            unit="duration",
        ),
        Variable(
            "SCHEDULE_OFFSET_SECONDS",
            kinds.duration(0, _DAY),
            "0",
            "How long after the full cadence a slot begins, such as 20s after a bar has closed.",
            unit="duration",
        ),
        Variable(
            "SCHEDULE_MAX_LATENESS",
            kinds.duration(1, _DAY),
            None,
            "A scheduled run that starts later than this into its slot is skipped and recorded.",
            unit="duration",
            default_note="half the cadence",
            example="150s",
        ),
        Variable(
            "SCHEDULER_JITTER_SECONDS",
            kinds.duration(0, 3600),
            "0",
            "Wait up to this long before a run, the same for the same host and slot, at most a "
            "fifth of the cadence.",
            unit="duration",
        ),
    ),
)

LOGGING = Group(
    "Logs and state",
    (
        Variable(
            "LOG_DIR",
            kinds.PATH,
            "logs",
            "The folder of bot.log. A relative one starts at the bot's own folder.",
        ),
        Variable("LOG_LEVEL", _LOG_LEVELS, "INFO", "The least level written to bot.log."),
        Variable("LOG_CONSOLE_LEVEL", _LOG_LEVELS, "INFO", "The least level shown on stderr."),
        Variable(
            "LOG_ROTATION_MODE",
            kinds.choice("time", "size"),
            "time",
            "time: a new file at UTC midnight; size: at LOG_MAX_BYTES.",
        ),
        Variable(
            "LOG_RETENTION_DAYS",
            kinds.integer(1, 36500),
            "30",
            "time: how long rotated files are kept.",
            unit="days",
        ),
        Variable(
            "LOG_MAX_BYTES",
            kinds.integer(1, 10**12),
            "10485760",
            "size: when bot.log is rotated.",
            unit="bytes",
        ),
        Variable(
            "LOG_BACKUP_COUNT",
            kinds.integer(1, 10_000),
            "5",
            "size: how many rotated files are kept.",
            unit="files",
        ),
        Variable(
            "LOG_MAX_TOTAL_MB",
            kinds.integer(0, 10**6),
            "0",
            "Warn beyond this size of all log files, then drop chatter; 0 switches it off.",
            unit="MB",
        ),
        Variable(
            "LOG_QUEUE",
            kinds.BOOLEAN,
            "false",
            "Write the log from a thread of its own: for slow disks.",
        ),
        Variable(
            "STATE_DIR",
            kinds.PATH,
            "state",
            "The folder of the journal, the locks and the tokens. A relative one starts at the "
            "bot's own folder. Must be on a local disk.",
        ),
        Variable(
            "INSTANCE",
            kinds.INSTANCE,
            "default",
            "The name of this bot, when several share STATE_DIR.",
        ),
    ),
)

GROUPS = (BROKER, TRADING, SCHEDULE, LOGGING)
VARIABLES = tuple(variable for group in GROUPS for variable in group.variables)
BY_NAME = {variable.name: variable for variable in VARIABLES}
SECRETS = tuple(variable for variable in VARIABLES if variable.secret)
