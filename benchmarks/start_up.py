"""A whole process: start, import, set-up, one event, end; CPU time over a bare Python."""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time

from benchmarks import measure

_OURS = """
from tradebot.observability import build_log_context, log_event, setup_logging
from tradebot.vocabulary import CATALOGUE
context = build_log_context("0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a", 1, dry_run=True,
    single_cycle=True, env="SIM", strategy="sma_cross/1.0")
with setup_logging("logs", context=context, catalogue=CATALOGUE, console=False):
    log_event("startup_begin", version="1.0", pid=1)
"""
_STDLIB = """
import logging
logging.basicConfig(filename="bot.log", level="INFO", format="%(asctime)s %(message)s")
logging.info("startup_begin version=1.0 pid=1")
"""
_STRUCTLOG = """
import structlog
structlog.configure(processors=[structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"), structlog.processors.LogfmtRenderer()],
    logger_factory=structlog.WriteLoggerFactory(open("bot.log", "a")))
structlog.get_logger().info("startup_begin", version="1.0", pid=1)
"""
_LOGURU = """
from loguru import logger
logger.remove()
logger.add("bot.log")
logger.info("startup_begin version=1.0 pid=1")
"""
_CLH = """
import logging
from concurrent_log_handler import ConcurrentRotatingFileHandler
logging.getLogger().addHandler(ConcurrentRotatingFileHandler("bot.log", maxBytes=1 << 20))
logging.warning("startup_begin version=1.0 pid=1")
"""
_JSON = """
import logging
from pythonjsonlogger.json import JsonFormatter
handler = logging.FileHandler("bot.log")
handler.setFormatter(JsonFormatter("%(asctime)s %(message)s"))
logging.getLogger().addHandler(handler)
logging.warning("startup_begin", extra={"version": "1.0", "pid": 1})
"""
_PICOLOGGING = """
import picologging
picologging.basicConfig(filename="bot.log", level=picologging.INFO)
picologging.info("startup_begin version=1.0 pid=1")
"""

PROGRAMS: dict[str, tuple[str, str, str | None]] = {
    "bare": ("Python alone", "", None),
    "ours": ("tradebot, with the vocabulary", _OURS, None),
    "stdlib": ("logging", _STDLIB, None),
    "structlog": ("structlog", _STRUCTLOG, "structlog"),
    "loguru": ("loguru", _LOGURU, "loguru"),
    "clh": ("concurrent-log-handler", _CLH, "concurrent_log_handler"),
    "json": ("python-json-logger", _JSON, "pythonjsonlogger"),
    "picologging": ("picologging", _PICOLOGGING, "picologging"),
}


def run(rounds: int) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """{program: CPU and wall milliseconds}, and how much more than a bare Python."""
    missing = {
        name: "not installed"
        for name, (_title, _code, package) in PROGRAMS.items()
        if package and importlib.util.find_spec(package) is None
    }
    here = [name for name in PROGRAMS if name not in missing]
    for name in here:
        sample(name)  # writes the byte code
    taken, failed = measure.in_turn(rounds, here, sample)
    figures = {name: measure.medians(samples) for name, samples in taken.items()}
    for name, samples in taken.items():
        figures[name]["over_bare"] = statistics.median(
            [one["cpu"] - bare["cpu"] for one, bare in zip(samples, taken["bare"], strict=False)]
        )
    return figures, {PROGRAMS[name][0]: why for name, why in (missing | failed).items()}


def sample(name: str) -> dict[str, float]:
    """One process; milliseconds."""
    with measure.scratch() as folder:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAMS[name][1]],
            env=measure.environment(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise measure.ChildFailed(f"exit code {process.returncode}")
    return {"cpu": (usage.ru_utime + usage.ru_stime) * 1e3, "wall": wall * 1e3}
