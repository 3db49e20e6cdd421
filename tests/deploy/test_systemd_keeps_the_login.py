"""A login that would end between two starts is found, by what the timers and commands really do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.unit_files import ME, NOW, Change, add, findings, names, program_in, put, swap
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, WEEKDAY_WINDOW, example_schedule
from tradebot.deploy.login_gap import LONGEST, login_gap
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.rules import Finding
from tradebot.deploy.systemd.checks import check
from tradebot.deploy.systemd.installed import RENDERED, pair_of
from tradebot.deploy.systemd.units import render

REFRESHING = "auth keepalive"


@pytest.fixture(autouse=True)
def no_linter(monkeypatch: pytest.MonkeyPatch) -> None:
    """What systemd's own tools find is another matter: here they are not installed."""
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return program_in(tmp_path)


@pytest.fixture
def hourly(program: Program) -> Schedule:
    return example_schedule(EVERY_FIVE_MINUTES, program, user=ME, system=True, cadence=3600)


@pytest.fixture
def narrow(program: Program) -> Schedule:
    return example_schedule(WEEKDAY_WINDOW, program, user=ME, system=True, narrow=True)


def in_keepalive(change: Change) -> Change:
    """In one file of the second pair only."""
    return lambda text: change(text) if "keep the login alive" in text else text


def started(command: str) -> Change:
    return in_keepalive(add(f"[Service]\nExecStart=\nExecStart={command}"))


def without_keepalive(schedule: Schedule, asked: Schedule) -> list[Finding]:
    """`asked` of the units of `schedule`."""
    texts = render(schedule, version=252, now=NOW)
    units = [f"{schedule.name}.timer", f"{schedule.name}.service"]
    pair = pair_of([(unit, texts[unit], RENDERED) for unit in units])
    return list(check(asked, [pair], version=252, now=NOW))


def test_starts_often_enough_leave_no_gap() -> None:
    def every(step: timedelta) -> Iterator[datetime]:
        moment = NOW
        while True:
            moment += step
            yield moment

    assert login_gap(every(LONGEST), NOW) is None
    gap = login_gap(every(LONGEST + timedelta(seconds=1)), NOW)
    assert gap is not None
    assert gap.begin == NOW


def test_the_times_before_the_first_start_and_after_the_last_one_count() -> None:
    horizon = timedelta(hours=1)
    first = [NOW + timedelta(minutes=minutes) for minutes in (50, 55)]
    last = [NOW + timedelta(minutes=minutes) for minutes in (10, 15, 30)]

    assert str(login_gap(first, NOW, horizon)) == "50 minutes from 2026-07-01T12:00Z on"
    assert str(login_gap(last, NOW, horizon)) == "30 minutes from 2026-07-01T12:30Z on"
    assert str(login_gap([], NOW, horizon)) == "60 minutes from 2026-07-01T12:00Z on"


@pytest.mark.parametrize(
    "calendar",
    ["daily UTC", "yearly UTC", "*:0/30 UTC", "Mon..Fri *:0/15 UTC", "*-*-* 8..22:0/15 UTC"],
)
def test_a_keepalive_that_comes_too_rarely_is_found(hourly: Schedule, calendar: str) -> None:
    rarely = in_keepalive(put("OnCalendar", calendar))
    keeps = names(findings(hourly, timer=in_keepalive(put("OnCalendar", "*:0/20 UTC"))))

    assert names(findings(hourly, timer=rarely)) - {"timer-misses-slots"} == {"login-gap"}
    assert keeps == set()


def test_a_keepalive_that_may_be_put_off_for_an_hour_keeps_nothing_alive(hourly: Schedule) -> None:
    change = in_keepalive(put("RandomizedDelaySec", "1h"))

    (found,) = findings(hourly, timer=change)

    assert found.rule.name == "login-gap"
    assert "has RandomizedDelaySec=3600s" in found.what


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("/bin/true", "command-other-program"),
        ("/bin/echo auth keepalive", "command-other-program"),
        ('"HOME/bin/tradebot" auth status', "command-other-program"),
        ('"HOME/bin/tradebot" auth status keepalive', "command-other-program"),
        ('"HOME/bin/python" auth keepalive', "command-other-program"),
        ('"HOME/bin/tradebot" auth keepalive --env-file=/etc/passwd', "command-other-env-file"),
        ('/usr/bin/env INSTANCE=other "HOME/bin/tradebot" auth keepalive', "variable-differs"),
    ],
)
def test_a_command_that_refreshes_another_login_or_none_is_found(
    hourly: Schedule, command: str, rule: str
) -> None:
    home = str(hourly.program.home)
    found = names(findings(hourly, service=started(command.replace("HOME", home))))

    assert found == {"login-gap", rule}


@pytest.mark.parametrize(
    "command",
    [
        '"HOME/bin/tradebot" auth keepalive --env-file "HOME/.env"',
        '/usr/bin/env LOG_LEVEL=DEBUG "HOME/bin/tradebot" auth keepalive',
        '/usr/bin/nice -n 5 "HOME/bin/tradebot" auth keepalive',
    ],
)
def test_the_same_keepalive_may_be_said_in_other_words(hourly: Schedule, command: str) -> None:
    home = str(hourly.program.home)

    assert findings(hourly, service=started(command.replace("HOME", home))) == []


def test_a_keepalive_of_another_state_is_found_but_not_one_of_another_cadence(
    hourly: Schedule,
) -> None:
    def with_variable(text: str) -> Change:
        return in_keepalive(add(f"[Service]\nEnvironment={text}"))

    other = names(findings(hourly, service=with_variable("STATE_DIR=/elsewhere")))

    assert other == {"login-gap", "variable-differs"}
    assert findings(hourly, service=with_variable("SCHEDULE_CADENCE=5m")) == []


def test_a_narrow_timer_without_its_keepalive_is_found_whatever_is_asked_for(
    narrow: Schedule,
) -> None:
    wide = dataclasses.replace(narrow, narrow=False)

    for asked in (narrow, wide):
        (found,) = without_keepalive(narrow, asked)
        assert found.rule.name == "login-gap"
        assert "no ai-tradebot-keepalive@default.timer" in found.what


def test_a_wide_timer_keeps_the_login_alive_by_itself(narrow: Schedule) -> None:
    wide = dataclasses.replace(narrow, narrow=False)

    assert without_keepalive(wide, narrow) == []


@pytest.mark.parametrize("system", [True, False], ids=["system", "user"])
@pytest.mark.parametrize("cadence", [60, 300, 1200, 1800, 3600, 14400])
def test_what_is_rendered_keeps_the_login(
    hourly: Schedule, narrow: Schedule, system: bool, cadence: int
) -> None:
    for one in (hourly, narrow):
        schedule = dataclasses.replace(
            one, system=system, user=ME if system else None, cadence=cadence
        )
        assert "login-gap" not in names(findings(schedule))


def test_without_a_login_nothing_has_to_keep_it(hourly: Schedule, narrow: Schedule) -> None:
    for schedule in (hourly, narrow):
        without = dataclasses.replace(schedule, keeps_login=False)
        assert findings(without) == []
        assert without_keepalive(schedule, without) == []
        assert names(without_keepalive(schedule, schedule)) == {"login-gap"}


def test_both_halves_of_the_keepalive_are_judged(hourly: Schedule) -> None:
    assert names(findings(hourly, service=in_keepalive(swap(REFRESHING, "auth login")))) == {
        "login-gap",
        "command-other-program",
    }
    assert "login-gap" in names(findings(hourly, timer=in_keepalive(put("OnCalendar", "soon"))))
