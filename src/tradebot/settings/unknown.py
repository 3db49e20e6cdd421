"""Variables that nobody reads but that look as if they were meant for the bot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tradebot.settings.env_file import EnvFile
from tradebot.settings.variables import BY_NAME

PREFIXES = frozenset(name.partition("_")[0] + "_" for name in BY_NAME if "_" in name)
# Other programs use these prefixes too. In the environment, which everybody shares, a name with
# one of them is ours only when it resembles a known one.
SHARED_PREFIXES = frozenset(
    {"DATA_", "DEFAULT_", "DRY_", "LIVE_", "LOG_", "MAX_", "ORDER_", "STATE_"}
)


def find_unknown(environ: Mapping[str, str], file: EnvFile, file_name: str) -> Iterator[str]:
    """One warning per unknown name, with the nearest known one."""
    for name, line in file.lines.items():
        yield from _judge(name, f"{file_name} line {line}", shared=False)
    for name in environ:
        yield from _judge(name, "the environment", shared=True)


def _judge(name: str, where: str, *, shared: bool) -> Iterator[str]:
    upper = name.upper()
    if name in BY_NAME:
        return
    prefix = next((prefix for prefix in PREFIXES if upper.startswith(prefix)), None)
    if prefix is None and upper not in BY_NAME:
        return
    near = nearest_name(upper)
    if near is None and shared and prefix in SHARED_PREFIXES:
        return
    hint = f"did you mean {near}?" if near else "docs/settings.md lists the known ones"
    yield f"{name} (in {where}): no such variable; {hint}"


def nearest_name(name: str) -> str | None:
    """The known variable that a mistyped name most resembles."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:64], BY_NAME, n=1, cutoff=0.78)), None)
