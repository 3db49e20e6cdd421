"""A bundle has the lines of the runs concerned, and is not there when one may hold a secret."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.log_lines import RUN, line
from tradebot.cli import main

REFERENCE = "ATB-20251217-0712-ABCDEFGHIJ"
OTHER_RUN = "11111111-2222-4333-8444-555555555555"
CORRELATION = "6f891be79f112ccbb0f4d8cbb99fdd8a#123#229deee7-e505-48f8-af86-71a982253d5b#11"
SECRET = "Zx9mQ2vL7pRt4KdW8sYb"
ORDER = (
    line("pid=7", component="app", event="startup_begin"),
    line("signals=1", component="orchestrator", event="log_message"),
    line(
        f"http_method=POST http_url_path=/openapi/trade/v2/orders http_status=201 latency_ms=85"
        f" saxo_request_id={CORRELATION} external_reference={REFERENCE}",
        component="saxo.transport",
        event="http_request",
    ),
    line(f"external_reference={REFERENCE} order_id=5039287596", event="execution_order_placed"),
)
OTHERS = line(
    "pid=8", event="startup_begin", six=f"run_id={OTHER_RUN} cycle_id=43 dry_run=false "
    "single_cycle=true env=SIM strategy=sma_cross/1.0",
)  # fmt: skip


def bundle(folder: Path, *arguments: str, **more: str) -> Result:
    options = ("--logs", str(folder / "logs"), "-o", str(folder / "b.zip"))
    return CliRunner().invoke(main, ["logs", "bundle", *arguments, *options], env=more)


def log(folder: Path, *lines: str) -> Path:
    (folder / "logs").mkdir()
    path = folder / "logs" / "bot.log"
    path.write_text("".join(lines))
    return path


def texts(folder: Path) -> dict[str, str]:
    with zipfile.ZipFile(folder / "b.zip") as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize(
    "name",
    [REFERENCE, REFERENCE.lower(), f"external_reference={REFERENCE},", "5039287596", RUN],
)
def test_every_line_of_the_runs_concerned_is_in_it_and_no_other(tmp_path: Path, name: str) -> None:
    log(tmp_path, *ORDER[:2], OTHERS, *ORDER[2:])
    done = bundle(tmp_path, name)
    assert done.exit_code == 0, done.output
    found = texts(tmp_path)
    assert found["lines.log"] == "".join(ORDER)
    assert CORRELATION in found["requests.csv"]
    assert "read: bot.log" in found["README.txt"]
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600


def test_a_time_takes_every_line_of_it(tmp_path: Path) -> None:
    early = line(time="2025-12-17T06:00:00.000Z")
    log(tmp_path, early, *ORDER, OTHERS)
    assert bundle(tmp_path, "--since", "2025-12-17T07:00Z").exit_code == 0
    assert texts(tmp_path)["lines.log"] == "".join((*ORDER, OTHERS))


@pytest.mark.parametrize(
    "leak",
    [
        f"external_reference={REFERENCE} access_token={SECRET}",
        f'external_reference={REFERENCE} msg="Authorization: Bearer {SECRET}.{SECRET}"',
        f"external_reference={REFERENCE} account_key={SECRET}",
    ],
)
def test_nothing_is_written_when_a_line_may_hold_a_secret(tmp_path: Path, leak: str) -> None:
    log(tmp_path, *ORDER, line(leak))
    (tmp_path / "b.zip").write_text("an older one")
    done = bundle(tmp_path, REFERENCE)
    assert done.exit_code == 1
    assert "nothing was written" in done.stderr
    assert "the line of 2025-12-17T07:12:03.214Z" in done.stderr
    assert SECRET not in done.output
    assert (tmp_path / "b.zip").read_text() == "an older one"
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "b.zip"}


def test_a_known_secret_is_found_where_no_rule_would_look_for_one(tmp_path: Path) -> None:
    # A code word like any other, but for being the app's secret.
    log(tmp_path, *ORDER, line(f"external_reference={REFERENCE} failure_reason=purple_elephant"))
    assert bundle(tmp_path, REFERENCE).exit_code == 0
    done = bundle(tmp_path, REFERENCE, SAXO_APP_SECRET="purple_elephant")
    assert done.exit_code == 1
    assert "purple_elephant" not in done.output


def test_foreign_lines_stay_behind_and_are_counted(tmp_path: Path) -> None:
    log(tmp_path, *ORDER, f"run_id={RUN} password={SECRET} ATB {REFERENCE}\n")
    done = bundle(tmp_path, REFERENCE)
    assert done.exit_code == 0
    assert texts(tmp_path)["lines.log"] == "".join(ORDER)
    assert "skipped: " in done.stderr


def test_nothing_found_is_1_and_says_what_was_read(tmp_path: Path) -> None:
    log(tmp_path, *ORDER)
    done = bundle(tmp_path, "ATB-20251217-0712-XXXXXXXXXX")
    assert (done.exit_code, (tmp_path / "b.zip").exists()) == (1, False)
    assert "read: bot.log" in done.stderr


def test_without_a_name_or_a_time_it_is_wrong_use(tmp_path: Path) -> None:
    log(tmp_path, *ORDER)
    done = bundle(tmp_path)
    assert done.exit_code == 2
    assert "--since" in done.stderr


def test_a_folder_that_is_not_there_to_write_to_is_2(tmp_path: Path) -> None:
    log(tmp_path, *ORDER)
    done = bundle(tmp_path, REFERENCE, "-o", str(tmp_path / "none" / "b.zip"))
    assert done.exit_code == 0, "the last -o counts"
    arguments = ["logs", "bundle", REFERENCE, "--logs", str(tmp_path / "logs")]
    done = CliRunner().invoke(main, [*arguments, "-o", str(tmp_path / "none" / "b.zip")])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_the_bots_own_log_comes_with_its_settings_masked(tmp_path: Path) -> None:
    log(tmp_path, *ORDER)
    done = CliRunner().invoke(
        main,
        ["logs", "bundle", REFERENCE, "-o", str(tmp_path / "b.zip")],
        env={
            "LOG_DIR": str(tmp_path / "logs"),
            "STATE_DIR": str(tmp_path),
            "SAXO_APP_SECRET": SECRET,
        },
    )
    assert done.exit_code == 0, done.output
    found = texts(tmp_path)
    assert "SAXO_APP_SECRET,***,environment" in found["settings.csv"]
    assert not any(SECRET in text for text in found.values())


def test_what_is_no_id_is_wrong_use_and_shown_harmlessly(tmp_path: Path) -> None:
    log(tmp_path, *ORDER)
    done = bundle(tmp_path, "\x1b[31mred")
    assert done.exit_code == 2
    assert "is no id" in done.stderr
    assert "\x1b" not in done.output
