"""Asking Windows: what is registered, how it went, what its records say.

Texts of Windows come in whichever encoding the program likes, and in the user's language: so only
XML and numbers are read.
"""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tradebot.errors import StorageError

_LIMIT_SECONDS = 60
_ZERO = b"\x00"
_NEVER = 2000
"""A task that has never run did so, to Windows, on 1999-11-30."""

# Only numbers and times that are the same in every language; base64 for what may be neither.
_ASK = """
$ErrorActionPreference = 'Stop'
$task = Get-ScheduledTask -TaskPath '{path}\\' -TaskName '{name}'
$info = $task | Get-ScheduledTaskInfo
function Moment($time) {{
  if ($time) {{ $time.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ') }} else {{ $null }}
}}
$user = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([string]$task.Principal.UserId))
@{{
  state = [int]$task.State
  user = $user
  last_run = Moment $info.LastRunTime
  last_result = [long]$info.LastTaskResult
  next_run = Moment $info.NextRunTime
  missed = [int]$info.NumberOfMissedRuns
}} | ConvertTo-Json -Compress
"""
_STATES = ("unknown", "disabled", "queued", "ready", "running")


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """How a registered task is doing; times are UTC."""

    state: str
    user: str
    last_run: datetime | None
    last_result: int
    next_run: datetime | None
    missed: int


def exported(task: str) -> str | None:
    """The XML of a registered task; None when there is none that this user may see.

    Raises StorageError when there is no Task Scheduler to ask.
    """
    done = ask("schtasks", "/query", "/tn", task, "/xml")
    text = decode(done.stdout)
    if done.returncode == 127:
        raise StorageError(f"schtasks cannot be started: {decode(done.stderr)}")
    begin = text.find("<")
    return text[begin:] if done.returncode == 0 and begin >= 0 else None


def task_info(task: str) -> TaskInfo | None:
    """None when Windows does not say, as without PowerShell."""
    path, _, name = task.rpartition("\\")
    script = _ASK.format(path=path, name=name)
    done = ask("powershell", "-NoProfile", "-NonInteractive", "-Command", script)
    if done.returncode:
        return None
    try:
        return _info(json.loads(decode(done.stdout)))
    except (ValueError, KeyError, TypeError):  # another PowerShell, another answer
        return None


def _info(said: dict[str, object]) -> TaskInfo:
    state = int(str(said["state"]))
    return TaskInfo(
        state=_STATES[state] if 0 <= state < len(_STATES) else _STATES[0],
        user=codecs.decode(str(said["user"]).encode(), "base64").decode("utf-8"),
        last_run=_moment(said["last_run"]),
        last_result=int(str(said["last_result"])),
        next_run=_moment(said["next_run"]),
        missed=int(str(said["missed"])),
    )


def _moment(text: object) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(str(text)).astimezone(UTC)
    return found if found.year >= _NEVER else None


def ask(*argv: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program of Windows. One that is missing answers 127, a hanging one 124.

    It writes into files: a pipe would be waited for as long as anything that it started lives.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(  # noqa: S603 - the words are ours, and no shell reads them
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                timeout=_LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _failed(argv, 124, f"no answer in {_LIMIT_SECONDS} s")
        except OSError as error:
            return _failed(argv, 127, error.strerror or "it is missing")
        for file in (out, errors):
            file.seek(0)
        return subprocess.CompletedProcess(argv, done.returncode, out.read(), errors.read())


def _failed(argv: Sequence[str], code: int, why: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.CompletedProcess(argv, code, b"", f"{argv[0]}: {why}".encode())


def decode(data: bytes) -> str:
    """UTF-16 with or without its mark, UTF-8, else the console's own code page."""
    for mark, name in (
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (codecs.BOM_UTF8, "utf-8-sig"),
    ):
        if data.startswith(mark):
            return data.decode(name, "replace")
    if data[1:2] == _ZERO:
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("oem" if sys.platform == "win32" else "cp850", "replace")


def is_windows() -> bool:
    return os.name == "nt"
