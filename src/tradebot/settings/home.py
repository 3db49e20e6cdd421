"""The folder that relative paths start from: never the current directory.

cron, systemd and a shell start the bot in different folders; with paths relative to those there
would be three logs and three journals.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tradebot.errors import SettingsError

APPLICATION = "ai-tradebot"
_PACKAGE = Path(__file__).resolve().parents[1]


def home(environ: Mapping[str, str] | None = None) -> Path:
    """The clone's root when the package lies in its `src` beside `main.py`, else the user's own
    state folder. Absolute; not created."""
    root = clone_root()
    return root if root is not None else user_state_folder(environ or os.environ)


def clone_root(package: Path = _PACKAGE) -> Path | None:
    """The repository's root, or None when `package` is an installed copy."""
    root = package.parents[1]
    if package.parent.name == "src" and (root / "main.py").is_file():
        return root
    return None


def user_state_folder(
    environ: Mapping[str, str], platform: str = sys.platform, user: Path | None = None
) -> Path:
    """Where this platform keeps a user's application state."""
    user = user or _user_folder()
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / APPLICATION
    if platform == "darwin":
        return user / "Library" / "Application Support" / APPLICATION
    # The XDG base directory specification: a relative value is to be ignored.
    configured = environ.get("XDG_STATE_HOME", "")
    base = Path(configured) if configured.startswith("/") else user / ".local" / "state"
    return base / APPLICATION


def _user_folder() -> Path:
    """The user's home folder; where HOME is relative, the one the system knows.

    Raises SettingsError for a user whom the system does not know, as in some containers.
    """
    try:
        found = Path.home()
    except RuntimeError:
        raise SettingsError(
            ["HOME: not set, and the system knows no home folder of this user: set it"]
        ) from None
    if found.is_absolute() or os.name != "posix":
        return found
    import pwd

    return Path(pwd.getpwuid(os.getuid()).pw_dir)
