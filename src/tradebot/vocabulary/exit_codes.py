"""What each exit code means and what to do about it; the README's table has the same words."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.errors import ExitCode


@dataclass(frozen=True, slots=True)
class ExitMeaning:
    """One code. The texts are phrases, as they stand in a table."""

    code: ExitCode
    meaning: str
    next_step: str
    under_systemd: str
    """What the rendered service makes of it."""
    see: tuple[str, ...] = ()
    """Words of the log that say more."""


_FINE = "success"
_AGAIN = "failure, started again"
_NEVER = "failure, never started again"

EXIT_CODES = {
    one.code: one
    for one in (
        ExitMeaning(
            ExitCode.OK,
            "ran (rejections and partial data included), or skipped with a recorded reason",
            "nothing",
            _FINE,
        ),
        ExitMeaning(
            ExitCode.UNRESOLVED,
            "ran, and left an order unresolved",
            "nothing: the next run looks again; if it stays, `tradebot orders list --open` and "
            "docs/orders.md",
            _FINE,
            ("RECONCILIATION_NEEDED", "execution_order_unknown"),
        ),
        ExitMeaning(
            ExitCode.USAGE,
            "a command line nobody can mean",
            "correct it",
            _NEVER,
        ),
        ExitMeaning(
            ExitCode.UNAVAILABLE,
            "broker or all market data unavailable, or the clock is off",
            "it may pass; see `http_error`",
            _AGAIN,
            ("http_error", "marketdata_fetch_failure", "clock_skew"),
        ),
        ExitMeaning(
            ExitCode.SOFTWARE,
            "a bug",
            "report the `stack` of `unexpected_exception`",
            _AGAIN,
            ("unexpected_exception",),
        ),
        ExitMeaning(
            ExitCode.IOERR,
            "log or journal not writable; nothing further was sent",
            "see the message: disk, owner, permissions",
            _AGAIN,
            ("storage_error",),
        ),
        ExitMeaning(
            ExitCode.BUSY,
            "another run holds the lock",
            "nothing, unless often",
            _FINE,
            ("cycle_skip_overlap",),
        ),
        ExitMeaning(
            ExitCode.NOPERM,
            "login lost or refused",
            "`tradebot auth login`",
            _NEVER,
            ("auth_login_required",),
        ),
        ExitMeaning(
            ExitCode.CONFIG,
            "bad configuration",
            "`tradebot config check`",
            _NEVER,
            ("startup_config_invalid",),
        ),
        ExitMeaning(
            ExitCode.DEADLINE,
            "the run's own deadline passed",
            "nothing once; often: fewer instruments or a longer cadence",
            _NEVER,
            ("deadline_exceeded",),
        ),
        ExitMeaning(
            ExitCode.TERMINATED,
            "asked to stop",
            "nothing",
            _FINE,
            ("run_stopped", "terminated"),
        ),
        ExitMeaning(
            ExitCode.HUNG,
            "hung; ended by its own watchdog, with stacks on stderr",
            "report them",
            _AGAIN,
        ),
    )
}
