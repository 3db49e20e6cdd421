"""The nights in which clocks change, lived through by a real Debian cron on a fast clock: the
rendered line has a start in every slot, and a line with hours of its own has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from support.real_cron import RealCron, why_not
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.cron.table import rendered
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program

pytestmark = pytest.mark.skipif(
    why_not(fast_clock=True) is not None, reason=str(why_not(fast_clock=True))
)

SPEED = 120
SLOT = 900


@dataclass(frozen=True)
class Night:
    """Every slot from `first` to `last`, UTC, is to have its start; the daemon begins two minutes
    before. `hours` is the local hour that is skipped, or comes twice."""

    zone: str
    hours: str
    first: str
    last: str

    def slots(self) -> range:
        begin, end = (
            int(datetime.fromisoformat(f"{at}+00:00").timestamp()) for at in (self.first, self.last)
        )
        return range(begin, end + 1, SLOT)


AUTUMN = {
    "New York": Night("America/New_York", "1", "2026-11-01 05:45", "2026-11-01 06:15"),
    "London": Night("Europe/London", "1", "2026-10-25 00:45", "2026-10-25 01:15"),
}
SPRING = {
    "New York": Night("America/New_York", "2", "2027-03-14 06:45", "2027-03-14 07:15"),
    "London": Night("Europe/London", "1", "2027-03-28 00:45", "2027-03-28 01:15"),
}
NIGHTS = {f"autumn in {city}": night for city, night in AUTUMN.items()} | {
    f"spring in {city}": night for city, night in SPRING.items()
}
Starts = dict[str, list[int]]
"""By the line's name: the daemon's time at each start, in seconds since 1970."""


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Starts]]:
    """All nights at once: each daemon does little but wait."""
    with ExitStack() as stack:
        lived = {}
        for name, night in NIGHTS.items():
            folder = tmp_path_factory.mktemp("night")
            start = datetime.fromtimestamp(night.slots()[0] - 120, UTC)
            cron = RealCron(folder, zone=night.zone, start=start, speed=SPEED)
            stack.enter_context(cron)
            cron.begin()
            cron.system_file("ai-tradebot-default", crontab(cron, night, folder))
            lived[name] = (cron, folder, night)
        for cron, folder, night in lived.values():
            path = folder / "rendered"
            # Until the slot behind the last one has begun; whatever came late is there by then.
            cron.wait_for(lambda path=path, night=night: seen(path, night.slots().stop), 50)  # type: ignore[misc]
        yield {
            name: {line: read(folder / line) for line in ("rendered", "fixed")}
            for name, (_, folder, _) in lived.items()
        }


def crontab(cron: RealCron, night: Night, folder: Path) -> str:
    """The rendered line's fields, and a line with hours of its own, which note the daemon's time;
    and one every minute that shows how far it is."""
    schedule = replace(
        example_schedule(EVERY_FIVE_MINUTES, posix_program(), cadence=SLOT), keeps_login=False
    )
    zone = ZoneInfo(night.zone)
    (job,) = Table("", rendered(schedule, zone, datetime(2026, 10, 1, tzinfo=UTC))).jobs()
    lines = {"rendered": job.fields, "fixed": f"0,15,30,45 {night.hours} * * *"}
    return "".join(
        [
            *(f"{name}={value}\n" for name, value in cron.clock.items()),
            *(f"{when} root date +\\%s >>{folder}/{name}\n" for name, when in lines.items()),
        ]
    )


def seen(path: Path, moment: int) -> bool:
    return bool(read(path)) and max(read(path)) >= moment


def read(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def by_slot(moments: list[int]) -> Counter[int]:
    return Counter(moment // SLOT * SLOT for moment in moments)


@pytest.mark.parametrize("name", NIGHTS)
def test_every_slot_has_its_start(starts: dict[str, Starts], name: str) -> None:
    counted = by_slot(starts[name]["rendered"])
    assert {slot: counted[slot] for slot in NIGHTS[name].slots()} == dict.fromkeys(
        NIGHTS[name].slots(), 1
    )


@pytest.mark.parametrize("name", [name for name in NIGHTS if "autumn" in name])
def test_in_autumn_hours_of_ones_own_have_a_hole(starts: dict[str, Starts], name: str) -> None:
    """The hour comes twice, and the line is started in the first of them alone."""
    first, *repeated = NIGHTS[name].slots()
    counted = by_slot(starts[name]["fixed"])
    assert counted[first] == 1
    assert [counted[slot] for slot in repeated] == [0] * len(repeated)


@pytest.mark.parametrize("name", [name for name in NIGHTS if "spring" in name])
def test_in_spring_hours_of_ones_own_come_all_at_once(starts: dict[str, Starts], name: str) -> None:
    """The hour does not exist: all of its four starts are made when the clock jumps over it."""
    _, jump, following = NIGHTS[name].slots()
    counted = by_slot(starts[name]["fixed"])
    assert counted[jump] > 1
    assert counted[following] == 0
