"""What this installation knows of its own log: where it is, its journals, settings and secrets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.logtools.desk import UsageProblem

if TYPE_CHECKING:
    from tradebot.settings import Settings
    from tradebot.settings.places import Places


class OwnLog:
    """The log, the journals and the settings of this installation."""

    program = "tradebot logs"

    def log_dir(self, env_file: str | None) -> str:
        """LOG_DIR."""
        return str(self._places(env_file).log_dir)

    def journals(self, env_file: str | None) -> Sequence[str]:
        """Those of the real and of the dry runs, as far as they are there to be read."""
        from tradebot.journal.files import path_of

        state_path = self._places(env_file).state_path
        paths = [path_of(state_path, dry_run=dry_run) for dry_run in (False, True)]
        return [str(path) for path in paths if os.access(path, os.R_OK)]

    def settings(self, env_file: str | None) -> Sequence[tuple[str, str, str]]:
        """As `tradebot config show` has them."""
        from tradebot.settings.render import show_rows

        rows = show_rows(self._settings(env_file))
        return [(row.name, row.value or "", row.origin) for row in rows]

    def secrets(self, env_file: str | None) -> Sequence[str]:
        """Of the settings and of the login. Raises StorageError when the login cannot be read."""
        from tradebot.errors import LoginError
        from tradebot.saxo.token_store import TokenStore

        settings = self._settings(env_file)
        secrets = list(settings.secrets())
        with contextlib.suppress(LoginError):  # damaged: there is no token in it to be known
            tokens = TokenStore(settings.saxo_token_file).load()
            if tokens is not None:
                found = (tokens.access_token, tokens.refresh_token, tokens.code_verifier)
                secrets += [secret for secret in found if secret]
        return secrets

    def _places(self, env_file: str | None) -> Places:
        from tradebot.settings import home
        from tradebot.settings.places import find_places

        return find_places(os.environ, home=home(), env_file=_there(env_file))

    def _settings(self, env_file: str | None) -> Settings:
        from tradebot.settings import home, load_lenient

        # A log is to be read also where the settings are wrong.
        settings, _ = load_lenient(os.environ, home=home(), env_file=_there(env_file))
        return settings


def _there(env_file: str | None) -> Path | None:
    """The file a person named. One that is not there names another bot: its log is not this one.

    Raises UsageProblem.
    """
    if env_file is None:
        return None
    path = Path(env_file)
    if not os.access(path, os.R_OK):
        problem = "cannot be read" if path.exists() else "there is no such file"
        raise UsageProblem(f"--env-file: {path}: {problem}")
    return path
