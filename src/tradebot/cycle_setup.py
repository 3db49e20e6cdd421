"""The desk of one cycle: the account, and the tools that only make sense with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tradebot.clock import Clock
from tradebot.deciding import MarketReader
from tradebot.errors import RequestRefused, SettingsError
from tradebot.execution.account import ExecutionPolicy, TradingAccount
from tradebot.execution.completion import Completion
from tradebot.execution.guards import Guards
from tradebot.execution.reconciliation import Reconciler
from tradebot.execution.recovery import Recovery
from tradebot.execution.references import account_hash
from tradebot.execution.trade_executor import TradeExecutor
from tradebot.journal import Journal, Origin
from tradebot.market.bars import BarSource
from tradebot.market.cache import FileCache
from tradebot.market.instruments import InstrumentSource
from tradebot.market.quotes import QuoteSource
from tradebot.market.sessions import SessionSource, last_known_sessions
from tradebot.model import InstrumentId
from tradebot.observability import bind
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.messages import Account
from tradebot.scheduling.deadline import Deadline
from tradebot.scheduling.hours import HoursConfig
from tradebot.scheduling.missed import Expectation
from tradebot.settings import Settings
from tradebot.strategies.base import Strategy


@dataclass(frozen=True, slots=True)
class Desk:
    """What the later steps of a cycle use."""

    broker: SaxoClient
    journal: Journal
    account: TradingAccount
    policy: ExecutionPolicy
    strategy: str
    reconciler: Reconciler
    recovery: Recovery
    reader: MarketReader
    sessions: SessionSource
    executor: TradeExecutor

    def named(self) -> AbstractContextManager[None]:
        """Every line inside says whose order it is about; the keys are masked by the log."""
        return bind(client_key=self.account.client_key, account_key=self.account.account_key)

    def guards(self, now: datetime) -> Guards:
        """The guards, with the broker's net positions as they are now. Raises BrokerError."""
        return Guards(
            self.journal,
            self.account,
            self.policy,
            strategy=self.strategy,
            broker_positions=broker_positions(self.broker, self.account),
            now=now,
        )


def make_desk(
    *,
    settings: Settings,
    clock: Clock,
    journal: Journal,
    broker: SaxoClient,
    strategy: Strategy,
    account: TradingAccount,
    origin: Origin,
    deadline: Deadline,
    cache_folder: Path,
    is_alone: Callable[[], bool],
) -> Desk:
    """Everything that needs the account, for one cycle. Sends nothing.

    `is_alone` says whether the run's locks still stand where they were taken.
    """
    policy = policy_of(settings)
    cache = FileCache(cache_folder)
    completion = completion_of(settings, journal, clock)
    reconciler = Reconciler(
        broker,
        journal,
        clock,
        account,
        completion,
        grace_seconds=policy.reconcile_grace_seconds,
    )
    quotes = QuoteSource(
        broker,
        clock,
        account_key=account.account_key,
        max_delay_minutes=settings.max_quote_delay_minutes,
        staleness_seconds=settings.data_staleness_seconds,
    )
    reader = MarketReader(
        InstrumentSource(broker, clock, cache),
        quotes,
        BarSource(broker, clock, cache, strategy.horizon_minutes),
        clock,
    )
    executor = TradeExecutor(
        broker,
        journal,
        clock,
        reconciler,
        completion,
        account,
        policy,
        origin,
        deadline_passed=lambda: deadline.passed,
        is_alone=is_alone,
    )
    return Desk(
        broker=broker,
        journal=journal,
        account=account,
        policy=policy,
        strategy=strategy.name,
        reconciler=reconciler,
        recovery=Recovery(broker, journal, clock, account, reconciler),
        reader=reader,
        sessions=SessionSource(broker, clock, cache),
        executor=executor,
    )


def choose_account(broker: SaxoClient, settings: Settings) -> TradingAccount:
    """The account to trade on: SAXO_ACCOUNT_KEY, or the only one, or the client's default.

    Raises SettingsError when the configured account is not among the login's, BrokerError.
    """
    accounts = [account for account in broker.accounts() if account.active is not False]
    wanted = settings.saxo_account_key
    if wanted is None and len(accounts) != 1:
        wanted = broker.client().default_account_key or ""
    chosen = _pick(accounts, wanted)
    client_key = settings.saxo_client_key or chosen.client_key
    if chosen.client_key is not None and client_key != chosen.client_key:
        # The audit log of another client would show none of our orders.
        raise SettingsError(
            [
                "The account belongs to another client than the one that SAXO_CLIENT_KEY names."
                " Leave it unset, or correct it."
            ]
        )
    return TradingAccount(
        account_key=chosen.account_key,
        client_key=client_key or broker.client().client_key,
        currency=chosen.currency or "",
        hash=account_hash(chosen.account_key),
        account_id=chosen.account_id,
    )


def _pick(accounts: list[Account], wanted: str | None) -> Account:
    for account in accounts:
        if wanted in (None, account.account_key):
            return account
    if not accounts:
        raise RequestRefused("The broker shows no active account for this login.")
    raise SettingsError(
        [
            f"None of the login's {len(accounts)} active accounts is the one that SAXO_ACCOUNT_KEY"
            " names. Name one of them, or leave it unset where the client has a default account."
        ]
    )


def broker_positions(broker: SaxoClient, account: TradingAccount) -> dict[InstrumentId, Decimal]:
    """The account's net position by instrument, signed. Raises BrokerError."""
    held: dict[InstrumentId, Decimal] = {}
    for position in broker.net_positions():
        base = position.net_position_base
        if base.account_id is None or account.account_id in (None, base.account_id):
            held[base.instrument] = held.get(base.instrument, Decimal(0)) + base.amount
    return held


def completion_of(settings: Settings, journal: Journal, clock: Clock) -> Completion:
    """What ends intents; needs no account, so that a run can put lines right before it has one."""
    return Completion(journal, clock, max_failures=settings.max_consecutive_failures)


def policy_of(settings: Settings) -> ExecutionPolicy:
    """The execution policy that the settings ask for."""
    return ExecutionPolicy(
        dry_run=settings.dry_run,
        order_type=settings.order_type,
        max_slippage_bps=settings.max_slippage_bps,
        max_trades_per_day=settings.max_trades_per_day,
        max_position_value=settings.max_position_value,
        disclaimer_policy=settings.disclaimer_policy,
        data_staleness_seconds=settings.data_staleness_seconds,
        reconcile_grace_seconds=settings.reconcile_grace_seconds,
    )


def expectation_of(settings: Settings, cache_folder: Path) -> Expectation:
    """In which slots a run was to be expected, by what was last known of the trading hours."""
    sessions = None
    if settings.trading_hours_mode == "instrument":
        instruments = [item.instrument for item in settings.watchlist]
        sessions = last_known_sessions(FileCache(cache_folder), instruments)
    return Expectation(
        cadence=settings.schedule_cadence,
        offset=settings.schedule_offset_seconds,
        hours=HoursConfig.of(settings),
        deadline=settings.cycle_deadline_seconds,
        sessions=sessions,
    )
