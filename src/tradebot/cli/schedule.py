"""`tradebot schedule`: when runs start, by which scheduler, and which did not."""

from __future__ import annotations

import importlib

import click

_MODULES = {
    "render": "files",
    "install": "files",
    "uninstall": "files",
    "status": "status",
    "verify": "verify",
    "preview": "preview",
    "explain": "preview",
    "missed": "missed",
    "lock": "lock",
}
"""Each command, and the module that has it: what one does not need, the other does not load."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"tradebot.cli._schedule_{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands)
def command() -> None:
    """Start runs by systemd, cron or the Windows Task Scheduler, and see which did not start."""
