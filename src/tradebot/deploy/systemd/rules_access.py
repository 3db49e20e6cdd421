"""What can be wrong with what a service may read and write, and with who else may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.accounts import Account, current_user, find_account, home_of
from tradebot.deploy.systemd.environment import (
    command_variables,
    env_files,
    file_variables,
    own_variables,
)
from tradebot.deploy.systemd.installed import RENDERED
from tradebot.deploy.systemd.parsed import Unit
from tradebot.deploy.systemd.rules_command import ENV_FILE, option_value
from tradebot.deploy.systemd.units import written_folders
from tradebot.settings.variables import BY_NAME, SECRETS

UNKNOWN_USER = Rule(
    "user-unknown",
    Severity.ERROR,
    "Each start fails with status=217/USER.",
    "make the user, or name another one: --user NAME",
)
SECRET_IN_UNIT = Rule(
    "secret-in-unit",
    Severity.ERROR,
    "Every user of this machine can read it: `systemctl show`.",
    "put it into the EnvironmentFile= (mode 0600) or use LoadCredential=; then change the secret",
)
OVERRIDDEN = Rule(
    "variable-overridden",
    Severity.ERROR,
    "The bot gets the file's value: with another INSTANCE it has another state, and so other "
    "slots and locks.",
    "take the line out of the file",
)
NO_ENV_FILE = Rule(
    "env-file-missing",
    Severity.ERROR,
    "Each start fails before the bot runs (`Failed to load environment files`).",
    "make the file, or install the schedule anew",
)
OPTIONAL_ENV_FILE = Rule(
    "env-file-optional",
    Severity.WARNING,
    "When the file is gone the bot runs on defaults, which is the simulator, and reports success.",
    "take the `-` before the path away",
)
OPEN_ENV_FILE = Rule(
    "env-file-open",
    Severity.WARNING,
    "Other users of this machine can read the secrets in it.",
    "chmod 600 FILE",
)
UNREADABLE = Rule(
    "env-file-unreadable",
    Severity.ERROR,
    "systemd can read it as root, but the bot reads it too, and ends with exit code 78.",
    "chown it to the user that the service runs as",
)
NO_CREDENTIAL = Rule(
    "credential-missing",
    Severity.ERROR,
    "Each start fails with status=243/CREDENTIALS.",
    "make the file (owner root, mode 0600), or take the line out",
)
NOT_WRITABLE = Rule(
    "folder-not-writable",
    Severity.ERROR,
    "The bot cannot write its log or its journal and ends with exit code 74, without trading.",
    "chown -R USER FOLDER",
)
READ_ONLY = Rule(
    "folder-read-only",
    Severity.ERROR,
    "In its sandbox the bot cannot write its log or its journal and ends with exit code 74, "
    "without trading.",
    "add the folder to ReadWritePaths=",
)
HIDDEN = Rule(
    "folder-hidden",
    Severity.ERROR,
    "In its sandbox the bot does not see its program, its settings or its state.",
    "ProtectHome=read-only for what lies in /home, /root or /run/user; PrivateTmp=no for /tmp",
)
NO_FOLDER = Rule(
    "working-directory-missing",
    Severity.ERROR,
    "Each start fails with status=200/CHDIR.",
    "correct WorkingDirectory=, or take it out",
)
RULES = (
    UNKNOWN_USER, SECRET_IN_UNIT, OVERRIDDEN, NO_ENV_FILE, OPTIONAL_ENV_FILE, OPEN_ENV_FILE,
    UNREADABLE, NO_CREDENTIAL, NOT_WRITABLE, READ_ONLY, HIDDEN, NO_FOLDER,
)  # fmt: skip

_SECRETS = frozenset(variable.name for variable in SECRETS)
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))
_TEMPORARY = tuple(map(Path, ("/tmp", "/var/tmp")))  # noqa: S108 - not written to
_DIRECTORIES = {
    "StateDirectory": Path("/var/lib"),
    "LogsDirectory": Path("/var/log"),
    "CacheDirectory": Path("/var/cache"),
    "RuntimeDirectory": Path("/run"),
}


def access_findings(schedule: Schedule, service: Unit) -> Iterator[Finding]:
    """`schedule` says which folders the bot uses, the service who it runs as and what it may."""
    yield from _variables(service)
    name = service.text("Service", "User") if schedule.system else current_user()
    account = find_account(name or "root")
    if account is None:
        yield UNKNOWN_USER.found(f"{service.name}: User={name}")
    yield from _env_files(schedule, service, account)
    yield from _credentials(service)
    start = service.text("Service", "WorkingDirectory") or ""
    if start.startswith("/") and not _exists(Path(start)):
        yield NO_FOLDER.found(f"{service.name}: {start} is not there")
    home = home_of(account.name if account else name or "root") if schedule.system else Path.home()
    folders = [Path(path) for path in written_folders(schedule, home)]
    if schedule.system:
        yield from _sandbox(schedule, service, folders)
    if account is not None:
        given = list(_directories(service)) if schedule.system else []
        # What is missing for a rendered unit is made when it is installed.
        later = service.origin == RENDERED
        for folder in folders:
            if _is_below(folder, given) or (later and not _exists(folder)):
                continue
            if not _may_use(account, folder):
                yield NOT_WRITABLE.found(
                    f"{service.name}: {account.name} cannot write into {folder}",
                    remedy=f"chown -R {account.name} {folder}",
                )


def _variables(service: Unit) -> Iterator[Finding]:
    own = own_variables(service)
    for option, values in (("Environment", own), ("ExecStart", command_variables(service))):
        for name in sorted(values.keys() & _SECRETS):
            if values[name]:
                yield SECRET_IN_UNIT.found(f"{service.name}: {option}= has {name}=…")
    for path, _ in env_files(service):
        there = file_variables(path)
        for name in sorted(own.keys() & there.keys() & BY_NAME.keys()):
            if own[name] != there[name]:
                yield OVERRIDDEN.found(f"{service.name}: {name} is set here, but also in {path}")


def _env_files(schedule: Schedule, service: Unit, account: Account | None) -> Iterator[Finding]:
    for path, required in env_files(service):
        if not required:
            yield OPTIONAL_ENV_FILE.found(f"{service.name}: EnvironmentFile=-{path}")
        if not _exists(path):
            if required:
                yield NO_ENV_FILE.found(f"{service.name}: {path} is not there")
            continue
        secret = any(value for name, value in file_variables(path).items() if name in _SECRETS)
        if secret and path.stat().st_mode & 0o077:
            yield OPEN_ENV_FILE.found(f"{path} may be opened by others", remedy=f"chmod 600 {path}")
    read = _bots_own_file(schedule, service)
    if account is not None and _exists(read) and not account.may(read, 4):
        yield UNREADABLE.found(
            f"{service.name}: {account.name} cannot read {read}",
            remedy=f"chown {account.name} {read}; chmod 600 {read}",
        )


def _bots_own_file(schedule: Schedule, service: Unit) -> Path:
    """The one that the bot itself reads, whatever systemd reads for it."""
    said = option_value(service.command(), ENV_FILE)
    if said is not None:
        return Path(said)
    return Path(schedule.program.home) / ".env"


def _credentials(service: Unit) -> Iterator[Finding]:
    for value in service.all("Service", "LoadCredential"):
        name, _, place = service.expanded(value).partition(":")
        if place.startswith("/") and not _exists(Path(place)):
            yield NO_CREDENTIAL.found(f"{service.name}: {place} for {name} is not there")


def _sandbox(schedule: Schedule, service: Unit, folders: list[Path]) -> Iterator[Finding]:
    writable = [*_read_write(service), *_directories(service)]
    if service.last("Service", "ProtectSystem") == "strict":
        for folder in folders:
            if not _is_below(folder, writable):
                yield READ_ONLY.found(f"{service.name}: ReadWritePaths= lacks {folder}")
    program = schedule.program
    used = [Path(path) for path in (program.python, program.home, program.env_file) if path]
    used = [*used, Path(program.python).resolve(), *folders]
    home = (service.last("Service", "ProtectHome") or "no").lower()
    if home in {"tmpfs", "yes", "true", "1", "on"}:
        yield from _hidden(service, f"ProtectHome={home}", used, _HOMES)
    elif home == "read-only":
        for folder in folders:
            if _is_below(folder, _HOMES) and not _is_below(folder, writable):
                yield READ_ONLY.found(f"{service.name}: ReadWritePaths= lacks {folder}")
    if service.is_true("Service", "PrivateTmp"):
        yield from _hidden(service, "PrivateTmp=yes", used, _TEMPORARY)


def _hidden(
    service: Unit, option: str, used: list[Path], tops: tuple[Path, ...]
) -> Iterator[Finding]:
    for path in dict.fromkeys(used):
        if _is_below(path, tops):
            yield HIDDEN.found(f"{service.name}: {option} hides {path}")


def _read_write(service: Unit) -> Iterator[Path]:
    for word in service.words("Service", "ReadWritePaths"):
        yield Path(word.lstrip("-+"))


def _directories(service: Unit) -> Iterator[Path]:
    """The folders that systemd itself makes for the service's user."""
    for option, base in _DIRECTORIES.items():
        for word in service.words("Service", option):
            yield base / word.partition(":")[0]


def _may_use(account: Account, folder: Path) -> bool:
    """May the user write there, or make it?"""
    for path in (folder, *folder.parents):
        if _exists(path):
            return account.may(path, 7 if path == folder else 3)
    return False


def _is_below(path: PurePath, tops: list[Path] | tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(top) for top in tops)


def _exists(path: Path) -> bool:
    """False only when it is certainly not there: a folder that we may not enter hides nothing."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True
