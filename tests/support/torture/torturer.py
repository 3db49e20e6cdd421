"""Kill, recover, judge: one point of a scene at a time, or a seeded random one."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.torture.judge import Breach, Found, find_breaches, open_ends
from support.torture.plan import LOG, MODES, Calls, KillPlan
from support.torture.scenes import AT_ORDERS, LATE, SCENES, Fault, Scene
from support.torture.stage import Frozen, Stage
from support.torture.zygote import Zygote

LATER_SECONDS = 3700.0
"""Longer than anything of which the bot waits before it calls an order absent."""
QUIET_RUNS = 2
"""So many runs in which nothing goes wrong may be needed until nothing is open any more."""
MOST_RECOVERY_RUNS = 6
_MOST_FAULTS = 3
_IMPATIENT = 0.3
_FIRST_CALLS = 150
"""A run after a killed one is killed somewhere in these: its calls were not counted before."""

_RANDOM_FAULTS: tuple[Fault, ...] = (
    *((kind, AT_ORDERS) for kind in ("drop_after", "drop_before", "status_after", "truncate")),
    *(
        ("trade_not_completed", {"params": {"outcome": outcome}})
        for outcome in ("filled", "working", "rejected", "never")
    ),
    ("error_with_order_id", {}),
    ("rejected_later", {}),
    ("audit_delay", {"params": LATE}),
    ("audit_only", {}),
    ("partial_fill", {}),
    ("never_fill", {}),
    ("refuse", {"params": {"code": "MarketClosed"}}),
    ("refuse", {"params": {"code": "InsufficientCash"}}),
    ("status", {"params": {"status": 429}, **AT_ORDERS}),
    ("status", {"params": {"status": 401}, **AT_ORDERS}),
    ("status", {"params": {"status": 409}, **AT_ORDERS}),
    ("empty", AT_ORDERS),
    ("html", AT_ORDERS),
    ("precheck_error", {}),
    ("precheck_error_info", {}),
    ("disclaimers", {}),
    ("drop_after", {"endpoint": "/cs/*", "count": 3, "probability": 0.5}),
    ("status", {"endpoint": "/port/*", "count": 4, "probability": 0.4, "params": {"status": 503}}),
    ("status", {"endpoint": "/cs/*", "count": 8, "params": {"status": 503}}),
    ("truncate", {"endpoint": "*", "count": 3, "probability": 0.2}),
    ("drop_after", {"endpoint": "/token", "count": 1}),
)


@dataclass(frozen=True, slots=True)
class Point:
    """What is done to one stage: where its runs die, one after the other, and what else happens."""

    scene: Scene
    plans: tuple[KillPlan, ...]
    faults: tuple[Fault, ...] = ()
    impatient: bool = False
    name: str = ""
    """Says all of this to `Torturer.named`, and to scripts/torture.py."""


@dataclass(slots=True)
class Result:
    """What came of a point."""

    point: Point
    kills: int = 0
    torn: int = 0
    """Of the kills, those in the midst of writing a line."""
    recovery_runs: int = 0
    found: list[Found] = field(default_factory=list)
    folder: Path | None = None
    """Kept where something was found."""

    def __str__(self) -> str:
        told = "\n".join(f"  {found}" for found in self.found)
        again = f"python scripts/torture.py --again {self.point.name}"
        return f"{again}\n{told or '  nothing was found'}\n  kept in {self.folder}"


class Torturer:
    """Prepares each scene once and begins from there any number of times, below `folder`."""

    def __init__(self, folder: Path, zygote: Zygote) -> None:
        self._folder = folder
        self._zygote = zygote
        self._frozen: dict[str, Frozen] = {}
        self._calls: dict[str, Calls] = {}
        self._points = 0

    def calls(self, scene: Scene) -> Calls:
        """What the scene's run calls when nobody kills it. It must leave nothing to be judged."""
        if scene.name not in self._calls:
            with self._begin(scene, self._folder / scene.name / "counted") as stage:
                ended = stage.run(*scene.arguments, hooks=scene.hooks)
                if ended.signal is not None or ended.exit_code not in (0, 3):
                    raise AssertionError(f"{scene.name} ends with {ended}")
                self._calls[scene.name] = ended.calls
                result = Result(Point(scene, ()))
                self._recover(scene, stage, result)
                if result.found:
                    raise AssertionError(f"without any kill: {result}")
        return self._calls[scene.name]

    def carry_out(self, point: Point, *, keep: bool = False) -> Result:
        """Kill as planned, recover, judge. The folder is removed unless something was found."""
        self._points += 1
        scene, result = point.scene, Result(point)
        folder = self._folder / scene.name / str(self._points)
        with self._begin(scene, folder) as stage:
            for kind, more in point.faults:
                stage.fault(kind, **more)
            for plan in point.plans:
                ended = stage.run(*scene.arguments, plan=plan, hooks=scene.hooks)
                result.kills += ended.killed
                result.torn += ended.killed and (ended.calls.kinds[-1], plan.mode) == (LOG, "half")
                stage.move(5)
            if point.impatient:
                stage.run(*scene.arguments, hooks=scene.hooks)
            self._recover(scene, stage, result)
        if result.found or keep:
            result.folder = folder
        else:
            shutil.rmtree(folder)
        return result

    def random_point(self, seed: int, index: int) -> Point:
        """The same for the same two numbers, as long as the scenes make as many calls."""
        chance = random.Random(f"{seed}/{index}")
        scene = SCENES[chance.choice(sorted(SCENES))]
        faults = tuple(
            (kind, {"seed": f"{seed}/{index}/{number}", **more})
            for number, (kind, more) in enumerate(
                chance.sample(_RANDOM_FAULTS, chance.randint(0, _MOST_FAULTS))
            )
        )
        mode = chance.choice
        impatient = scene.impatient or chance.random() < _IMPATIENT
        plans = [KillPlan("", chance.randint(1, len(self.calls(scene))), mode(MODES))]
        for _ in range(chance.randint(0, 2)):
            plans.append(KillPlan("", chance.randint(1, _FIRST_CALLS), mode(MODES)))
        name = f"{seed}/{index}@{','.join(map(str, plans))}"
        return Point(scene, tuple(plans), faults, impatient=impatient, name=name)

    def named(self, name: str) -> Point:
        """The point with this name: SCENE:KIND:NUMBER:MODE, or SEED/INDEX[@PLAN,PLAN…].

        Raises ValueError and KeyError for what is no name.
        """
        drawn, _, plans = name.partition("@")
        if "/" in drawn:
            seed, index = drawn.split("/")
            point = self.random_point(int(seed), int(index))
            given = tuple(KillPlan.parse(plan) for plan in plans.split(",")) if plans else ()
            return dataclasses.replace(point, plans=given or point.plans)
        scene, _, plan = name.partition(":")
        return point_of(SCENES[scene], KillPlan.parse(plan))

    def _begin(self, scene: Scene, folder: Path) -> Stage:
        if scene.name not in self._frozen:
            stage = Stage(self._folder / scene.name / "prepared", self._zygote, scene.environment)
            scene.prepare(stage)
            for kind, more in scene.faults:
                stage.fault(kind, **more)
            self._frozen[scene.name] = stage.freeze()
        return Stage.from_frozen(self._frozen[scene.name], folder, self._zygote)

    def _recover(self, scene: Scene, stage: Stage, result: Result) -> None:
        """Runs of a healed world until they are quiet; then judge."""
        stage.clear_faults()
        stage.move(LATER_SECONDS)
        quiet = 0
        exit_codes: list[int | None] = []
        while quiet < QUIET_RUNS and len(exit_codes) < MOST_RECOVERY_RUNS:
            ended = stage.run(*scene.arguments, hooks=scene.hooks)
            exit_codes.append(ended.exit_code)
            quiet += ended.exit_code in (0, 3)
            stage.move(90)
        result.recovery_runs = len(exit_codes)
        if quiet < QUIET_RUNS:
            result.found.append(
                Found(Breach.NO_OUTCOME, f"recovery runs end with {exit_codes}, {open_ends(stage)}")
            )
        result.found += find_breaches(stage, torn=result.torn)


def point_of(scene: Scene, plan: KillPlan) -> Point:
    """The scene, its run killed so as often as the scene wants."""
    name = f"{scene.name}:{plan}"
    return Point(scene, (plan,) * scene.deaths, impatient=scene.impatient, name=name)


def every_point(scene: Scene, calls: Calls) -> Iterator[Point]:
    """Before each call, and in the midst of each that has halves."""
    for number, has_halves in enumerate(calls.halves, start=1):
        yield point_of(scene, KillPlan("", number, "before"))
        if has_halves:
            yield point_of(scene, KillPlan("", number, "half"))


def some_points(scene: Scene, calls: Calls, turn: int) -> Iterator[Point]:
    """One or more of each kind of call: where in it, and how, goes on with `turn`.

    So that few points per scene are all places and modes for each kind over all scenes.
    """
    for offset, kind in enumerate(sorted(set(calls.kinds))):
        count = calls.kinds.count(kind)
        places: Sequence[int] = (1, count, (count + 1) // 2, (count + 2) // 3)
        place = places[(turn + offset) % len(places)]
        mode = MODES[(turn // len(places) + turn + offset) % len(MODES)]
        yield point_of(scene, KillPlan(kind, place, mode))
