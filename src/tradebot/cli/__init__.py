"""The `tradebot` command: one module of this package per command, loaded only when it is used.

A module `tradebot/cli/NAME.py` with a click command called `command` is the command NAME. Exit
codes of the operator's commands: 0 found, or nothing wrong; 1 nothing found, or problems found;
2 wrong use, or something could not be read. A command that runs the bot answers with the bot's own
exit codes. A closed pipe (`| head`) ends a command quietly with 141, as the shell reports SIGPIPE.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import click

from tradebot import __version__
from tradebot.errors import ExitCode, SettingsError, StorageError, TradebotError, UsageError

EXIT_USAGE = 2
EXIT_CLOSED_PIPE = 141
EXIT_INTERRUPTED = 130


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
        if not standalone_mode:
            return run()
        code = _exit_code(run)
        try:
            sys.exit(code if _flush_stdout() else EXIT_CLOSED_PIPE)
        except OSError as error:
            sys.exit(_tell_output(error))


def _exit_code(run: Callable[[], Any]) -> int:
    """What a command's end means for the shell. A command may return its exit code."""
    try:
        result = run()
    except click.ClickException as error:
        from tradebot.observability import mask_sensitive

        # It may repeat what was typed: an address with a login's code, for example.
        text = io.StringIO()
        error.show(file=text)
        click.echo(mask_sensitive(text.getvalue().rstrip("\n"), "msg"), err=True)
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except TradebotError as error:
        return _tell(error)
    except OSError as error:
        return _tell_output(error) if error.filename is None else _tell_bug(error)
    except Exception as error:  # noqa: BLE001 - the last frame: a bug must not print a secret
        return _tell_bug(error)
    return result if isinstance(result, int) else 0


@contextlib.contextmanager
def _closed_pipe_exits() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise click.exceptions.Exit(EXIT_CLOSED_PIPE) from None


def _flush_stdout() -> bool:
    """Write what is still buffered. False when the reader has gone: then stdout leads nowhere,
    so that the interpreter's own flush at exit has nothing to complain about."""
    if sys.stdout is None:  # closed by whoever started us
        return True
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False
    return True


def _tell(error: TradebotError) -> int:
    """Say what was wrong on stderr; return the exit code."""
    problems = error.problems if isinstance(error, SettingsError) else (str(error),)
    for problem in problems:
        click.echo(f"tradebot: {problem}", err=True)
    if isinstance(error, UsageError | SettingsError | StorageError):
        return EXIT_USAGE
    return int(error.exit_code)


def _tell_output(error: OSError) -> int:
    """The answer could not be written, to a full disk for example."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # or the interpreter's own flush at exit would fail once more
    os.close(nowhere)
    click.echo(f"tradebot: the output cannot be written: {error.strerror}", err=True)
    return EXIT_USAGE


def _tell_bug(error: Exception) -> int:
    """A traceback on stderr, masked as in the log: its texts may hold anything."""
    import traceback

    from tradebot.observability import mask_sensitive

    stack = "".join(traceback.format_exception(error)).rstrip("\n")
    click.echo(mask_sensitive(stack, "stack"), err=True)
    click.echo("tradebot: this is a bug; please report the lines above", err=True)
    return int(ExitCode.SOFTWARE)


@click.command(
    cls=CommandFolder,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`tradebot COMMAND --help` says more about each.",
)
@click.version_option(__version__, prog_name="tradebot")
def main() -> None:
    """Operate AI-Tradebot, an unattended trading bot for Saxo Bank accounts."""
