"""The text of single variables: what is accepted, what it means, what is refused."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.settings import parsing
from tradebot.settings.parsing import Kind

SECONDS = parsing.duration(0, 86400)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h", 3600), ("45", 45), ("0", 0), ("1.5m", 90), ("0.25s", 0.25)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert SECONDS.parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5 m", "-5", "5d", "m", "1e3", "٥m", "5m ", "5mm", "1h30m", "1_0", "90S", "+5"]
)
def test_a_duration_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        SECONDS.parse(text)


@settings(deadline=None)
@given(st.floats(0, 86400, allow_nan=False).map(lambda seconds: round(seconds, 3)))
def test_a_formatted_duration_is_read_back_as_the_same_number(seconds: float) -> None:
    assert SECONDS.parse(parsing.format_seconds(seconds)) == pytest.approx(seconds, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 86400), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("", 1)]))
def test_every_duration_within_bounds_is_accepted_and_no_other(
    number: int, unit: tuple[str, int]
) -> None:
    kind = parsing.duration(60, 7200)
    seconds = number * unit[1]
    if 60 <= seconds <= 7200:
        assert kind.parse(f"{number}{unit[0]}") == seconds
    else:
        with pytest.raises(ValueError, match="it is "):
            kind.parse(f"{number}{unit[0]}")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sun-thu", {6, 0, 1, 2, 3}),
        ("mon,wed", {0, 2}),
        ("Mon, Wed-Fri", {0, 2, 3, 4}),
        ("sat", {5}),
        ("mon-sun", set(range(7))),
        ("fri-fri", {4}),
    ],
)
def test_trading_days_take_ranges_and_lists(text: str, days: set[int]) -> None:
    assert parsing.WEEKDAYS.parse(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "-fri", "mon,,tue", "1-5", "mon–fri"])
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the days are mon, tue"):
        parsing.WEEKDAYS.parse(text)


@settings(deadline=None)
@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_formatted_days_are_read_back_as_the_same_days(days: frozenset[int]) -> None:
    assert parsing.WEEKDAYS.parse(parsing.format_days(days)) == days


@pytest.mark.parametrize(
    ("text", "value"), [("09:30", time(9, 30)), ("00:00", time(0)), ("24:00", time(0))]
)
def test_a_time_of_day(text: str, value: time) -> None:
    assert parsing.TIME_OF_DAY.parse(text) == value


@pytest.mark.parametrize("text", ["9:30", "24:01", "25:00", "12:60", "12", "12:30:00", "noon"])
def test_another_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        parsing.TIME_OF_DAY.parse(text)


@pytest.mark.parametrize("text", ["true", "YES", "On", "1"])
def test_words_for_true(text: str) -> None:
    assert parsing.BOOLEAN.parse(text) is True


@pytest.mark.parametrize("text", ["false", "No", "OFF", "0"])
def test_words_for_false(text: str) -> None:
    assert parsing.BOOLEAN.parse(text) is False


@pytest.mark.parametrize("text", ["ja", "y", "2", "truee"])
def test_other_words_are_neither(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        parsing.BOOLEAN.parse(text)


@pytest.mark.parametrize("text", ["true", "1", "y", "on"])
def test_only_yes_confirms_live_trading(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        parsing.CONFIRMATION.parse(text)
    assert parsing.CONFIRMATION.parse("Yes") is True
    assert parsing.CONFIRMATION.parse("no") is False


def test_a_choice_ignores_case_and_suggests_the_nearest_word() -> None:
    kind = parsing.choice("market", "marketable_limit")
    assert kind.parse("MARKET") == "market"
    with pytest.raises(ValueError, match=r"^did you mean marketable_limit\?$"):
        kind.parse("marketable-limit")
    with pytest.raises(ValueError, match=r"^$"):
        kind.parse("zzz")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (parsing.integer(1, 10), "0"),
        (parsing.integer(1, 10), "11"),
        (parsing.integer(1, 10), "5.0"),
        (parsing.integer(1, 10), "-5"),
        (parsing.integer(1, 10), "٥"),
        (parsing.decimal(positive=True), "0.0"),
        (parsing.decimal(positive=True), "1e3"),
        (parsing.decimal(positive=False), "-1"),
        (parsing.decimal(positive=False), "NaN"),
    ],
)
def test_numbers_out_of_range_or_form_are_refused(kind: Kind[object], text: str) -> None:
    with pytest.raises(ValueError, match=r"^(it is [0-9.]+)?$"):
        kind.parse(text)


def test_decimals_are_kept_as_written() -> None:
    assert str(parsing.decimal(positive=True).parse("0.10")) == "0.10"
    assert parsing.integer(0, 10).parse("10") == 10


@pytest.mark.parametrize("text", ["Europe/Copenhagen", "UTC", "America/New_York"])
def test_a_time_zone_is_looked_up(text: str) -> None:
    assert parsing.TIMEZONE.parse(text) == text


@pytest.mark.parametrize("text", ["America", "../etc/passwd", "Mars/Olympus", "/etc/localtime", ""])
def test_an_unknown_time_zone_is_refused_whatever_its_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(did you mean [\w/]+\?)?$"):
        parsing.TIMEZONE.parse(text)


def test_a_mistyped_time_zone_is_recognised() -> None:
    with pytest.raises(ValueError, match=r"did you mean Europe/Copenhagen\?"):
        parsing.TIMEZONE.parse("europe/copenhagen")


def test_a_holiday_calendar_is_a_market_or_a_country() -> None:
    assert parsing.HOLIDAY_CALENDAR.parse("xnys") == "XNYS"
    assert parsing.HOLIDAY_CALENDAR.parse("DK") == "DK"
    with pytest.raises(ValueError, match=r"did you mean XNYS\?"):
        parsing.HOLIDAY_CALENDAR.parse("XNYX")
    with pytest.raises(ValueError, match=r"^$"):
        parsing.HOLIDAY_CALENDAR.parse("QQ")


@pytest.mark.parametrize("text", ["", "a b", "../x", ".hidden", "-x", "x" * 33, "ø"])
def test_an_instance_is_fit_for_a_folder_name(text: str) -> None:
    assert parsing.INSTANCE.parse("paper-2") == "paper-2"
    with pytest.raises(ValueError, match=r"^$"):
        parsing.INSTANCE.parse(text)


@pytest.mark.parametrize("text", ["a-b", "my.mod:", "my..mod:C", "my.mod:C.D", "1x", "a b", ":C"])
def test_a_strategy_is_a_name_or_a_class_in_a_module(text: str) -> None:
    assert parsing.STRATEGY.parse("my.module:Mine") == "my.module:Mine"
    with pytest.raises(ValueError, match=r"^$"):
        parsing.STRATEGY.parse(text)


def test_a_tilde_is_not_silently_taken_as_a_folder_of_that_name() -> None:
    with pytest.raises(ValueError, match="~ is not expanded"):
        parsing.PATH.parse("~/logs")
    with pytest.raises(ValueError, match=r"^$"):
        parsing.PATH.parse("a\0b")


@pytest.mark.parametrize(
    "text", ["short77", "two words", "tab\tinside1", "newline-at-end\n", "ümlautümlaut"]
)
def test_a_secret_that_cannot_be_one_is_refused_without_being_repeated(text: str) -> None:
    assert parsing.SECRET.parse("12345678") == "12345678"
    with pytest.raises(ValueError, match="what is there") as caught:
        parsing.SECRET.parse(text)
    assert text.strip() not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://gateway.saxobank.com/sim/openapi/",
        "http://127.0.0.1:8700/sim/openapi",
        "http://localhost:1",
        "http://[::1]:80/x",
    ],
)
def test_an_address_is_https_or_on_this_machine(text: str) -> None:
    assert parsing.BASE_URL.parse(text) == text.rstrip("/")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://gateway.saxobank.com/openapi", "plain http"),
        ("http://127.0.0.1.example.com/", "plain http"),
        ("http://localhost.example.com/", "plain http"),
        ("https://user:hunter2hunter2@gateway.saxobank.com/", "user name or a password"),
        ("https://gateway.saxobank.com/?x=hunter2hunter2", "query"),
        ("https://gateway.saxobank.com/a b", "spaces"),
        ("gateway.saxobank.com", "^$"),
        ("ftp://127.0.0.1/", "^$"),
        ("https://[hunter2hunter2/", "^$"),
        ("https://x:hunter2hunter2/", "^$"),
        ("https://x:0/", "^$"),
        ("https:///path", "^$"),
    ],
)
def test_another_address_is_refused_without_being_repeated(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parsing.BASE_URL.parse(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_redirect_address_may_be_plain_http() -> None:
    assert parsing.REDIRECT_URI.parse("http://localhost/callback") == "http://localhost/callback"
    with pytest.raises(ValueError, match=r"^$"):
        parsing.REDIRECT_URI.parse("callback")


@pytest.mark.parametrize("value", [True, None, [], 0, -1, "x", "NaN", "Infinity", Decimal("-0.1")])
def test_quantities_that_are_none(value: object) -> None:
    assert parsing.parse_decimal_json(value) is None
    assert parsing.parse_decimal_json("2.5") == Decimal("2.5")
