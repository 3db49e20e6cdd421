"""Puts the format where lnav looks for formats of its user, and takes it away again.

lnav's folder, by its own rule (the same from 0.10.1 on): `~/.lnav` if there is such a folder; else
`$XDG_CONFIG_HOME/lnav` or `~/.config/lnav`, the first whose parent exists; else `~/.lnav`. Whatever
lies in `formats/installed` there is read at each start; `lnav -i FILE` puts files into it, too.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tradebot.logtools.lnav.format import FILE_NAME, format_file

_INSTALLED = Path("formats", "installed", FILE_NAME)


class LnavFolderProblem(Exception):
    """The format can be neither written nor removed there; says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with the format's file, in words for a person."""

    path: Path
    text: str


def lnav_folder(home: Path, environment: Mapping[str, str]) -> Path:
    """Where lnav keeps the formats and settings of the user whose home this is."""
    own = home / ".lnav"
    if own.is_dir():
        return own
    for parent in _configuration(home, environment):
        if parent.is_dir():
            return parent / "lnav"
    return own


def install(home: Path, environment: Mapping[str, str] = os.environ) -> Done:
    """Write the format where the lnav of this user reads it. Does nothing when it is there.

    Raises LnavFolderProblem.
    """
    path = lnav_folder(home, environment) / _INSTALLED
    content = format_file().encode()
    try:
        known = path.read_bytes() if path.is_file() else None
        if known == content:
            return Done(path, f"{path}: there already, and up to date")
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise LnavFolderProblem(_problem("written", path, error)) from None
    how = "written" if known is None else "was another version: replaced"
    return Done(path, f"{path}: {how}; lnav reads it at its next start")


def uninstall(home: Path, environment: Mapping[str, str] = os.environ) -> list[Done]:
    """Remove the format from every folder that lnav may ever have read; [] if it is in none.

    Raises LnavFolderProblem.
    """
    folders = [home / ".lnav", *(parent / "lnav" for parent in _configuration(home, environment))]
    done = []
    for path in dict.fromkeys(folder / _INSTALLED for folder in folders):
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise LnavFolderProblem(_problem("removed", path, error)) from None
        done.append(Done(path, f"{path}: removed"))
    return done


def _configuration(home: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("XDG_CONFIG_HOME"):
        yield Path(environment["XDG_CONFIG_HOME"])
    yield home / ".config"


def _replace(path: Path, content: bytes) -> None:
    """All of it or nothing: an lnav that starts now must not read half a format."""
    handle, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _problem(what: str, path: Path, error: OSError) -> str:
    return (
        f"{path} cannot be {what}: {error.strerror or error}. Put that right, or print the format "
        "and put it by hand where lnav looks: any FOLDER/formats/NAME/"
        f"{FILE_NAME} is read by lnav -I FOLDER"
    )
