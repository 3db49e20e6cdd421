"""The `tradebot` command: one module of this package per command, loaded only when it is used.

A module `tradebot/cli/NAME.py` with a click command called `command` is the command NAME. What its
exit codes are: `tradebot.command_end`. A command that runs the bot answers with the bot's own.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import click

from tradebot import __version__
from tradebot.command_end import (
    EXIT_CLOSED_PIPE,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    end_with,
    tell,
)

__all__ = ["EXIT_USAGE", "main"]


class CommandFolder(click.Group):
    """A group whose commands are this package's modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command {args[0]!r}.{self._suggestion(ctx, args[0])}")
        return super().resolve_command(ctx, args)

    def _suggestion(self, ctx: click.Context, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, self.list_commands(ctx), n=1)
        return f" Did you mean {near[0]!r}?" if near else ""

    # A closed pipe can show up in both halves of `main`: --help is written by the first.

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _closed_pipe_exits():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _closed_pipe_exits():
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit: errors become one message on stderr and an exit code."""
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        return end_with(partial(_told_by_click, run)) if standalone_mode else run()


def _told_by_click(run: Callable[[], Any]) -> Any:
    """What the command returns, or the exit code of what click has to say instead."""
    try:
        return run()
    except click.ClickException as error:
        from tradebot.observability import mask_sensitive

        # It may repeat what was typed: an address with a login's code, for example.
        text = io.StringIO()
        error.show(file=text)
        tell(mask_sensitive(text.getvalue().rstrip("\n"), "msg"))
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED


@contextlib.contextmanager
def _closed_pipe_exits() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise click.exceptions.Exit(EXIT_CLOSED_PIPE) from None


@click.command(
    cls=CommandFolder,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`tradebot COMMAND --help` says more about each.",
)
@click.version_option(__version__, prog_name="tradebot")
def main() -> None:
    """Operate AI-Tradebot, an unattended trading bot for Saxo Bank accounts."""
