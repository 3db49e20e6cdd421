"""Lines as the log writes them, to be spoilt by tests."""

from __future__ import annotations

RUN = "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a"
SIX = f"run_id={RUN} cycle_id=42 dry_run=false single_cycle=true env=SIM strategy=sma_cross/1.0"


def line(
    fields: str = "msg=fine",
    *,
    time: str = "2025-12-17T07:12:03.214Z",
    level: str = "INFO ",
    component: str = "execution.placement",
    event: str = "log_message",
    six: str = SIX,
) -> str:
    """One line with its newline; without arguments, one with nothing wrong."""
    return f"{time} | {level} | {component} | {event} | {' '.join(filter(None, (six, fields)))}\n"
