"""Whoever judges the bot after a kill must itself notice when something is wrong."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from support.torture.judge import Breach, find_breaches
from support.torture.plan import ORDER, KillPlan
from support.torture.scenes import SCENES
from support.torture.stage import Stage
from support.torture.torturer import LATER_SECONDS, Torturer, point_of


def breaches(stage: Stage, *, torn: int = 0) -> set[Breach]:
    return {found.breach for found in find_breaches(stage, torn=torn)}


def recovered(stage: Stage, *hooks: str) -> None:
    stage.move(LATER_SECONDS)
    for _ in range(2):
        assert stage.run(hooks=hooks).exit_code == 0


def test_nothing_is_wrong_with_a_run_that_was_left_alone(stage: Stage) -> None:
    stage.run()
    assert breaches(stage) == set()


def test_a_bot_that_sends_twice(stage: Stage) -> None:
    stage.run(hooks=["sends_twice"])
    told = [found.what for found in find_breaches(stage) if found.breach is Breach.SECOND_ORDER]
    assert any(what.startswith("2 orders with the reference") for what in told)
    assert any(what.endswith("was sent with answers [200, 200]") for what in told)


def test_a_bot_that_does_not_say_before_that_it_sends(stage: Stage) -> None:
    broken = ("forgets_sending", "looks_for_nothing")
    stage.fault("never_fill", count=None)  # a position would be noticed by the guards
    assert stage.run(hooks=[*broken, "dies_after_the_order"]).killed
    recovered(stage, *broken)
    assert Breach.SECOND_ORDER in breaches(stage)


def test_a_bot_that_tells_no_verdicts(stage: Stage) -> None:
    stage.run(hooks=["says_nothing"])
    assert breaches(stage) == {Breach.LOG}


def test_an_intent_that_nobody_settles(stage: Stage) -> None:
    assert stage.run(hooks=["dies_before_the_order"]).killed
    assert Breach.NO_OUTCOME in breaches(stage)
    recovered(stage)
    assert breaches(stage) == set()


def test_a_verdict_that_nobody_tells(stage: Stage) -> None:
    assert stage.run(hooks=["dies_before_the_verdict_is_told"]).killed
    assert Breach.NO_OUTCOME in breaches(stage)
    recovered(stage)
    assert breaches(stage) == set()


def forget_the_order(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")
    for table in ("verdicts", "attempts", "decisions"):
        connection.execute(f"DELETE FROM {table}")


def call_it_failed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE verdicts SET outcome='FAILED', failure_reason='not_placed'")


def forget_the_position(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM positions")


def forget_the_end(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE runs SET ended_at=NULL, outcome=NULL")


def call_it_killed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE runs SET outcome='killed'")


@pytest.mark.parametrize(
    ("damage", "breach"),
    [
        (forget_the_order, Breach.UNKNOWN_ORDER),
        (call_it_failed, Breach.WRONG_OUTCOME),
        (forget_the_position, Breach.WRONG_POSITION),
        (forget_the_end, Breach.RUN),
        (call_it_killed, Breach.RUN),
    ],
)
def test_a_journal_that_is_wrong(
    stage: Stage, damage: Callable[[sqlite3.Connection], None], breach: Breach
) -> None:
    stage.run()
    with closing(sqlite3.connect(stage.journal_path())) as connection, connection:
        damage(connection)
    assert breach in breaches(stage)


@pytest.mark.parametrize("event", ["execution_intent_created", "execution_completed"])
def test_a_line_that_is_not_there(stage: Stage, event: str) -> None:
    stage.run()
    path = stage.bot / "logs" / "bot.log"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if event not in line), encoding="utf-8")
    assert breaches(stage) == {Breach.LOG}


def test_more_torn_lines_than_deaths(stage: Stage) -> None:
    stage.run()
    path = stage.bot / "logs" / "bot.log"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[1][:60], *lines, ""]), encoding="utf-8")
    assert breaches(stage) == {Breach.LOG}
    assert breaches(stage, torn=1) == set()


def test_what_is_found_is_kept_with_the_command_that_finds_it_again(torturer: Torturer) -> None:
    mute = dataclasses.replace(SCENES["order_lost"], name="mute", hooks=("says_nothing",))
    result = torturer.carry_out(point_of(mute, KillPlan(ORDER, 1, "after")))
    assert {found.breach for found in result.found} == {Breach.LOG}
    assert result.folder is not None
    assert (result.folder / "bot" / "logs" / "bot.log").exists()
    assert "scripts/torture.py --again mute:order:1:after" in str(result)
