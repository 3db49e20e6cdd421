"""What this bot logs on ordinary days: the price of redaction is how much of it becomes `***`.

`ordinary(seed)` gives (key, text) pairs, as drawn from a seed. No value is a secret and none is
called like one. Nothing here imports the bot.
"""

from __future__ import annotations

import string
import uuid
from collections.abc import Callable, Iterator
from random import Random

_EXCHANGES = (
    "xnas", "xnys", "arcx", "xcse", "xlon", "xpar", "xetr", "xams", "xhel", "xosl", "xsto",
    "xswx", "xhkg", "xtks", "xasx",
)  # fmt: skip
_CURRENCIES = (
    "EUR", "USD", "GBP", "JPY", "CHF", "DKK", "SEK", "NOK", "AUD", "CAD", "PLN", "HKD", "SGD",
    "ZAR", "MXN", "TRY", "XAU", "XAG",
)  # fmt: skip
_TYPES = (
    "Stock", "Etf", "FxSpot", "CfdOnIndex", "CfdOnStock", "Bond", "Fund", "ContractFutures",
    "FuturesOption", "StockOption", "FxForwards", "CfdOnFutures", "Etc", "MutualFund",
    "StockIndex",
)  # fmt: skip
_COMPANIES = (
    "Microsoft Corp.", "Novo Nordisk A/S B", "SPDR S&P 500 ETF Trust", "Mærsk A/S", "Nestlé SA",
    "3M Co.", "Berkshire Hathaway Inc. - B", "iShares Core MSCI World UCITS ETF USD (Acc)",
    "7-Eleven Malaysia Holdings", "US Treasury 2.875% 15 May 2032", "Société Générale SA",
    "E-mini S&P 500 Dec 2026", "US SPX 500.I", "Germany 40", "Euro/US Dollar", "AT&T Inc.",
    "21Shares Bitcoin ETP", "Vanguard FTSE All-World (VWCE)", "O'Reilly Automotive Inc.",
)  # fmt: skip
_ERROR_CODES = (
    "TooFarFromEntryOrder", "OrderValueToSmall", "InvalidUic", "InstrumentNotAllowed",
    "PriceExceedsAggressiveTolerance", "RateLimitExceeded", "InsufficientMargin", "90001",
    "OnWrongSideOfMarket", "NoAccess", "MarketClosed", "DuplicateOrder", "InvalidModelState",
    "OrderNotPlaced", "ClientNotAllowedToTradeInstrument", "UnsupportedMediaType",
)  # fmt: skip
_WORDS = (
    "not_placed", "filled", "working", "partial", "rejected", "cancelled", "expired",
    "crossed_above", "no_cross", "market_closed", "no_access", "http_503", "stale_quote",
    "order_working", "already_decided", "rate_limited", "deadline_passed", "run_lock_busy",
    "holder_unknown", "insufficient_data", "value_limit", "disclaimer_open",
)  # fmt: skip
_MODULES = (
    "orchestrator", "deciding", "execution.placement", "market.bars", "saxo.transport",
    "journal.rows",
)  # fmt: skip
_PATHS = (
    "/trade/v2/orders", "/trade/v2/orders/precheck", "/port/v1/orders/me", "/port/v1/users/me",
    "/ref/v1/instruments/details/211/Stock", "/trade/v1/infoprices/list", "/chart/v3/charts",
    "/cs/v1/audit/orderactivities", "/dm/v2/disclaimers", "/sim/openapi/port/v1/accounts/me",
    "/ref/v1/exchanges/XNAS", "/root/v1/sessions/capabilities", "/port/v1/netpositions/me",
)  # fmt: skip
_FOLDERS = (
    "/home/trader/AI-Tradebot", "/var/lib/ai-tradebot", "/Users/anna/Library/Logs/ai-tradebot",
    r"C:\Users\trader\AI-Tradebot", r"C:\ProgramData\AI Tradebot", "/opt/bot-2", "~/tradebot",
    r"\\server\share\bots\sim", "/srv/bots/eu-west-1/bot7", "./logs", "/tmp/pytest-of-me/pytest-12",
    "/usr/lib/python3.11/site-packages", "/nix/store/tradebot-1.0", "/mnt/c/Users/Ann O'Neill/bot",
)  # fmt: skip
_FILES = ("bot.log", "bot.log.2026-11-21", "bot.log.2026-11-21.2", "live/journal.db", ".env",
          "default/SIM/dry/journal.db", "run.lock", "cycle_counter", "bars_v2.json")  # fmt: skip
_ERRORS = (
    "HTTPSConnectionPool(host='gateway.saxobank.com', port=443): Read timed out. (read timeout=10)",
    "[Errno 28] No space left on device: '/var/lib/ai-tradebot/default/SIM/live/journal.db'",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer"
    " certificate (_ssl.c:1006)",
    "('Connection aborted.', RemoteDisconnected('Remote end closed connection'))",
    "Expecting value: line 1 column 1 (char 0)", "database is locked", "list index out of range",
    "'NoneType' object has no attribute 'bid'", "could not convert string to float: 'NoAccess'",
    "<urlopen error [Errno -2] Name or service not known>", "KeyError: 'Uic'", "division by zero",
    "[Errno 111] Connection refused", "invalid literal for int() with base 10: 'xnas'",
    "SCHEDULE_CADENCE: 5 is not a duration: write for example 5m, 90s or 1h",
    "[WinError 32] The process cannot access the file because it is being used by another process",
    "tradebot.errors.BrokerUnavailable: POST /trade/v2/orders: 503 after 3 tries in 12.4 s",
)  # fmt: skip
_SENTENCES = (
    "The fast average crossed above the slow one: buy.", "nothing caught this",
    "in thread MainThread",
    "The averages did not cross on the last closed bar. (no_cross)", "read 250 rows in 3.2 ms",
    "clock is 0.8 s behind the broker's Date header", "retry 2/3 in 1.5s after http_503",
    "3/10 quotes, 2 of them delayed; Stock:211 missing", "placed 10 MSFT:xnas at 26.12 USD",
    "waiting for the lock of pid 4711 (started 2026-11-22T07:10:00Z)", "slot taken by run 12",
    "5 instruments, 1 signal: buy=1 sell=0 hold=4",
    "market opens Mon 08:00 Europe/Copenhagen (UTC+1)",
    "Closed: Thanksgiving Day (XNYS)", "bars 2017-03-06 .. 2017-09-29, 60m, 144 of them",
    "disclaimer 'Complex Products' must be answered by a person", "interrupted", "bye",
    "precheck: estimated cash 262.2 USD, cost 1.0 USD, margin impact 0.00 USD (0.0 %)",
    "LOG_LEVEL=INFO LOG_RETENTION_DAYS=30 TRADING_HOURS_MODE=exchange INSTANCE=default",
    "sma_cross(fast=5, slow=20) on 1d bars of SPY:arcx", "order 5039287596 filled 10/10 @ 101.255",
    "git: 3 files changed, 12 insertions(+), 4 deletions(-)", "https://www.developer.saxo/openapi/learn",
    "ended with exit code 74", "order state working, 0 of 10 filled", "session opens at 08:00",
    "the access token expires in 1140 s", "authorization failed: ask for a login", "exit code: 75",
    "python main.py --single-cycle --dry-run --env SIM", "12.5 % of equity, limit is 10 %",
)  # fmt: skip
_HOSTS = ("bot-7.example.com", "DESKTOP-Q7R2K", "raspberrypi", "localhost", "ip-10-0-3-17", "vps1")


def _reference(random: Random) -> str:
    tail = "".join(random.choice(string.ascii_uppercase + "234567") for _ in range(10))
    day = f"{random.randrange(2017, 2027)}{random.randrange(1, 13):02}{random.randrange(1, 29):02}"
    return f"ATB-{day}-{random.randrange(24):02}{random.randrange(60):02}-{tail}"


def _symbol(random: Random) -> str:
    if random.random() < 0.3:
        return "".join(random.sample(_CURRENCIES, 2))
    ticker = "".join(random.choice(string.ascii_uppercase) for _ in range(random.randrange(1, 6)))
    return f"{ticker}{random.choice(('', '', 'b', '_B', '.A', '4'))}:{random.choice(_EXCHANGES)}"


def _time(random: Random) -> str:
    day = (
        f"{random.randrange(2000, 2027)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
    )
    clock = f"{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}"
    millis = f"{random.randrange(1000):03}"
    return random.choice(
        (f"{day}T{clock}Z", f"{day}T{clock}.{millis}Z", f"{day} {clock}+01:00", day)
    )


def _price(random: Random) -> str:
    exact = random.uniform(1e-4, 2e4)
    return random.choice((f"{exact:.2f}", f"{exact:.5f}", repr(exact), repr(exact / 1e9)))


def _file(random: Random) -> str:
    folder = random.choice(_FOLDERS)
    slash = "\\" if "\\" in folder else "/"
    return slash.join((folder, random.choice(_FILES).replace("/", slash)))


def _stack(random: Random) -> str:
    module = random.choice(_MODULES).replace(".", "/")
    line = random.randrange(400)
    return (
        "Traceback (most recent call last):\n"
        f'  File "{random.choice(_FOLDERS)}/src/tradebot/{module}.py", line {line},'
        " in run\n    answer = self._client.place(order, reference=reference, attempt=attempt)\n"
        f"             {'^' * 60}\n"
        '  File "/usr/lib/python3.11/site-packages/urllib3/connectionpool.py", line 7, in urlopen'
        f"\n    response = self._make_request(\nValueError: {random.choice(_ERRORS)}"
    )


def _run(random: Random) -> str:
    return str(uuid.UUID(bytes=random.randbytes(16), version=4))


def _digits(random: Random) -> str:
    return str(random.randrange(10**9, 10**11))


def _instrument(random: Random) -> str:
    return f"{random.choice(_TYPES)}:{random.randrange(1, 10**7)}"


def _answer(random: Random) -> str:
    code = random.choice([code for code in _ERROR_CODES if not code.isdigit()])
    return (
        f'{{"ErrorInfo":{{"ErrorCode":"{code}","Message":"{random.choice(_COMPANIES)}: refused"}}}}'
    )


def _holder(random: Random) -> str:
    return (
        f"pid={random.randrange(10**6)} start={_time(random)} run_id={_run(random)}"
        f" slot={_time(random)} phase={random.choice(_WORDS)}"
    )


_ANYWHERE: dict[str, Callable[[Random], str]] = {
    "order id": _digits,
    "reference": _reference,
    "symbol": _symbol,
    "price": _price,
    "time": _time,
    "path": lambda random: random.choice(_PATHS),
    "file": _file,
    "instrument": _instrument,
    "description": lambda random: random.choice(_COMPANIES),
    "error code": lambda random: random.choice(_ERROR_CODES),
    "code word": lambda random: random.choice(_WORDS),
    "error": lambda random: random.choice(_ERRORS),
    "sentence": lambda random: random.choice(_SENTENCES),
    "host": lambda random: random.choice(_HOSTS),
    "version": lambda random: f"{random.randrange(9)}.{random.randrange(99)}.{random.randrange(9)}",
    "strategy": lambda random: f"sma_cross/{random.randrange(9)}.0",
    "story": lambda random: (
        f"{_reference(random)} placed {random.randrange(999)} {_symbol(random)} at"
        f" {_price(random)} {random.choice(_CURRENCIES)} as {_digits(random)} on {_time(random)}"
    ),
    "list": lambda random: ",".join(_instrument(random) for _ in range(random.randrange(1, 8))),
}
_UNDER_A_FIELD: dict[str, Callable[[Random], str]] = {
    "stack": _stack,
    "run_id": _run,
    "killed_run_id": _run,
    "response_snippet": _answer,
    "holder": _holder,
    "saxo_request_id": lambda random: f"{random.randbytes(16).hex()}#123#{_run(random)}#42",
    "commit": lambda random: random.randbytes(20).hex(),
    "settings_fingerprint": lambda random: random.randbytes(6).hex(),
    "request_id": lambda random: random.choice((_run(random), _reference(random) + "-order")),
    "argv": lambda random: f"main.py --single-cycle --env {random.choice(('SIM', 'LIVE'))}",
}
DECLARED: dict[str, Callable[[Random], str]] = {
    "order_id": _digits,
    "external_reference": _reference,
    "bar_time": lambda random: f"{_time(random)[:10]}T00:00:00Z",
    "instrument_id": _instrument,
    "asset_type": lambda random: random.choice(_TYPES),
    "http_url_path": lambda random: random.choice(_PATHS[:6]),
    "failure_reason": lambda random: random.choice(_WORDS),
    "error_code": lambda random: random.choice(_ERROR_CODES),
    "average_price": lambda random: f"{random.uniform(0.01, 9999):.4f}",
    "currency": lambda random: random.choice(_CURRENCIES),
    "host": lambda random: random.choice(_HOSTS),
    "strategy": lambda random: f"sma_cross/{random.randrange(9)}.0",
    **{key: _UNDER_A_FIELD[key] for key in ("run_id", "commit", "request_id", "saxo_request_id")},
}
"""Fields of the bot, and values of their declared form: none of these may ever be masked."""


def ordinary(seed: object = 0, rounds: int = 60) -> Iterator[tuple[str, str]]:
    """About 64 values a round: every kind in free text, in a field nobody declared, in its own."""
    random = Random(f"{seed}")
    for _ in range(rounds):
        for make in _ANYWHERE.values():
            yield "msg", make(random)
            yield "exc_msg", f"while waiting: {make(random)}"
            yield "remark", make(random)
        for key, make in {**_UNDER_A_FIELD, **DECLARED}.items():
            yield key, make(random)
