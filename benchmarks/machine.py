"""The machine a run was made on: enough to judge the figures, nothing that names it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from benchmarks.peers import PEERS

_DISTRIBUTIONS = {
    "structlog": "structlog",
    "loguru": "loguru",
    "concurrent_log_handler": "concurrent-log-handler",
    "pythonjsonlogger": "python-json-logger",
    "picologging": "picologging",
}


def describe() -> dict[str, str]:
    """System, processor, Python and the versions of the peers."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "peers": ", ".join(_peers()) or "none installed",
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else "unknown"


def _peers() -> list[str]:
    packages = {peer.package for peer in PEERS if peer.package and peer.installed}
    names = sorted(_DISTRIBUTIONS[package] for package in packages)
    return [f"{name} {importlib.metadata.version(name)}" for name in names]
