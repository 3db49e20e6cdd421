"""What the rendered units say: the command word for word, times that fit, nothing that leaks."""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.deploy.examples import (
    BY_INSTRUMENT,
    EVERY_FIVE_MINUTES,
    EXAMPLES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    posix_program,
    windows_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.systemd import quoting
from tradebot.deploy.systemd.parsed import Unit, parse_span
from tradebot.deploy.systemd.units import MARKER, render, render_template
from tradebot.errors import ExitCode, UsageError

HOME = PurePosixPath("/var/lib/ai-tradebot")
SERVICE, TIMER = "ai-tradebot@default.service", "ai-tradebot@default.timer"
SYSTEM = example_schedule(EVERY_FIVE_MINUTES, posix_program(), user="tradebot", system=True)
MINE = example_schedule(EVERY_FIVE_MINUTES, posix_program())
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


def rendered(schedule: Schedule, *, version: int = 252) -> dict[str, str]:
    return render(schedule, home=HOME, version=version)


def unit(schedule: Schedule, name: str, *, version: int = 252) -> Unit:
    return Unit.of(name, rendered(schedule, version=version)[name], "test")


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_every_word_of_a_command_comes_back_as_it_was(words: list[str]) -> None:
    command = ["/opt/a b$/python", *words]
    text = f"[Service]\nExecStart={quoting.command_line(command)}\n"

    assert Unit.of("a@b.service", text, "test").command() == command


@pytest.mark.parametrize("character", ["'", '"', "\\"])
def test_a_program_that_systemd_never_starts_is_refused(character: str) -> None:
    with pytest.raises(UsageError, match="starts no program"):
        quoting.command_line([f"/opt/{character}/python"])


def test_a_percent_a_dollar_and_a_space_stay_what_they_are() -> None:
    assert quoting.command_line(["/a b/%n", "$HOME", 'q"\\']) == r'":/a b/%%n" "$HOME" "q\"\\"'


def test_a_pattern_in_the_path_of_the_env_file_is_only_a_name() -> None:
    assert quoting.env_file("/opt/a[1]/100%/*.env") == r"/opt/a\[1]/100%%/\*.env"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_bot_is_started_once_for_its_slot_without_a_jitter_of_its_own(example: Example) -> None:
    schedule = example_schedule(example, posix_program(), system=True, user="tradebot")

    assert unit(schedule, SERVICE).command()[2:] == [
        "--single-cycle",
        "--scheduled",
        "--jitter-seconds-max=0",
    ]
    assert unit(schedule, TIMER).span("Timer", "RandomizedDelaySec") == 15


def test_the_exit_code_decides_about_a_second_try() -> None:
    service = unit(SYSTEM, SERVICE)

    assert service.last("Service", "Restart") == "on-failure"
    assert service.words("Service", "RestartPreventExitStatus") == ["64", "77", "78", "124"]
    assert service.words("Service", "SuccessExitStatus") == ["3", "75", "143"]
    assert service.span("Unit", "StartLimitIntervalSec") == 0


def test_a_code_that_counts_as_good_is_never_one_of_a_failed_cycle() -> None:
    good = {int(code) for code in unit(SYSTEM, SERVICE).words("Service", "SuccessExitStatus")}
    failed = set(ExitCode) - {
        ExitCode.OK,
        ExitCode.UNRESOLVED,
        ExitCode.BUSY,
        ExitCode.TERMINATED,
    }

    assert not good & failed


def test_the_kill_comes_after_the_bots_own_watchdog() -> None:
    timeout = unit(SYSTEM, SERVICE).span("Service", "TimeoutStartSec")

    assert timeout == SYSTEM.kill_after
    assert timeout > SYSTEM.deadline + 30


def test_what_was_missed_is_not_made_up_for() -> None:
    timer = unit(SYSTEM, TIMER)

    assert not timer.is_true("Timer", "Persistent")
    assert timer.span("Timer", "AccuracySec") == 1


def test_a_run_that_took_too_long_is_followed_by_a_slot_where_systemd_can_do_that() -> None:
    assert unit(SYSTEM, TIMER, version=256).last("Timer", "DeferReactivation") is None
    assert unit(SYSTEM, TIMER, version=257).is_true("Timer", "DeferReactivation")


def test_a_narrowed_schedule_keeps_its_login() -> None:
    schedule = example_schedule(
        WEEKDAY_WINDOW, posix_program(), narrow=True, user="tradebot", system=True
    )
    names = set(rendered(schedule))
    keepalive = unit(schedule, "ai-tradebot-keepalive@default.service")

    assert names - set(rendered(SYSTEM)) == {
        "ai-tradebot-keepalive@default.service",
        "ai-tradebot-keepalive@default.timer",
    }
    assert keepalive.command()[1:] == ["auth", "keepalive"]
    assert unit(schedule, TIMER).all("Timer", "OnCalendar") == (
        "Mon..Fri *-*-* 13..20:00/5:00 UTC",
    )


def test_a_long_jitter_of_the_runs_is_not_the_keepalives() -> None:
    slow = dataclasses.replace(SYSTEM, cadence=14400.0, jitter=2400.0, keeps_login=True)
    timers = rendered(slow)
    assert "RandomizedDelaySec=2400s" in timers["ai-tradebot@default.timer"]
    assert "RandomizedDelaySec=180s" in timers["ai-tradebot-keepalive@default.timer"]


def test_the_settings_are_read_by_systemd_and_must_be_there() -> None:
    assert unit(SYSTEM, SERVICE).all("Service", "EnvironmentFile") == ("/opt/ai-tradebot/.env",)


def test_without_a_settings_file_none_is_named() -> None:
    program = dataclasses.replace(SYSTEM.program, env_file=None)
    schedule = dataclasses.replace(SYSTEM, program=program)

    assert unit(schedule, SERVICE).all("Service", "EnvironmentFile") == ()


def test_a_variable_of_the_schedule_stands_in_the_unit() -> None:
    schedule = dataclasses.replace(SYSTEM, instance="paper", variables={"INSTANCE": "paper"})
    service = unit(schedule, "ai-tradebot@paper.service")

    assert service.words("Service", "Environment") == ["INSTANCE=paper"]


def test_a_unit_of_the_machine_writes_into_its_own_folders_only() -> None:
    service = unit(SYSTEM, SERVICE)

    assert service.last("Service", "ProtectSystem") == "strict"
    assert service.words("Service", "ReadWritePaths") == [
        "-/opt/ai-tradebot/logs",
        "-/opt/ai-tradebot/state",
    ]
    assert service.words("Service", "StateDirectory") == ["ai-tradebot"]


def test_the_locks_that_two_instances_share_are_within_reach() -> None:
    schedule = dataclasses.replace(SYSTEM, instance="paper")
    text = render(schedule, home=PurePosixPath("/srv/bot"), version=252)
    service = Unit.of(SERVICE, text["ai-tradebot@paper.service"], "test")

    assert "-/srv/bot/.local/state/ai-tradebot" in service.words("Service", "ReadWritePaths")
    assert not [word for word in service.words("Service", "Environment") if "STATE_HOME" in word]


def test_a_bot_in_a_home_folder_still_sees_it() -> None:
    schedule = dataclasses.replace(SYSTEM, program=posix_program("/home/ann/bot"))
    service = unit(schedule, SERVICE)

    assert service.last("Service", "ProtectHome") == "read-only"
    assert "-/home/ann/bot/state" in service.words("Service", "ReadWritePaths")


def test_a_python_that_lives_in_a_home_folder_is_still_seen(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to("/home/ann/.local/bin/python3.11")
    program = dataclasses.replace(SYSTEM.program, python=link)

    service = unit(dataclasses.replace(SYSTEM, program=program), SERVICE)

    assert service.last("Service", "ProtectHome") == "read-only"


def test_a_users_own_unit_asks_for_no_privilege() -> None:
    service = unit(MINE, SERVICE)

    for option in ("User", "CapabilityBoundingSet", "ProtectSystem", "PrivateDevices"):
        assert service.values.get(("Service", option)) is None
    assert service.is_true("Service", "NoNewPrivileges")
    assert service.last("Unit", "After") is None


def test_a_template_serves_every_instance_and_names_no_machine() -> None:
    texts = render_template(SYSTEM, version=252)
    service = Unit.of("ai-tradebot@paper.service", texts["ai-tradebot@.service"], "test")
    timer = Unit.of("ai-tradebot@paper.timer", texts["ai-tradebot@.timer"], "test")

    assert service.words("Service", "Environment") == ["INSTANCE=paper"]
    assert service.text("Service", "EnvironmentFile") == "/etc/ai-tradebot/paper.env"
    assert timer.text("Timer", "Unit") == "ai-tradebot@paper.service"
    assert "LoadCredential=SAXO_APP_SECRET" in texts["ai-tradebot@.service"]
    assert "default" not in "".join(texts.values())


@pytest.mark.parametrize("schedule", [SYSTEM, MINE], ids=["system", "user"])
def test_every_file_says_who_made_it(schedule: Schedule) -> None:
    assert all(text.startswith(MARKER) for text in rendered(schedule).values())


def test_paths_of_another_system_are_refused_with_a_reason() -> None:
    schedule = example_schedule(BY_INSTRUMENT, windows_program())

    with pytest.raises(UsageError, match="render it there"):
        render(schedule)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("285s", 285),
        ("5min 20s", 320),
        ("1h30m", 5400),
        ("2500ms", 2.5),
        ("infinity", float("inf")),
    ],
)
def test_time_spans_are_read_as_systemd_reads_them(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


def test_what_is_no_time_span_is_none() -> None:
    assert parse_span("soon") is None
    assert parse_span("") is None


def test_a_drop_in_has_the_last_word_and_an_empty_one_begins_anew() -> None:
    text = "[Timer]\nOnCalendar=hourly\n# c\n[Timer]\nOnCalendar=\nOnCalendar=*:0 \\\n UTC\n"
    timer = Unit.of("a@b.timer", text, "test")

    assert [line.split() for line in timer.all("Timer", "OnCalendar")] == [["*:0", "UTC"]]
