"""How an operator's command ends: what it answered reaches the reader, errors become one message.

Exit codes of the operator's commands: 0 found, or nothing wrong; 1 nothing found, or problems
found; 2 wrong use, or something could not be read or written. A closed pipe (`| head`) ends a
command quietly with 141, as the shell reports SIGPIPE.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from tradebot.errors import ExitCode, SettingsError, StorageError, TradebotError, UsageError
from tradebot.logtools.telling.table import harmless

EXIT_USAGE = 2
EXIT_CLOSED_PIPE = 141
EXIT_INTERRUPTED = 130


def end_with(run: Callable[[], Any]) -> NoReturn:
    """Carry a command out and exit. A command may return its exit code."""
    code = exit_code(run)
    try:
        sys.exit(code if _flush_stdout() else EXIT_CLOSED_PIPE)
    except OSError as error:
        sys.exit(_tell_output(error))


def exit_code(run: Callable[[], Any]) -> int:
    """What a command's end means for the shell; what went wrong is told on stderr."""
    try:
        result = run()
    except SystemExit as end:  # `--help` and wrong use, where argparse reads the command line
        if not isinstance(end.code, int):
            raise
        return end.code
    except KeyboardInterrupt:
        tell("")  # the terminal's ^C stands alone on its line
        return EXIT_INTERRUPTED
    except TradebotError as error:
        return _tell_known(error)
    except BrokenPipeError:
        return EXIT_CLOSED_PIPE
    except OSError as error:
        return _tell_output(error) if error.filename is None else _tell_bug(error)
    except Exception as error:  # noqa: BLE001 - the last frame: a bug must not print a secret
        return _tell_bug(error)
    return result if isinstance(result, int) else 0


def tell(text: str) -> None:
    """Lines on stderr, if there is one. They may repeat what was typed, and names of files: no
    escape sequence in them reaches the terminal."""
    if sys.stderr is not None:
        sys.stderr.write("\n".join(map(harmless, text.split("\n"))) + "\n")
        sys.stderr.flush()


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


def _tell_known(error: TradebotError) -> int:
    """Say what was wrong; return the exit code."""
    problems = error.problems if isinstance(error, SettingsError) else (str(error),)
    for problem in problems:
        tell(f"tradebot: {problem}")
    if isinstance(error, UsageError | SettingsError | StorageError):
        return EXIT_USAGE
    return int(error.exit_code)


def _tell_output(error: OSError) -> int:
    """The answer could not be written, to a full disk for example."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # or the interpreter's own flush at exit would fail once more
    os.close(nowhere)
    tell(f"tradebot: the output cannot be written: {error.strerror}")
    return EXIT_USAGE


def _tell_bug(error: Exception) -> int:
    """A traceback, masked as in the log: its texts may hold anything."""
    import traceback

    from tradebot.observability import mask_sensitive

    stack = "".join(traceback.format_exception(error)).rstrip("\n")
    tell(mask_sensitive(stack, "stack"))
    tell("tradebot: this is a bug; please report the lines above")
    return int(ExitCode.SOFTWARE)
