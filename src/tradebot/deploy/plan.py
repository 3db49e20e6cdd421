"""A change to the machine: shown first, made whole or not at all, and able to be taken back."""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tradebot.errors import StorageError

_LOCALE = {"LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text that is written, changed or removed. None: not there."""

    label: str
    """What people call it: a path, `crontab of root`, a task's name."""
    before: str | None
    after: str | None
    path: Path | None = None
    """The file to write; None when a command of the plan makes the change."""
    mode: int = 0o644

    def diff(self) -> Iterator[str]:
        """A unified diff; nothing when nothing changes."""
        return difflib.unified_diff(
            (self.before or "").splitlines(),
            (self.after or "").splitlines(),
            "/dev/null" if self.before is None else self.label,
            "/dev/null" if self.after is None else self.label,
            lineterm="",
        )


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is run when the texts are written. It must succeed, unless `may_fail`."""

    argv: tuple[str, ...]
    stdin: str | None = None
    may_fail: bool = False

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Plan:
    """Texts, then commands. Empty: everything is as it should be already."""

    changes: tuple[TextChange, ...] = ()
    commands: tuple[Command, ...] = ()
    notes: tuple[str, ...] = ()
    """What the user should know, or do by hand."""

    @property
    def is_empty(self) -> bool:
        return not self.commands and all(c.before == c.after for c in self.changes)

    def show(self) -> Iterator[str]:
        """Everything that would be done, line by line."""
        for change in self.changes:
            yield from change.diff()
        for command in self.commands:
            yield f"$ {command}"

    def apply(self) -> list[str]:
        """Do it. Returns what the commands printed. Raises StorageError when something fails;
        the files are then as they were before."""
        printed: list[str] = []
        with contextlib.ExitStack() as undo:
            for change in self.changes:
                if change.path is not None and change.before != change.after:
                    undo.callback(_put, change.path, change.before, change.mode)
                    _put(change.path, change.after, change.mode)
            for number, command in enumerate(self.commands):
                printed += _run(command, self.commands[:number])
            undo.pop_all()
        return printed


def _run(command: Command, before: Sequence[Command]) -> list[str]:
    """Its output's lines. Raises StorageError with what it said; `before` were run already."""
    done = call(command.argv, stdin=command.stdin)
    if done.returncode and not command.may_fail:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        already = "; ".join(f"`{one}`" for one in before)
        raise StorageError(
            f"`{command}` failed: {said}; the files that were written are as they were before, "
            + (f"but this was done already: {already}" if before else "and nothing else was done")
        )
    return (done.stdout + done.stderr).splitlines()


def call(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    timeout: float = 60.0,
    user: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Ask a program of the system, in the C locale; root may name the user to ask it as.

    A program that is not there answers 127, one that does not end in `timeout` seconds 124, as in
    a shell; neither raises.
    """
    try:
        rights = _rights_of(user)
    except LookupError:
        return subprocess.CompletedProcess(argv, 127, "", f"there is no user {user!r}")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # Files rather than pipes: a service that the program started may keep a pipe open.
        code, problem = _call(argv, stdin, timeout, out, err, rights)
        said, complained = (_text(file) for file in (out, err))
    return subprocess.CompletedProcess(argv, code, said, complained + problem)


def _call(
    argv: Sequence[str],
    stdin: str | None,
    timeout: float,
    out: IO[bytes],
    err: IO[bytes],
    rights: Mapping[str, Any],
) -> tuple[int, str]:
    """The exit code, and what is to be said of one that is ours."""
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours, and no shell reads them
            list(argv),
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=out,
            stderr=err,
            timeout=timeout,
            check=False,
            **{"env": {**os.environ, **_LOCALE}, **rights},
        )
    except subprocess.TimeoutExpired:
        return 124, f"{argv[0]}: no answer in {timeout:g} s"
    except OSError as error:
        return 127, f"{argv[0]}: {error.strerror}"
    return done.returncode, ""


def _rights_of(user: str | None) -> Mapping[str, Any]:
    """What makes a child another user's. Raises LookupError when there is no such user."""
    if user is None or os.name == "nt" or os.geteuid() != 0:
        return {}
    import pwd

    entry = pwd.getpwnam(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    # Nothing of root's environment: it may hold secrets.
    path = os.environ.get("PATH", os.defpath)
    env = {"PATH": path, "HOME": entry.pw_dir, "LOGNAME": user, **_LOCALE}
    rights = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
    return {**rights, "cwd": "/", "env": env}


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


def _put(path: Path, text: str | None, mode: int) -> None:
    """The file's whole new content, in one step; None removes it."""
    try:
        if text is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}; for the whole machine it takes root, "
            "for one user leave out --system"
        ) from error
