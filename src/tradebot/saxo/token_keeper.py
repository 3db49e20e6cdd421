"""Keeps a pair of tokens from being lost between the login server's answer and the disk.

From the answer on the old refresh token is dead and the new one is in this process alone. So what
may fail or wait is done before the request, signals wait until the pair is saved, and a pair that
the disk refused stays in memory and is tried again: at once as another file, before anything else
is sent, and at the end of the process. docs/security.md says what remains.
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Iterator

from tradebot.clock import Clock, SystemClock
from tradebot.errors import BrokerUnavailable, StorageError, TradebotError
from tradebot.observability import log_event
from tradebot.saxo.held_signals import held_signals
from tradebot.saxo.refresh_lock import refresh_lock
from tradebot.saxo.token_endpoint import Keep
from tradebot.saxo.token_store import Replacement, StoredTokens, TokenStore

LOCK_TIMEOUT_SECONDS = 40.0
"""Longer than a refresh with its one repetition can take."""
_LAST_PATIENCE_SECONDS = 10.0


class TokenKeeper:
    """The one way for new tokens into `store`."""

    def __init__(self, store: TokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._unsaved: StoredTokens | None = None

    @contextlib.contextmanager
    def alone(self, patience: float = LOCK_TIMEOUT_SECONDS) -> Iterator[bool]:
        """The refresh lock, and what a dead process left taken up. Yields whether it is held.

        Raises StorageError, Terminated.
        """
        with refresh_lock(self._store.path, self._clock, timeout=patience) as held:
            if held and self._store.take_up():
                log_event("auth_tokens_taken_up")
            yield held

    @contextlib.contextmanager
    def ready(self) -> Iterator[Keep]:
        """Around one exchange of tokens, under the lock: gives what the new pair is to be given to.

        Raises StorageError before the exchange, and when the pair could not be saved after it.
        """
        with held_signals(), self._store.replacement() as place:
            yield lambda new: self._keep(new, place)

    def _keep(self, new: StoredTokens, place: Replacement) -> None:
        # In memory first, because the old one is dead whatever the disk does.
        self._unsaved = new
        try:
            self._store.put(new, place)
            self._unsaved = None
        except StorageError:
            atexit.register(self._save_at_last)
            self._save(new)  # another file, in another place of the disk

    def save_pending(self) -> bool:
        """Save what could not be saved before: nothing is sent while that is to be done.

        Was there something? Raises StorageError, BrokerUnavailable, Terminated.
        """
        if self._unsaved is None:
            return False
        with refresh_lock(self._store.path, self._clock, timeout=LOCK_TIMEOUT_SECONDS) as held:
            if not held:
                raise still_refreshing()
            self._save(self._unsaved)
        return True

    def _save(self, pair: StoredTokens) -> None:
        self._store.save(pair)
        self._unsaved = None
        self._store.take_up()  # what the first try left, and is in no need of

    def _save_at_last(self) -> None:
        """At the end of the process, with a clock that nobody has asked to stop."""
        if self._unsaved is None:
            return
        with (
            contextlib.suppress(TradebotError),  # has been said before, and the log is closed
            refresh_lock(self._store.path, SystemClock(), timeout=_LAST_PATIENCE_SECONDS) as held,
        ):
            if held:
                self._save(self._unsaved)


def still_refreshing() -> BrokerUnavailable:
    """For whoever has waited for another process's refresh in vain."""
    return BrokerUnavailable("another process is still refreshing the login's tokens")
