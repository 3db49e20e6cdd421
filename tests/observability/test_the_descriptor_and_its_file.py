"""The number we write to, the file under it and the name over it can each become another's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.windows import posix
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import parse


def test_a_program_that_is_started_does_not_inherit_it(folder: Path) -> None:
    with setup_logging(folder, console=False) as session:
        assert session._log is not None
        assert not os.get_inheritable(session._log._fd)


@posix
def test_a_descriptor_that_is_another_files_by_now_is_not_closed(folder: Path) -> None:
    """Somebody closed ours, as daemons do with all they have, and opened something else."""
    with setup_logging(folder, console=False) as session:
        assert log_event("log_message", "one")
        assert session._log is not None
        ours = session._log._fd
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, ours)
        assert log_event("log_message", "two")
        assert os.fstat(ours).st_rdev == os.fstat(nothing).st_rdev
        os.close(ours)
        os.close(nothing)
    lines = (folder / "bot.log").read_text(encoding="utf-8").splitlines()
    assert [parse(line).fields["msg"] for line in lines] == ["one", "two"]


@posix
def test_a_file_that_is_begun_anew_begins_with_a_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one ended in a fragment, and was removed when our line was under way."""
    live = folder / "bot.log"
    write = os.write
    to_remove = [live]

    def remove_first(fd: int, data: bytes) -> int:
        while to_remove:
            to_remove.pop().unlink()
        return write(fd, data)

    with setup_logging(folder, console=False):
        live.write_text("2026-03-02T10:00:00.000Z | INFO  | a process that was kil")
        monkeypatch.setattr(os, "write", remove_first)
        assert log_event("log_message", "anew", level="WARN")
    [line] = live.read_text(encoding="utf-8").splitlines()
    assert parse(line).fields["msg"] == "anew"
