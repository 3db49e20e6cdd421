"""Fields that several lines carry: of a logger, of the surrounding code, of the whole session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from tradebot.observability.assembly import Assembler
from tradebot.observability.writers import Writers

Pairs = Mapping[str, str]


class Carried:
    """Fields that several lines carry: masked and written once for each set-up."""

    __slots__ = ("_with", "_written", "fields")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        self._written: tuple[Pairs, tuple[str, ...]] = ({}, ())
        self._with: Writers | None = None

    def written(self, assembler: Assembler, writers: Writers) -> tuple[Pairs, tuple[str, ...]]:
        """The pairs and their keys, as the assembler's present `writers` write them."""
        if self._with is not writers:
            pairs = assembler.pairs(self.fields)
            # One tuple, so that a thread never has the keys of one and the pairs of another; and
            # it comes first, so that none takes the old ones for the new.
            self._written = (pairs, tuple(pairs))
            self._with = writers
        return self._written


NOTHING = Carried({})

_bound: ContextVar[Carried] = ContextVar("tradebot_bound", default=NOTHING)


def bound_now() -> Carried:
    """The fields bound to the current context."""
    return _bound.get()


@contextlib.contextmanager
def bind(**fields: object) -> Iterator[None]:
    """Put `fields` on every line logged inside the `with`, whatever module logs it.

    Bindings nest, the innermost wins, and a field given in the call wins over all. Each thread
    and task has its own; a new thread begins without.
    """
    token = _bound.set(Carried({**_bound.get().fields, **fields}))
    try:
        yield
    finally:
        _bound.reset(token)
