"""Where a bot keeps its log and its state, for who wants nothing else of its settings.

`tradebot logs` asks this at each start, and reading all settings takes it longer than most answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradebot.settings.credentials import read_credentials
from tradebot.settings.reading import Reader, open_env_file
from tradebot.settings.variables import BY_NAME


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute folders, as `Settings` has them."""

    log_dir: Path
    state_path: Path
    """Of this instance in this environment."""


def find_places(environ: Mapping[str, str], *, home: Path, env_file: Path | None = None) -> Places:
    """As `load_lenient` finds them: a default wherever a value cannot be used."""
    home = home.absolute()
    path, file, _ = open_env_file(env_file, home)
    reader = Reader(environ, read_credentials(environ), file, path.name if path else ".env", home)
    log_dir, state_dir, instance, env = (
        reader.read(BY_NAME[name]) for name in ("LOG_DIR", "STATE_DIR", "INSTANCE", "SAXO_ENV")
    )
    return Places(home / log_dir, home / state_dir / instance / env)
