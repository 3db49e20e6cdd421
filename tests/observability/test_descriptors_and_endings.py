"""What is printed past the log does not end up in it, nor show a secret."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.windows import posix
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import parse

SECRET = "Zx81kQpV77LmT0aB"


def run(code: str, folder: Path, redirections: str = "") -> subprocess.CompletedProcess[str]:
    script = folder.parent / "program.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    command = f'exec "$0" "$1" "$2" {redirections}'
    return subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(script), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )


@posix
@pytest.mark.parametrize("redirections", ["<&- >&- 2>&-", ">&- 2>&-", "2>&-"])
def test_with_closed_streams_nothing_that_is_printed_is_in_the_log(
    folder: Path, redirections: str
) -> None:
    run(
        """
        import os, sys
        from tradebot.observability import log_event, setup_logging
        session = setup_logging(sys.argv[1], console=False)
        log_event("log_message", "one")
        os.write(2, b"raw\\n")
        """,
        folder,
        redirections,
    )
    (line,) = (folder / "bot.log").read_text().splitlines()
    assert parse(line).fields["msg"] == "one"


@posix
def test_the_text_a_program_exits_with_is_masked(folder: Path) -> None:
    done = run(
        f"""
        import sys
        from tradebot.observability import register_secret, setup_logging
        with setup_logging(sys.argv[1], console=False):
            register_secret({SECRET!r})
            sys.exit("cannot log in with {SECRET}")
        """,
        folder,
    )
    assert (done.returncode, done.stderr) == (1, "cannot log in with ***\n")


@posix
def test_a_descriptor_that_became_another_files_is_noticed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "journal.db"
    with setup_logging(folder, console=False) as session:
        assert session._log is not None
        log_event("log_message", "one", level="WARN")
        descriptor = os.open(other, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, session._log._fd)
        session._log._seen_at = -1.0  # more than a moment later
        assert log_event("log_message", "two", level="WARN")
        assert log_event("log_message", "three", level="WARN")
        os.close(descriptor)
    texts = [parse(line).fields["msg"] for line in (folder / "bot.log").read_text().splitlines()]
    assert texts == ["one", "two", "three"]
    assert other.read_text().count("\n") == 1
