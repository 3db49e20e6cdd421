"""The interpreter's hooks, when they cannot do their work: nothing is printed raw even then."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import types
from pathlib import Path

from tradebot.observability import setup_logging
from tradebot.observability.line import parse

SECRET = "hunter2hunter2hunter2"


def test_a_hook_that_fails_says_what_it_was_for_and_lets_nothing_escape(folder: Path) -> None:
    program = f"""
        import sys, threading
        from tradebot.observability import register_secret, setup_logging
        register_secret("{SECRET}")
        class Dying:
            def __del__(self):
                raise ValueError("{SECRET} 1")
        class Fatal(Exception):
            def __str__(self):
                raise SystemExit("{SECRET}")
        def fail(error):
            raise error
        def broken(level, line):
            raise SystemExit("{SECRET}")
        setup_logging(sys.argv[1], console=broken, strict=True)
        dying = Dying()
        del dying
        for error in (KeyError("{SECRET} 2"), Fatal()):
            thread = threading.Thread(target=fail, args=(error,))
            thread.start()
            thread.join()
        raise RuntimeError("{SECRET} 3")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "tradebot: ValueError: *** 1 (it could not be logged)",
        "tradebot: KeyError: '*** 2' (it could not be logged)",
        "tradebot: an exception could not be shown",
        "tradebot: RuntimeError: *** 3 (it could not be logged)",
    ]


class Proxy:
    """Stands for something that is gone, as those of some frameworks do."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError("outside of its context")


def test_what_failed_is_logged_though_it_cannot_be_named(folder: Path, bare_root: str) -> None:
    error = ValueError("the reason")
    failed = types.SimpleNamespace(
        exc_type=ValueError, exc_value=error, exc_traceback=None, err_msg=None, object=Proxy()
    )
    with setup_logging(folder, console=False, strict=True):
        sys.unraisablehook(failed)
    [line] = map(parse, (folder / "bot.log").read_text().splitlines())
    assert line.fields["msg"] == "Exception ignored in: Proxy"
    assert line.fields["exc_msg"] == "the reason"
