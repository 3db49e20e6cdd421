"""A scenario says everything that is to go wrong: all of it is checked, then all is on."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.simulator import scenario
from tradebot.simulator.scenario import BadScenario

ME = "/port/v1/users/me"
WHOLE = """
    title = "Everything"
    about = "One of each."
    balance = 5000
    advance = 2
    [options]
    fill_delay_seconds = 3
    [options.rate_limits]
    enabled = true
    orders_per_second = 5
    [[fault]]
    kind = "html"
    count = "always"
    endpoint = "/cs/*"
    [[sequence]]
    endpoint = "/port/v1/users/me"
    steps = ["pass", { kind = "status", params = { status = 418 } }]
    [[mix]]
    seed = "a word"
    probability = 1
    endpoint = ["/chart/*", "/ref/*"]
    kinds = ["empty"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "all.toml"
    path.write_text(textwrap.dedent(WHOLE), encoding="utf-8")
    return path


def problems(path: Path, text: str) -> list[str]:
    """What is said about a file with this text, without the file's name."""
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    with pytest.raises(BadScenario) as caught:
        scenario.read(str(path))
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_everything_is_on(api: SimulatorClient, file: Path) -> None:
    day = api.sim.market_date
    scenario.load(api.sim.broker, scenario.read(str(file)))
    assert api.sim.market_date > day
    assert api.balance()["CashBalance"] == 5000
    assert [api.get(ME).status for _ in range(3)] == [200, 418, 200]
    assert api.get("/cs/v1/audit/orderactivities").header("Content-Type") == "text/html"
    assert api.get("/ref/v1/instruments").body == b""
    assert api.placed()
    assert len(api.open_orders()) == 1, "fills only later"
    found = api.control("GET", "scenario").json
    assert found["title"] == "Everything"
    assert found["options"]["fill_delay_seconds"] == 3
    assert [len(found[name]) for name in ("faults", "sequences", "mixes")] == [1, 1, 1]
    assert [found["faults"][0]["remaining"], found["sequences"][0]["used"]] == [None, 2]


def test_it_takes_the_place_of_what_was_on(api: SimulatorClient, file: Path) -> None:
    api.fault("html", endpoint=ME)
    scenario.load(api.sim.broker, scenario.read(str(file)))
    scenario.load(api.sim.broker, scenario.parse({"fault": [{"kind": "empty"}]}, "x"))
    found = api.control("GET", "scenario").json
    assert [fault["kind"] for fault in found["faults"]] == ["empty"]
    assert (found["title"], found["options"], found["sequences"], found["mixes"]) == (
        "",
        {},
        [],
        [],
    )


def test_clearing_leaves_the_account(api: SimulatorClient, file: Path) -> None:
    scenario.load(api.sim.broker, scenario.read(str(file)))
    api.placed()
    assert api.control("DELETE", "scenario").status == 204
    assert not any(api.control("GET", "scenario").json.values())
    assert len(api.audit()) > 0
    assert api.balance()["CashBalance"] == 5000


def test_a_reset_switches_it_off(api: SimulatorClient, file: Path) -> None:
    scenario.load(api.sim.broker, scenario.read(str(file)))
    found = api.control("POST", "reset").json
    assert (found["faults"], found["sequences"], found["mixes"]) == (0, 0, 0)
    assert not any(api.control("GET", "scenario").json.values())
    assert api.balance()["CashBalance"] == 100_000


def test_the_same_over_http(api: SimulatorClient) -> None:
    body = {"title": "t", "sequence": [{"endpoint": ME, "steps": ["html"]}], "balance": 7}
    answer = api.control("POST", "scenario", body)
    assert (answer.status, answer.json["title"]) == (201, "t")
    assert api.get(ME).status == 503
    assert api.balance()["CashBalance"] == 7


def test_a_wrong_one_over_http_changes_nothing(api: SimulatorClient) -> None:
    api.control("POST", "scenario", {"title": "before"})
    wrong = {"title": "after", "fault": [{"kind": "html"}, {"kind": "rain"}]}
    answer = api.control("POST", "scenario", wrong)
    assert answer.status == 400
    assert "fault 2: 'rain' is no kind of fault" in answer.json["error"]
    assert api.control("GET", "scenario").json["title"] == "before"
    assert api.control("GET", "scenario").json["faults"] == []
    assert api.send("POST", "/simulator/scenario", b"[]").status == 400
    assert api.control("DELETE", "scenario/3").status == 404


def test_every_problem_is_named_with_its_place(tmp_path: Path) -> None:
    found = problems(
        tmp_path / "bad.toml",
        """
        titel = "x"
        about = 3
        balance = -1
        advance = 1.5
        [options]
        max_uic = 3
        netting_profile = "Lifo"
        fill_delay_seconds = "3s"
        refresh_needs_redirect_uri = 1
        audit_page_rows = 0
        initial_balance = 3
        [options.rate_limits]
        enabled = "no"
        [[fault]]
        kind = "drop_affter"
        [[fault]]
        kind = "drop_after"
        params = { outcome = "never" }
        [[fault]]
        kind = "trade_not_completed"
        params = { outcome = "maybe" }
        [[fault]]
        kind = "refuse"
        endpoint = "/port/*"
        [[fault]]
        kind = "delay"
        count = "often"
        [[sequence]]
        steps = []
        [[mix]]
        seed = 1
        """,
    )
    expected = [
        "'titel' is no field of a scenario; did you mean 'title'?",
        "about is 3, not a text",
        "balance is -1, not a number from 0 up",
        "advance is 1.5, not a whole number from 0 up",
        "options: 'max_uic' is no option; did you mean 'max_uics'?",
        "options: netting_profile is 'Lifo', not one of FifoRealTime, FifoEndOfDay",
        "options: fill_delay_seconds is '3s', not a number from 0 up",
        "options: refresh_needs_redirect_uri is 1, not true or false",
        "options: audit_page_rows is 0, not a whole number from 1 up",
        "options: initial_balance is the field `balance` of the scenario",
        "options.rate_limits: enabled is 'no', not true or false",
        "fault 1: 'drop_affter' is no kind of fault; did you mean 'drop_after'?",
        "fault 2: 'outcome' is no parameter of drop_after; there are: reset",
        "fault 3: outcome is 'maybe', not one of 'filled', 'working', 'rejected', 'never'",
        "fault 4: refuse cannot happen at POST /port/*, only at POST /trade/v2/orders",
        "fault 5: count is 'often'; it must be a whole number from 0 up, or \"always\"",
        "sequence 1: steps is missing",
        "mix 1: probability is None",
    ]
    assert len(found) == len(expected)
    for line, beginning in zip(sorted(found), sorted(expected), strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "is not TOML: "),
        ("fault = 3", "fault must be a list of tables, each headed [[fault]]"),
        ('[fault]\nkind = "html"', "fault must be a list of tables"),
        ("options = 3", "options must be a table, headed [options]"),
        ("[options]\nrate_limits = false", "options.rate_limits must be a table"),
        ('[options]\nclock = "x"', "'clock' is no option"),
    ],
)
def test_a_file_of_the_wrong_shape(tmp_path: Path, text: str, words: str) -> None:
    [line] = problems(tmp_path / "bad.toml", text)
    assert words in line


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for name, words in (
        ("none.toml", "no such file; shipped are: bad_day"),
        ("", "cannot be read"),
    ):
        with pytest.raises(BadScenario, match=words):
            scenario.read(str(tmp_path / name))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'title = "\xe9"')
    with pytest.raises(BadScenario, match="save it as UTF-8"):
        scenario.read(str(latin))


def parameters() -> list[tuple[str, object, str]]:
    return [
        ("delay", {"seconds": "1"}, "seconds is '1', not a whole number or a number"),
        ("delay", {"seconds": -1}, "seconds is -1, not 0 or more"),
        ("status", {"status": "503"}, "status is '503', not a whole number"),
        ("status", {"body": 3}, "body is 3, not a text or an object or a list"),
        ("status", {"headers": []}, "headers is [], not an object"),
        ("drop_after", {"reset": 1}, "reset is 1, not true or false"),
        ("truncate", {"bytes": True}, "bytes is True, not a whole number"),
        ("disclaimers", {"where": "here"}, "where is 'here', not one of"),
        ("missing_uics", {"uics": 211}, "uics is 211, not a list"),
    ]


@pytest.mark.parametrize(("kind", "params", "words"), parameters())
def test_a_parameter_of_the_wrong_type(kind: str, params: Any, words: str) -> None:
    with pytest.raises(BadScenario, match="fault 1: ") as caught:
        scenario.parse({"fault": [{"kind": kind, "params": params}]}, "x")
    assert words in str(caught.value)
