"""May this run trade now? One pure answer, for the bot and for a preview of the schedule alike."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from tradebot.model import InstrumentId

if TYPE_CHECKING:
    from tradebot.scheduling.windows import Interval, Week
    from tradebot.settings import Settings

# Documented in Saxo's reference for ref/v1/instruments/tradingschedule: the state of ordinary
# trading; all others (auctions, breaks, before and after hours) do not take plain market orders.
OPEN_STATE = "AutomatedTrading"
# How far ahead the next opening is looked for. No market is closed for longer.
_HORIZON = timedelta(days=40)


class SkipReason(enum.StrEnum):
    """Why nothing may be traded now."""

    NOT_A_TRADING_DAY = "not_a_trading_day"
    BEFORE_OPEN = "before_open"
    AFTER_CLOSE = "after_close"
    HOLIDAY = "holiday"
    HALF_DAY = "half_day"
    ALL_INSTRUMENTS_CLOSED = "all_instruments_closed"
    SESSIONS_UNKNOWN = "sessions_unknown"


class ClosedReason(enum.StrEnum):
    """Why one instrument is left out of a run."""

    MARKET_CLOSED = "market_closed"
    SESSIONS_UNKNOWN = "sessions_unknown"


class Session(Protocol):
    """One stretch of an instrument's trading schedule at the broker; times are aware."""

    @property
    def start_time(self) -> datetime: ...
    @property
    def end_time(self) -> datetime: ...
    @property
    def state(self) -> str: ...


Sessions = Mapping[InstrumentId, Sequence[Session]]
"""For every watched instrument its sessions; empty when they could not be learnt."""


@dataclass(frozen=True, slots=True)
class HoursConfig:
    """The settings that decide about trading hours."""

    mode: str
    """always, fixed or instrument."""
    days: frozenset[int] = frozenset(range(5))
    start: time | None = None
    end: time | None = None
    timezone: str = "UTC"
    holidays: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> HoursConfig:
        return cls(
            mode=settings.trading_hours_mode,
            days=settings.trading_days,
            start=settings.trading_start,
            end=settings.trading_end,
            timezone=settings.timezone,
            holidays=settings.trading_holidays,
        )

    def week(self) -> Week:
        """The plan of mode `fixed`. Raises ValueError when the window is incomplete."""
        from tradebot.scheduling.windows import make_week

        if self.start is None or self.end is None:
            raise ValueError("fixed trading hours need TRADING_START and TRADING_END")
        return make_week(self.days, self.start, self.end, self.timezone, self.holidays)


@dataclass(frozen=True, slots=True)
class Run:
    """Trade, except for the instruments in `closed`."""

    closed: Mapping[InstrumentId, ClosedReason] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not trade. `next_open` is when that changes (UTC), as far as is known."""

    reason: SkipReason
    next_open: datetime | None


def decide(now: datetime, config: HoursConfig, sessions: Sessions | None = None) -> Run | Skip:
    """Run or skip. `now` is aware; `sessions` are only looked at in mode `instrument`.

    Raises ValueError for a naive `now` or an incomplete configuration.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    now = now.astimezone(UTC)
    if config.mode == "fixed":
        return _decide_fixed(now, config.week())
    if config.mode == "instrument":
        return _decide_by_instrument(now, sessions or {})
    return Run()


def _decide_fixed(now: datetime, week: Week) -> Run | Skip:
    window = next(week.open(now, now + _HORIZON), None)
    if window is not None and window[0] <= now:
        return Run()
    return Skip(_why_closed(now, week), None if window is None else window[0])


def _why_closed(now: datetime, week: Week) -> SkipReason:
    today = now.astimezone(week.zone).date()
    planned = week.around(now) or week.planned(today)
    if planned is None:
        return SkipReason.NOT_A_TRADING_DAY
    within = planned[0] <= now < planned[1]
    if within or next(week.open(*planned), None) is None:
        closing = week.closed_from(now if within else planned[0])
        return SkipReason.HOLIDAY if closing == time(0) else SkipReason.HALF_DAY
    return SkipReason.BEFORE_OPEN if now < planned[0] else SkipReason.AFTER_CLOSE


def _decide_by_instrument(now: datetime, sessions: Sessions) -> Run | Skip:
    closed = {
        instrument: reason
        for instrument, plan in sessions.items()
        if (reason := _why_instrument_closed(now, plan)) is not None
    }
    if len(closed) < len(sessions):
        return Run(MappingProxyType(closed))
    openings = [
        session.start_time.astimezone(UTC)
        for plan in sessions.values()
        for session in plan
        if session.state == OPEN_STATE and now < session.start_time < session.end_time
    ]
    if ClosedReason.MARKET_CLOSED in closed.values():
        return Skip(SkipReason.ALL_INSTRUMENTS_CLOSED, min(openings, default=None))
    return Skip(SkipReason.SESSIONS_UNKNOWN, min(openings, default=None))


def _why_instrument_closed(now: datetime, plan: Sequence[Session]) -> ClosedReason | None:
    """None when open. A plan that says nothing about now is as good as none."""
    states = {session.state for session in plan if session.start_time <= now < session.end_time}
    if not states:
        return ClosedReason.SESSIONS_UNKNOWN
    return None if OPEN_STATE in states else ClosedReason.MARKET_CLOSED


def open_intervals(
    since: datetime, until: datetime, config: HoursConfig, sessions: Sessions | None = None
) -> Iterator[Interval]:
    """The parts of [since, until) in which `decide` says Run: ascending and apart."""
    if config.mode == "fixed":
        found: Iterable[Interval] = config.week().open(since, until)
    elif config.mode == "instrument":
        found = _open_sessions(sessions or {})
    else:
        found = [(since, until)]
    clipped = ((max(begin, since), min(end, until)) for begin, end in found)
    return _merge((begin, end) for begin, end in clipped if begin < end)


def _open_sessions(sessions: Sessions) -> list[Interval]:
    return sorted(
        (session.start_time.astimezone(UTC), session.end_time.astimezone(UTC))
        for plan in sessions.values()
        for session in plan
        if session.state == OPEN_STATE
    )


def _merge(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Join intervals that touch or overlap; they come sorted by their beginning."""
    current: Interval | None = None
    for begin, end in intervals:
        if current is not None and begin <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield current
        current = (begin, end)
    if current is not None:
        yield current
