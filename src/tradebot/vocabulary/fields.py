"""Every field a log line may have: its type, its treatment, what it means.

The order here is the order in a line: the six correlation fields, what identifies instrument,
account, request and order, then what only some events say, and last the free text. A pattern is
a promise that nothing secret can match it, so it is as narrow as the values allow.
"""

from __future__ import annotations

from dataclasses import replace

from tradebot.observability.schema import (
    BOOLEAN,
    CAMEL_NAME,
    CORE_FIELDS,
    CORRELATION,
    INTEGER,
    NO_UNIT,
    NUMBER,
    TEXT,
    TRAILING,
    UUID,
    WORD,
    Field,
    Kind,
    Treatment,
)

REFERENCE_PATTERN = r"ATB-[0-9]{8}-[0-9]{4}-[A-Z0-9]{10}"

TIME = Kind(
    "UTC time",
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](?:\.[0-9]{1,6})?Z",
)
INSTRUMENT = Kind("AssetType:Uic", r"[A-Z][A-Za-z]{1,39}:[0-9]{1,12}")
SYMBOL = Kind("symbol", r"[A-Z0-9][A-Z0-9.]{0,11}[a-z]?(?::[a-z]{3,5})?")
REFERENCE = Kind("reference", r"ATB-[A-Z0-9-]{1,46}")
ORDER_ID = Kind("digits", r"[0-9]{1,20}")
CURRENCY = Kind("currency", r"[A-Z]{3}")
ACTION = Kind("BUY, SELL, HOLD or SKIP", r"BUY|SELL|HOLD|SKIP")
SIDE = Kind("BUY or SELL", r"BUY|SELL|Buy|Sell")
OUTCOME = Kind("outcome", r"SUCCESS|FAILED|SKIPPED|RECONCILIATION_NEEDED")
VERSION = Kind("version", r"[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}(?:[.+-]?[a-z]{1,8}[0-9]{0,8}){0,3}")
HEXADECIMAL = Kind("hexadecimal", r"[0-9a-f]{6,64}")
COMMIT = Kind("commit", r"[0-9a-f]{7,40}|unknown")
HOST = Kind("host", r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){0,8}")
INSTANCE = Kind("name", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
TIMER_UNIT = Kind(
    "systemd timer", r"[a-z][a-z0-9-]{0,30}(?:@[A-Za-z0-9][A-Za-z0-9_.-]{0,31})?\.timer"
)
METHOD = Kind("HTTP method", r"[A-Z]{3,7}")
ERROR_CODE = Kind("error code", rf"{CAMEL_NAME.pattern}|{WORD.pattern}|[0-9]{{1,6}}")
ORDER_TYPE = Kind("order type", r"market|marketable_limit|Market|Limit")
ERROR_KIND = Kind("code word or class", rf"{WORD.pattern}|{CAMEL_NAME.pattern}")
DIMENSION = Kind("rate limit", rf"{WORD.pattern}|{CAMEL_NAME.pattern}")
URL_PATH = Kind(
    "URL path",
    r"(?:/(?:[a-z]{1,24}|[A-Z]?[a-z]{1,24}(?:[A-Z][a-z]{1,24}){0,5}|v[0-9]{1,2}|[0-9]{1,20}"
    r"|\*\*\*))+",
    url_path=True,
)
REQUEST_ID = Kind("request id", rf"{UUID.pattern}|ATB-[A-Z0-9-]{{1,46}}(?:-[a-z]{{1,12}})?")
CORRELATION_ID = Kind(
    "X-Correlation",
    r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}(?:#[0-9A-Za-z-]{1,36}){0,4}",
)

_BOT_OWN = {"env": Kind("environment", r"LOCAL|SIM|LIVE")}
"""Of what the log takes from any bot, kinds that are narrower in this one."""

_MASKED = Treatment.MASKED
_UNITS = "shares; FX: currency units"
_PRICE = "instrument's currency"

_IDENTITIES = (
    Field("slot", TIME, "the scheduled start that this run belongs to"),
    Field("instrument_id", INSTRUMENT, "the instrument, for example Stock:211"),
    Field("asset_type", CAMEL_NAME, "Saxo's AssetType"),
    Field("uic", INTEGER, "Saxo's instrument number within its asset type", unit=NO_UNIT),
    Field("symbol", SYMBOL, "the instrument's symbol, for example MSFT:xnas"),
    Field("client_key", TEXT, "Saxo's ClientKey", _MASKED),
    Field("account_key", TEXT, "Saxo's AccountKey", _MASKED),
    Field("http_method", METHOD, "the request's method"),
    Field("http_url_path", URL_PATH, "the request's path, without query, keys in it masked"),
    Field("http_status", INTEGER, "the answer's status", unit=NO_UNIT),
    Field("latency_ms", NUMBER, "from sending the request to having the answer", unit="ms"),
    Field("saxo_request_id", CORRELATION_ID, "Saxo's X-Correlation header, for their support"),
    Field("rate_limit_remaining_*", INTEGER, "left in a rate limit's window", unit="requests"),
    Field("rate_limit_reset_*", NUMBER, "until a rate limit's window ends", unit="s"),
    Field("external_reference", REFERENCE, "the bot's own name of an order attempt: trace this"),
    Field("order_id", ORDER_ID, "Saxo's OrderId"),
    Field("precheck_ok", BOOLEAN, "did the broker's precheck pass?"),
    Field("disclaimer_required", BOOLEAN, "does the broker want a disclaimer answered first?"),
    Field("disclaimer_tokens_count", INTEGER, "how many disclaimers", unit="disclaimers"),
    Field("execution_outcome", OUTCOME, "how an intent ended"),
    Field("failure_reason", WORD, "why; absent on SUCCESS"),
)

_RUN = (
    Field("pid", INTEGER, "process id", unit=NO_UNIT),
    Field("argv", TEXT, "the command line"),
    Field("trigger_unit", TIMER_UNIT, "the systemd timer that started the run"),
    Field("trigger_delay_seconds", NUMBER, "start of the run after the timer went off", unit="s"),
    Field("version", VERSION, "of the bot"),
    Field("commit", COMMIT, "the git commit that runs"),
    Field("commit_changed", BOOLEAN, "true: files differ from that commit"),
    Field("python", VERSION, "of the interpreter"),
    Field("host", HOST, "the machine's name"),
    Field("instance", INSTANCE, "INSTANCE: which of several bots on this machine"),
    Field("home_dir", TEXT, "what relative folders are relative to"),
    Field("log_dir", TEXT, "LOG_DIR as an absolute path"),
    Field("state_dir", TEXT, "STATE_DIR as an absolute path"),
    Field("package_dir", TEXT, "where the running code is"),
    Field("env_file", TEXT, "the .env file that was read"),
    Field("settings_fingerprint", HEXADECIMAL, "equal as long as no setting changes"),
    Field("cadence", NUMBER, "SCHEDULE_CADENCE", unit="s"),
    Field("watchlist_count", INTEGER, "watched instruments", unit="instruments"),
    Field("problems", INTEGER, "how many settings are wrong", unit="settings"),
    Field("lock_path", TEXT, "the run lock's file"),
    Field("journal_path", TEXT, "the journal's file"),
    Field("port", INTEGER, "the simulator's port on 127.0.0.1", unit=NO_UNIT),
    Field("market_time", TIME, "the bar that the simulator's market stands at"),
    Field("state_path", TEXT, "the folder or file of the state"),
)

_AUTHENTICATION = (
    Field("auth_mode", WORD, "SAXO_AUTH_MODE"),
    Field("grant", WORD, "what was exchanged for a token: refresh_token, authorization_code …"),
    Field("expires_in_seconds", NUMBER, "life of the new access token", unit="s"),
    Field("refresh_expires_in_seconds", NUMBER, "life of the new refresh token", unit="s"),
    Field("recoverable", BOOLEAN, "true: a later try may succeed without a person"),
    Field("command", TEXT, "the command that puts it right"),
)

_CYCLE = (
    Field("reason", WORD, "why; a documented code word"),
    Field("next_open", TIME, "when trading hours begin again"),
    Field("until", TIME, "when the pause ends"),
    Field("holder", TEXT, "who holds the lock: pid, start, run, slot, phase; or holder_unknown"),
    Field("lateness_seconds", NUMBER, "start of the run after its slot", unit="s"),
    Field("delay_seconds", NUMBER, "the jitter that was waited", unit="s"),
    Field("missed_count", INTEGER, "slots in which no run started", unit="slots"),
    Field("missed_from", TIME, "the first of them"),
    Field("missed_to", TIME, "the last of them"),
    Field("killed_run_id", UUID, "the run that ended without saying so"),
    Field("phase", WORD, "how far it had come"),
    Field("started_at", TIME, "when it had started"),
    Field("exit_code", INTEGER, "what the process exits with", unit=NO_UNIT),
    Field("duration_ms", NUMBER, "length of the run", unit="ms"),
    Field("instruments", INTEGER, "looked at", unit="instruments"),
    Field("signals", INTEGER, "those that the strategy wanted to buy or sell", unit="instruments"),
    Field("buy", INTEGER, "to buy", unit="instruments"),
    Field("sell", INTEGER, "to sell", unit="instruments"),
    Field("hold", INTEGER, "to hold", unit="instruments"),
    Field("skip", INTEGER, "those without a signal, or skipped by a guard", unit="instruments"),
    Field("already_decided", INTEGER, "what an earlier run had decided already", unit="decisions"),
    Field("intents", INTEGER, "intents created", unit="intents"),
    Field("placed", INTEGER, "orders placed", unit="orders"),
    Field("rejected", INTEGER, "orders refused by the broker", unit="orders"),
    Field("skipped", INTEGER, "intents that were not sent", unit="intents"),
    Field("unresolved", INTEGER, "nobody knows yet what became of them", unit="orders"),
    Field("http_calls", INTEGER, "requests to the broker", unit="requests"),
)

_MARKET = (
    Field("quotes", INTEGER, "those with a quote", unit="instruments"),
    Field("bars", INTEGER, "closed bars, of all instruments together", unit="bars"),
    Field("missing", INTEGER, "instruments without usable data", unit="instruments"),
    Field("missing_ids", TEXT, "which"),
    Field("bars_have", INTEGER, "closed bars there are", unit="bars"),
    Field("bars_need", INTEGER, "closed bars the strategy needs", unit="bars"),
    Field("action", ACTION, "what is done about the instrument"),
    Field("signal", ACTION, "what the strategy wanted"),
    Field("held", NUMBER, "what the bot holds of the instrument", unit=_UNITS),
)

_EXECUTION = (
    Field("side", SIDE, "of the order"),
    Field("quantity", NUMBER, "size of the order", unit=_UNITS),
    Field("order_type", ORDER_TYPE, "ORDER_TYPE"),
    Field("limit_price", NUMBER, "of a limit order", unit=_PRICE),
    Field("bar_time", TIME, "the bar the decision is based on"),
    Field("attempt", INTEGER, "the number of the try", unit=NO_UNIT),
    Field("request_id", REQUEST_ID, "the X-Request-ID that was sent"),
    Field("estimated_cash", NUMBER, "cash the order would need", unit="`currency`"),
    Field("estimated_cost", NUMBER, "what the order would cost", unit="`currency`"),
    Field("currency", CURRENCY, "of the two estimates"),
    Field("disclaimer_context", CAMEL_NAME, "Saxo's DisclaimerContext"),
    Field("disclaimer_title", TEXT, "the title of the blocking disclaimer", max_length=200),
    Field("reconcile_result", WORD, "what the broker's lists say became of the order"),
    Field("order_state", WORD, "how an accepted order stands: working, partial, filled …"),
    Field("filled_quantity", NUMBER, "filled so far", unit=_UNITS),
    Field("average_price", NUMBER, "average price of what is filled", unit=_PRICE),
    Field("reads", INTEGER, "how often the broker's lists were read", unit="reads"),
    Field("replayed", BOOLEAN, "true: said again after a crash"),
    Field("consecutive_failures", INTEGER, "failed orders in a row", unit="orders"),
)

_BY_HAND = (
    Field("who", WORD, "who did it: by_hand, a person"),
    Field("checked", BOOLEAN, "true: the broker was asked and agrees"),
    Field("held_before", NUMBER, "what the bot counted as its own before", unit=_UNITS),
    Field("broker_held", NUMBER, "the broker's net position", unit=_UNITS),
    Field("difference", WORD, "how journal and broker disagree; a documented code word"),
    Field("differences", INTEGER, "how often they disagree", unit="differences"),
    Field("compared", INTEGER, "orders of the journal that were compared", unit="orders"),
    Field("too_young", INTEGER, "orders sent too recently to be compared", unit="orders"),
    Field("positions", INTEGER, "instruments whose positions were compared", unit="instruments"),
    Field("audit_rows", INTEGER, "rows of the broker's audit log that were read", unit="rows"),
    Field("open_orders", INTEGER, "open orders that were read", unit="orders"),
    Field("checked_from", TIME, "the beginning of what was compared"),
    Field("checked_until", TIME, "the end of what was compared"),
)

_HTTP = (
    Field("error_code", ERROR_CODE, "Saxo's ErrorCode"),
    Field("error_kind", ERROR_KIND, "what went wrong when there is no status"),
    Field("response_snippet", TEXT, "the beginning of the answer", max_length=256),
    Field("wait_seconds", NUMBER, "pause before the next try", unit="s"),
    Field("dimension", DIMENSION, "which rate limit"),
)

_CORRELATION_FIELDS = tuple(
    replace(field, kind=_BOT_OWN.get(field.name, field.kind))
    for field in CORE_FIELDS
    if field.name in CORRELATION
)

_OF_THE_BOT = (
    *_IDENTITIES,
    *_RUN,
    *_AUTHENTICATION,
    *_CYCLE,
    *_MARKET,
    *_EXECUTION,
    *_BY_HAND,
    *_HTTP,
)

_OWN_OF_CORE = tuple(
    field
    for field in CORE_FIELDS
    if field.name not in {*CORRELATION, *TRAILING, *(one.name for one in _OF_THE_BOT)}
)

FIELDS: tuple[Field, ...] = (
    *_CORRELATION_FIELDS,
    *_OF_THE_BOT,
    *_OWN_OF_CORE,
    *(field for field in CORE_FIELDS if field.name in TRAILING),
)
