"""The systemd that is asked: the machine's, or the one of the user who runs this."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import call
from tradebot.errors import StorageError

SYSTEM_FOLDER = Path("/etc/systemd/system")
_SHIPPED = tuple(Path(folder) / "systemd" for folder in ("/run", "/usr/local/lib", "/usr/lib"))


@dataclass(frozen=True, slots=True)
class Manager:
    """One systemd, and where it reads its units."""

    system: bool

    @classmethod
    def of(cls, schedule: Schedule) -> Manager:
        return cls(schedule.system)

    @property
    def systemctl(self) -> tuple[str, ...]:
        return ("systemctl",) if self.system else ("systemctl", "--user")

    @property
    def journalctl(self) -> tuple[str, ...]:
        return ("journalctl",) if self.system else ("journalctl", "--user")

    @property
    def folder(self) -> Path:
        """Where units are installed."""
        if self.system:
            return SYSTEM_FOLDER
        configured = os.environ.get("XDG_CONFIG_HOME", "")
        base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
        return base / "systemd" / "user"

    def folders(self) -> Iterator[Path]:
        """Where units are read from, the first that has one counting."""
        kind = "system" if self.system else "user"
        yield self.folder
        if not self.system:
            yield Path("/etc/systemd/user")
        yield from (folder / kind for folder in _SHIPPED)

    def is_running(self) -> bool:
        return self._version().returncode == 0

    def require(self) -> None:
        """Raises StorageError when there is nobody to ask."""
        done = self._version()
        if done.returncode == 0:
            return
        said = (done.stderr or done.stdout).strip().splitlines()
        reason = said[0] if said else f"exit code {done.returncode}"
        if done.returncode == 127:
            advice = "this machine has no systemd: use cron (docs/runbooks/cron.md)"
        elif self.system:
            advice = "systemd does not run here: use cron (docs/runbooks/cron.md)"
        else:
            advice = (
                "log in as this user (ssh, or `machinectl shell USER@`; su and sudo do not start "
                "a user manager), or install for the whole machine with --system"
            )
        raise StorageError(f"`{' '.join(self.systemctl)}` does not answer: {reason}; {advice}")

    def _version(self) -> subprocess.CompletedProcess[str]:
        return call([*self.systemctl, "show", "--property=Version"], timeout=20)

    def show(self, unit: str, *properties: str) -> Mapping[str, str]:
        """Properties of a unit as text; empty when systemd does not answer. Times are UTC."""
        argv = [*self.systemctl, "show", unit, f"--property={','.join(properties)}"]
        done = call(["env", "TZ=UTC", *argv])
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        return {name: value for name, equals, value in pairs if equals}


def parse_time(text: str) -> datetime | None:
    """A point in time as `systemctl show` prints it under TZ=UTC; None for `n/a` and empty."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return None
