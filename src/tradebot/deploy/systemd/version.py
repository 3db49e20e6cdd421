"""Which systemd is installed, and what came with which version."""

from __future__ import annotations

import re

from tradebot.deploy.plan import call

ONESHOT_RESTART = 245
"""From this version on a oneshot service may have Restart=on-failure."""
OLDEST = 247
"""Debian 11: LoadCredential= and ProtectProc= are known."""
DEFER_REACTIVATION = 257
"""A timer whose service ran longer than the cadence waits for the next slot."""


def systemd_version() -> int:
    """`systemctl --version` as a number; 0 where there is no systemd."""
    found = re.match(r"systemd (\d+)", call(["systemctl", "--version"]).stdout)
    return int(found[1]) if found else 0
