"""The units of a schedule: as they are installed, whoever wrote them, or as they would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import call
from tradebot.deploy.systemd.manager import Manager
from tradebot.deploy.systemd.parsed import Unit
from tradebot.deploy.systemd.units import KEEPALIVE, render
from tradebot.settings.home import APPLICATION

STEMS = (APPLICATION, KEEPALIVE)
RENDERED = "rendered"


@dataclass(frozen=True, slots=True)
class Pair:
    """A timer and the service that it starts."""

    timer: Unit
    service: Unit
    texts: tuple[tuple[str, str], ...]
    """Both as text, drop-ins appended, by unit name."""

    @property
    def is_keepalive(self) -> bool:
        return self.timer.name.startswith(KEEPALIVE)


def rendered_pairs(schedule: Schedule) -> list[Pair]:
    texts = render(schedule)
    return [
        pair_of([(name, texts[name], RENDERED) for name in (f"{stem}.timer", f"{stem}.service")])
        for stem in _stems(schedule)
        if f"{stem}.timer" in texts
    ]


def installed_pairs(schedule: Schedule) -> list[Pair]:
    """What systemd would read: the schedule's own pair first, then that of the keepalive. Empty
    when nothing is installed. A pair needs a timer; a service that is missing reads as empty."""
    manager = Manager.of(schedule)
    pairs = []
    for stem in _stems(schedule):
        timer, service = (_read(manager, f"{stem}.{kind}") for kind in ("timer", "service"))
        if timer is not None:
            pairs.append(pair_of([timer, service or (f"{stem}.service", "", "nowhere")]))
    return pairs


def _stems(schedule: Schedule) -> list[str]:
    return [f"{stem}@{schedule.instance}" for stem in STEMS]


def pair_of(found: Sequence[tuple[str, str, str]]) -> Pair:
    """A timer, then its service: each as name, text, origin."""
    timer, service = (Unit.of(*entry) for entry in found)
    return Pair(timer, service, tuple((name, text) for name, text, _ in found))


def _read(manager: Manager, name: str) -> tuple[str, str, str] | None:
    """Name, text and origin of a unit. Asked of systemd, which knows best; else of the files."""
    done = call([*manager.systemctl, "cat", "--no-pager", name])
    if done.returncode == 0 and done.stdout.startswith("# /"):
        return name, done.stdout, done.stdout.partition("\n")[0].removeprefix("# ")
    fragment = next(_fragments(manager, name), None)
    if fragment is None:
        return None
    files = [fragment, *_drop_ins(manager, name)]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    return name, text, str(fragment)


def _fragments(manager: Manager, name: str) -> Iterator[Path]:
    for candidate in (name, _template(name)):
        for folder in manager.folders():
            if (folder / candidate).is_file():
                yield folder / candidate


def _drop_ins(manager: Manager, name: str) -> list[Path]:
    """Sorted by file name, as systemd applies them; of two of one name the first found counts."""
    found: dict[str, Path] = {}
    for unit in _drop_in_names(name):
        for folder in manager.folders():
            for path in (folder / f"{unit}.d").glob("*.conf"):
                found.setdefault(path.name, path)
    return [found[key] for key in sorted(found)]


def _drop_in_names(name: str) -> Iterator[str]:
    """Before the `.d` of each folder that has drop-ins for a unit, the closest first: it, its
    template, both for all units whose names begin alike (`ai-@.timer.d`, `ai-.timer.d`), its kind
    (`timer.d`)."""
    stem, _, kind = name.rpartition(".")
    prefix, _, instance = stem.partition("@")
    parts = prefix.split("-")
    begins = ["-".join([*parts[:count], ""]) for count in range(len(parts) - 1, 0, -1)]
    yield name
    yield _template(name)
    for begin in begins:
        yield from (f"{begin}@{instance}.{kind}", f"{begin}@.{kind}", f"{begin}.{kind}")
    yield kind


def _template(name: str) -> str:
    """`ai-tradebot@paper.timer` is an instance of `ai-tradebot@.timer`."""
    stem, _, kind = name.rpartition(".")
    return f"{stem.partition('@')[0]}@.{kind}"
