"""What systemd itself says of a unit, without running it."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tradebot.deploy.plan import call
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.installed import Pair

LINTER = Rule(
    "systemd-verify",
    Severity.ERROR,
    "systemd ignores what it does not understand, or does not load the unit.",
    "correct the line; `systemd-analyze verify --recursive-errors=yes FILE` says the same",
)
EXPOSED = Rule(
    "service-exposed",
    Severity.WARNING,
    "Whatever the bot, or a library of it, is talked into doing, it may do to the machine.",
    "take the sandbox of `tradebot schedule render systemd --system`; `systemd-analyze security` "
    "says what each line is worth",
)
RULES = (LINTER, EXPOSED)
MOST_EXPOSURE = 2.0

# Other rules say whether the program is there. The rest is about the machine the linter runs on:
# whether its own units and manual pages are complete says nothing about ours.
_NOISE = re.compile(
    r"is not executable|Failed to (?:create|connect|prepare|lookup)|man page|'man |"
    r"Unit \S+\.target (?:not found|has a bad unit file)|Failed to load .*\.target"
)
_EXPOSURE = re.compile(r"exposure level for .*?: (\d+\.\d+)")


def linter_findings(pairs: Sequence[Pair], *, system: bool) -> Iterator[Finding]:
    """Empty where systemd-analyze is not installed."""
    with _written(pairs) as (folder, names):
        paths = [str(folder / name) for name in names]
        options = ["--man=no", "--recursive-errors=yes"]
        # The linter of a user's units wants that user's runtime folder, whether it uses it or not.
        before = ["env", f"XDG_RUNTIME_DIR={folder}", "SYSTEMD_LOG_COLOR=0"]
        done = call([*before, "systemd-analyze", *_manager(system), "verify", *options, *paths])
        if done.returncode == 127:
            return
        for line in dict.fromkeys(done.stderr.splitlines()):
            said = line.replace(f"{folder}/", "")
            if any(name in said for name in names) and not _NOISE.search(said):
                yield LINTER.found(said)


def exposure_findings(pair: Pair) -> Iterator[Finding]:
    """For a unit of the whole machine: a user's own can hardly be judged by this measure."""
    score = exposure(pair)
    if score is not None and score > MOST_EXPOSURE:
        yield EXPOSED.found(
            f"{pair.service.name}: systemd-analyze security gives {score}, more than "
            f"{MOST_EXPOSURE}"
        )


def exposure(pair: Pair) -> float | None:
    """`systemd-analyze security`: 0 (nothing is exposed) to 10. None where it cannot be told:
    before version 250 it does not read files."""
    with _written([pair]) as (folder, _):
        path = str(folder / pair.service.name)
        done = call(["systemd-analyze", "security", "--offline=yes", "--no-pager", path])
    found = _EXPOSURE.search(done.stdout)
    return float(found[1]) if found else None


def _manager(system: bool) -> list[str]:
    return [] if system else ["--user"]


@contextlib.contextmanager
def _written(pairs: Sequence[Pair]) -> Iterator[tuple[Path, list[str]]]:
    """The units as files of a folder that goes away again; drop-ins are part of their text."""
    texts = dict(entry for pair in pairs for entry in pair.texts)
    with tempfile.TemporaryDirectory(prefix="tradebot-units-") as name:
        folder = Path(name)
        for unit, text in texts.items():
            (folder / unit).write_text(text, encoding="utf-8")
        yield folder, list(texts)
