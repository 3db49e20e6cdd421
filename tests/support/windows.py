"""Which Windows is this: none, Wine, or Windows itself?"""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    import ctypes

    UNDER_WINE = hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
else:
    UNDER_WINE = False

windows = pytest.mark.skipif(sys.platform != "win32", reason="Windows only: make test-windows")
posix = pytest.mark.skipif(
    sys.platform == "win32",
    reason="POSIX only: file modes, links, unlinking open files, fork, SIGTERM",
)
not_under_wine = pytest.mark.skipif(
    UNDER_WINE,
    reason="Wine looks up a file's end and writes there in two steps; Windows does it in one",
)
