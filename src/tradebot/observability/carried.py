"""Fields that several lines carry: of a logger, of the surrounding code, of the whole session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from tradebot.observability.assembly import Assembler
from tradebot.observability.writers import Writers

Written = tuple[Writers | None, Mapping[str, str], tuple[str, ...]]


class Carried:
    """Fields that several lines carry: masked and written once for each set-up."""

    __slots__ = ("_written", "fields")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        self._written: Written = (None, {}, ())

    def written(self, assembler: Assembler, writers: Writers) -> Written:
        """What they were written with, the pairs and their keys: one tuple, so that no thread has
        the pairs of one moment and the mark of another."""
        written = self._written
        if written[0] is not writers:
            pairs = assembler.pairs(self.fields, writers)
            written = self._written = (writers, pairs, tuple(pairs))
        return written


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
