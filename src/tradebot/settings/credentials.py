"""Settings as files of their own: `$CREDENTIALS_DIRECTORY/SAXO_APP_SECRET`.

systemd's LoadCredential= puts them there for one service alone: not in its environment, which its
children inherit, and not in a file that others on the machine could read.
Source: systemd.exec(5), "Credentials"; systemd.io/CREDENTIALS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradebot.settings.variables import BY_NAME

FOLDER = "CREDENTIALS_DIRECTORY"
_MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Credentials:
    """Values by variable, and what keeps a file from being used."""

    values: Mapping[str, str]
    problems: tuple[str, ...] = ()


NONE = Credentials({})


def read_credentials(environ: Mapping[str, str]) -> Credentials:
    """Every file of the folder that bears a variable's name; others are none of our business.

    A line break at the end is an editor's, not the secret's. No message repeats a value.
    """
    folder = environ.get(FOLDER, "")
    if not folder:
        return NONE
    values: dict[str, str] = {}
    problems: list[str] = []
    for name in BY_NAME:
        path = Path(folder) / name
        try:
            if path.is_file():
                values[name] = _read(path)
        except (OSError, ValueError) as error:
            detail = error.strerror if isinstance(error, OSError) else str(error)
            problems.append(f"{name} (credential {path}): cannot be used: {detail}")
    return Credentials(values, tuple(problems))


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")
