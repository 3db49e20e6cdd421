"""The program called by another one: a bug leaves its stack, and signals are given back."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from support.program import log_text, run
from tradebot.observability.line import parse


def test_what_nobody_expected_leaves_its_stack_and_the_right_code(tmp_path: Path) -> None:
    program = """
        import sys
        from tradebot import app

        def surprise(settings):
            raise ZeroDivisionError("of all things")

        app._log_configuration = surprise
        sys.exit(app.main(["--single-cycle"]))
    """
    done = run([sys.executable, "-c", textwrap.dedent(program)], tmp_path)
    assert done.returncode == 70
    last = parse(log_text(tmp_path).splitlines()[-1])
    assert last.event == "unexpected_exception"
    assert (last.fields["exc_type"], last.fields["exc_msg"]) == (
        "ZeroDivisionError",
        "of all things",
    )
    assert ", in surprise\n" in last.fields["stack"]
    assert f"its stack is in {tmp_path / 'logs' / 'bot.log'}" in done.stderr.splitlines()[-1]


def test_signal_handlers_are_those_of_before(tmp_path: Path) -> None:
    program = """
        import signal
        from tradebot import app

        names = (signal.SIGTERM, signal.SIGINT)
        before = [signal.getsignal(name) for name in names]
        assert app.main(["--single-cycle"]) == 78
        assert [signal.getsignal(name) for name in names] == before
    """
    done = run([sys.executable, "-c", textwrap.dedent(program)], tmp_path, SAXO_ENV="MARS")
    assert done.returncode == 0, done.stderr
