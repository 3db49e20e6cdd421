"""Slots: the stretches of time of which each has one run at most.

A scheduled run belongs to the slot in which it starts. Whatever makes a scheduler fire twice, late
or all at once (catching up after sleep, a reload, an hour that comes twice) then changes nothing.
Counted in UTC from the epoch, so that no time zone and no summer time moves them. Which slots are
taken or exhausted is in the journal; a run's lateness is decided here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def slot_start(now: datetime, cadence: float, offset: float = 0) -> datetime:
    """The beginning (UTC) of the slot that `now` (aware) lies in. Both lengths are in seconds."""
    length = _microseconds(cadence)
    shift = _microseconds(offset)
    passed = (now - _EPOCH) // _MICROSECOND - shift
    return _EPOCH + (passed // length * length + shift) * _MICROSECOND


def first_slot_after(moment: datetime, cadence: float, offset: float = 0) -> datetime:
    """The beginning of the first slot that begins after `moment`."""
    return slot_start(moment, cadence, offset) + _microseconds(cadence) * _MICROSECOND


def lateness(now: datetime, slot: datetime) -> float:
    """How many seconds into its slot a run starts."""
    return (now - slot).total_seconds()


def is_late(now: datetime, slot: datetime, max_lateness: float) -> bool:
    """Too late to trade on what the slot was for? Then it is skipped, and the skip recorded."""
    return lateness(now, slot) > max_lateness


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
