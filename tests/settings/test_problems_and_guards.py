"""Everything that is wrong is said at once, with the variable's name and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.errors import ExitCode, SettingsError
from tradebot.settings import load, load_lenient
from tradebot.settings.variables import VARIABLES

FX = '[{"asset_type":"FxSpot","uic":21,"quantity":10000}]'
SIM = {
    "SAXO_ENV": "SIM",
    "SAXO_APP_KEY": "key-0123456789",
    "SAXO_APP_SECRET": "secret-0123456789",
    "SAXO_REDIRECT_URI": "http://localhost/callback",
    "WATCHLIST_JSON": FX,
}
FIXED = {"TRADING_HOURS_MODE": "fixed", "TRADING_START": "09:30", "TRADING_END": "16:00"}
HOME = Path("/nowhere/at/all")


def problems(environ: dict[str, str], home: Path = HOME) -> tuple[str, ...]:
    return load_lenient(environ, home=home)[1]


def the_problem(environ: dict[str, str]) -> str:
    found = problems(environ)
    assert len(found) == 1, found
    return found[0]


def without(environ: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


def test_every_problem_is_reported_at_once_and_the_exit_code_is_78() -> None:
    environ = {"LOG_LEVEL": "x", "TIMEZONE": "x", "SCHEDULE_CADENCE": "x", "INSTANCE": "a b"}
    with pytest.raises(SettingsError) as caught:
        load(environ, home=HOME)
    assert len(caught.value.problems) == 4
    assert caught.value.exit_code is ExitCode.CONFIG
    assert {problem.split(" ")[0] for problem in caught.value.problems} == set(environ)


def test_a_problem_says_where_what_was_expected_and_what_was_probably_meant() -> None:
    problem = the_problem({"SAXO_ENV": "liev"})
    assert problem == (
        "SAXO_ENV (in the environment): expected one of LOCAL, SIM, LIVE; did you mean LIVE?"
    )


def test_a_problem_in_the_file_names_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# one\nLOG_QUEUE=maybe\n", encoding="utf-8")
    assert problems({}, tmp_path)[0].startswith(
        "LOG_QUEUE (in .env line 2): expected true or false"
    )


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_no_problem_repeats_what_was_given(variable: object, tmp_path: Path) -> None:
    name = str(getattr(variable, "name"))  # noqa: B009
    for planted in (
        "Hunter2 Swordfish",
        "Hunter2",
        "https://me:Hunter2@x/",
        "[{Hunter2",
        "@Hunter2",
    ):
        settings, found = load_lenient({name: planted}, home=tmp_path)
        said = "\n".join([*found, *settings.warnings])
        assert "hunter2" not in said.lower()
        (tmp_path / ".env").write_text(f"{name}='{planted}'\n{name}={planted}\n", "utf-8")
        settings, found = load_lenient({}, home=tmp_path)
        said = "\n".join([*found, *settings.warnings])
        assert "hunter2" not in said.lower()
        (tmp_path / ".env").unlink()


@pytest.mark.parametrize(
    "name",
    [
        "SAXO_APP_KEY",
        "SAXO_APP_SECRET",
        "SAXO_ACCESS_TOKEN",
        "SAXO_ACCOUNT_KEY",
        "SAXO_CLIENT_KEY",
    ],
)
def test_a_credential_without_an_environment_is_an_error_and_not_local(name: str) -> None:
    problem = the_problem({name: "credential-0123456789"})
    assert problem.startswith(f"SAXO_ENV is not set, although {name} is")
    assert "credential" not in problem
    assert problems({name: "credential-0123456789", "SAXO_ENV": "LOCAL"}) == ()


def test_several_credentials_are_named_together() -> None:
    both = {"SAXO_APP_KEY": "key-0123456789", "SAXO_APP_SECRET": "secret-0123456789"}
    assert "SAXO_APP_KEY, SAXO_APP_SECRET are" in the_problem(both)


def test_live_orders_need_a_yes() -> None:
    live = SIM | {"SAXO_ENV": "LIVE", "DRY_RUN": "false"}
    assert the_problem(live).startswith("LIVE_TRADING_CONFIRMED: must be yes")
    assert the_problem(live | {"LIVE_TRADING_CONFIRMED": "no"})
    assert problems(live | {"LIVE_TRADING_CONFIRMED": "yes"}) == ()
    assert problems(live | {"DRY_RUN": "true"}) == ()
    assert load(live, home=HOME, dry_run_flag=True).dry_run is True


@pytest.mark.parametrize("env", ["SIM", "LIVE"])
def test_real_environments_need_a_watch_list(env: str) -> None:
    environ = without(SIM | {"SAXO_ENV": env}, "WATCHLIST_JSON")
    assert the_problem(environ).startswith(f"WATCHLIST_JSON is not set, but SAXO_ENV={env}")


@pytest.mark.parametrize(
    ("mode", "needed"),
    [
        ("oauth", {"SAXO_APP_KEY", "SAXO_APP_SECRET", "SAXO_REDIRECT_URI"}),
        ("pkce", {"SAXO_APP_KEY", "SAXO_REDIRECT_URI"}),
        ("manual", {"SAXO_ACCESS_TOKEN"}),
    ],
)
def test_a_login_needs_its_parts(mode: str, needed: set[str]) -> None:
    bare = {"SAXO_ENV": "SIM", "WATCHLIST_JSON": FX, "SAXO_AUTH_MODE": mode}
    assert {problem.split(" ")[0] for problem in problems(bare)} == needed
    parts = dict.fromkeys(needed, "http://localhost/callback-0123")
    assert problems(bare | parts) == ()


def test_local_needs_no_login_except_a_manual_token() -> None:
    assert problems({"SAXO_AUTH_MODE": "pkce"}) == ()
    assert the_problem({"SAXO_AUTH_MODE": "manual"}).startswith("SAXO_ACCESS_TOKEN is not set")


def test_a_credential_on_a_refused_line_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("export SAXO_APP_SECRET=secret-0123456789\n", encoding="utf-8")
    found = problems(without(SIM, "SAXO_APP_SECRET"), tmp_path)
    assert found == (".env line 1: leave out `export` (systemd does not know it)",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"SAXO_ENV": "LOCAL", "SAXO_REST_BASE": "https://example.com", "SAXO_AUTH_BASE": "http://127.0.0.1"},
            "SAXO_REST_BASE: SAXO_ENV=LOCAL is for this machine only",
        ),
        ({"SAXO_ENV": "LOCAL", "SAXO_AUTH_BASE": "http://127.0.0.1:1"}, "set both or neither"),
        ({"SAXO_REST_BASE": "http://127.0.0.1:1"}, "only SAXO_REST_BASE is on this machine"),
        ({"SAXO_AUTH_BASE": "http://localhost:1"}, "only SAXO_AUTH_BASE is on this machine"),
        (
            {"SAXO_REST_BASE": "https://gateway.saxobank.com/openapi"},
            "SAXO_REST_BASE: this is Saxo's address for LIVE, but SAXO_ENV=SIM",
        ),
        (
            {"SAXO_ENV": "LIVE", "SAXO_REST_BASE": "https://gateway.saxobank.com/sim/openapi"},
            "SAXO_REST_BASE: this is Saxo's address for SIM, but SAXO_ENV=LIVE",
        ),
        (
            {"SAXO_AUTH_BASE": "https://live.logonvalidation.net"},
            "SAXO_AUTH_BASE: this is Saxo's address for LIVE, but SAXO_ENV=SIM",
        ),
    ],
)  # fmt: skip
def test_addresses_must_fit_the_environment(change: dict[str, str], said: str) -> None:
    assert said in the_problem(SIM | change)


def test_a_simulator_of_its_own_and_a_proxy_are_possible() -> None:
    local = {"SAXO_REST_BASE": "http://127.0.0.1:1/sim/openapi", "SAXO_AUTH_BASE": "http://[::1]:1"}
    assert problems(local) == ()
    assert problems(SIM | local) == ()
    assert problems(SIM | {"SAXO_REST_BASE": "https://proxy.example.com/openapi"}) == ()


@pytest.mark.parametrize("missing", ["TRADING_START", "TRADING_END"])
def test_a_fixed_window_needs_both_ends(missing: str) -> None:
    assert problems(FIXED) == ()
    assert the_problem(without(FIXED, missing)).startswith(
        f"{missing} is not set, but TRADING_HOURS"
    )


@pytest.mark.parametrize("cadence", ["60", "5m", "90s", "1h", "4h", "24h", "1", "45m", "0.5h"])
def test_a_cadence_that_divides_an_hour_or_a_day(cadence: str) -> None:
    assert problems({"SCHEDULE_CADENCE": cadence}) == ()


@pytest.mark.parametrize("cadence", ["7m", "50m", "5h", "61", "1.7"])
def test_a_cadence_that_does_not_is_refused(cadence: str) -> None:
    assert "divides neither an hour nor a day" in the_problem({"SCHEDULE_CADENCE": cadence})


def test_an_offset_lies_within_the_slot() -> None:
    assert problems({"SCHEDULE_OFFSET_SECONDS": "299"}) == ()
    assert "must be less than SCHEDULE_CADENCE, 5m" in the_problem(
        {"SCHEDULE_OFFSET_SECONDS": "5m"}
    )


def test_limit_orders_need_slippage() -> None:
    limit = {"ORDER_TYPE": "marketable_limit"}
    assert problems(limit) == ()
    assert the_problem(limit | {"MAX_SLIPPAGE_BPS": "0"}).startswith("MAX_SLIPPAGE_BPS")


def test_a_guard_is_quiet_about_a_variable_that_is_wrong_already() -> None:
    found = problems({"SAXO_ENV": "x", "SAXO_REST_BASE": "https://example.com"})
    assert [problem.split(" ")[0] for problem in found] == ["SAXO_ENV"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "at least one entry"),
        ("{}", "at least one entry"),
        ("[1]", "entry 1 is not an object"),
        ('[{"uic":1}]', "entry 1: asset_type"),
        ('[{"asset_type":"St ock","uic":1}]', "entry 1: asset_type"),
        ('[{"asset_type":"Stock","uic":"1"}]', "entry 1: uic"),
        ('[{"asset_type":"Stock","uic":true}]', "entry 1: uic"),
        ('[{"asset_type":"Stock","uic":0}]', "entry 1: uic"),
        ('[{"asset_type":"Stock","uic":1.5}]', "entry 1: uic"),
        ('[{"asset_type":"Stock","uic":1,"quantity":0}]', "entry 1: quantity"),
        ('[{"asset_type":"Stock","uic":1,"quantity":null}]', "entry 1: quantity"),
        ('[{"asset_type":"Stock","uic":1,"symbol":5}]', "entry 1: symbol"),
        ('[{"asset_type":"Stock","uic":1,"symbol":"a\\nb"}]', "entry 1: symbol"),
        ('[{"asset_type":"Stock","uic":1,"qty":1}]', "unknown field; the fields are asset_type"),
        ('[{"asset_type":"Stock","uic":1},{"asset_type":"Stock","uic":1}]', "entry 2 repeats"),
        ('[{"asset_type":"Stock","uic":1,"uic":2}]', "the same name twice"),
        ('[{"asset_type":"Stock","uic":NaN}]', "NaN"),
        ('[{"asset_type" 1}]', "not JSON at line 1, column 16"),
        ("@missing.json", "the file cannot be read: No such file"),
        ("[" * 100_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_wrong_watch_list_says_which_entry_and_field(text: str, said: str) -> None:
    problem = the_problem({"WATCHLIST_JSON": text})
    assert problem.startswith("WATCHLIST_JSON (in the environment): expected a JSON list")
    assert said in problem


def test_a_watch_list_file_must_be_text_of_a_reasonable_size(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    (tmp_path / "huge.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    assert "not UTF-8" in problems({"WATCHLIST_JSON": "@latin.json"}, tmp_path)[0]
    assert "larger than 4 MiB" in problems({"WATCHLIST_JSON": "@huge.json"}, tmp_path)[0]


@pytest.mark.parametrize(("text", "said"), [("[]", "must be an object"), ("{", "not JSON")])
def test_wrong_strategy_parameters(text: str, said: str) -> None:
    problem = the_problem({"STRATEGY_PARAMS_JSON": text})
    assert problem.startswith("STRATEGY_PARAMS_JSON")
    assert said in problem
