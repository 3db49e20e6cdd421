"""Who hears a logger: our handlers alone, or somebody else as well?"""

from __future__ import annotations

import logging
from collections.abc import Sequence

_root = logging.getLogger()


def only_these_hear(ours: Sequence[logging.Handler], logger: logging.Logger) -> bool:
    """Are our handlers (the file's first), as they were set up, all that hears this logger?"""
    if logger.filters:
        return False
    node: logging.Logger | None = logger
    while node is not _root:
        if node is None or node.handlers or not node.propagate:
            return False
        node = node.parent
    if _root.handlers != ours:
        return False
    for handler in ours:
        if len(handler.filters) != 1:
            return False
    return not ours or ours[0].level == logging.NOTSET


def would_take(ours: Sequence[logging.Handler], logger: logging.Logger, level: int) -> bool:
    """Could a record of this level reach our file, if nobody's filter kept it back?"""
    attached = all(handler in _root.handlers for handler in ours)
    return attached and logger.isEnabledFor(level) and level >= ours[0].level
