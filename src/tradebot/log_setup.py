"""The log as the settings ask for it: for a run, and for the commands that write to it, too."""

from __future__ import annotations

from tradebot.observability import Session, build_log_context, register_secret, setup_logging
from tradebot.observability.console import Show
from tradebot.settings import Settings
from tradebot.vocabulary import CATALOGUE


def open_log(
    settings: Settings,
    run_id: str,
    *,
    single_cycle: bool,
    console: Show | bool,
    strict: bool = False,
) -> Session:
    """Start logging; close the session (or use it in a `with`). Raises StorageError.

    Every secret of the settings is known to the redaction before the first line is written.
    """
    for secret in settings.secrets():
        register_secret(secret)
    return setup_logging(
        settings.log_dir,
        level=settings.log_level,
        console_level=settings.log_console_level,
        rotation_mode=settings.log_rotation_mode,
        retention_days=settings.log_retention_days,
        max_bytes=settings.log_max_bytes,
        backup_count=settings.log_backup_count,
        max_total_mb=settings.log_max_total_mb,
        queue=settings.log_queue,
        context=build_log_context(
            run_id, dry_run=settings.dry_run, single_cycle=single_cycle, env=settings.saxo_env
        ),
        catalogue=CATALOGUE,
        strict=strict,
        console=console,
    )
