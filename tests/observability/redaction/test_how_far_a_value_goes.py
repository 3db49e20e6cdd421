"""Where the value behind a sensitive key ends, and that no value is believed what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest

from tradebot.observability import mask_sensitive, register_secret

PLANTED = "Zx81kQp0vLm2Rt7Yw3Ns"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"token": {"a": "b c"}, "Uic": 21}', '{"token": ***, "Uic": 21}'),
        ('{\n "tokens": [\n  "b c"\n ],\n "Uic": 21\n}', '{\n "tokens": ***,\n "Uic": 21\n}'),
        ('{"tokens": [["a b"], "c d"], "Uic": 21}', '{"tokens": ***, "Uic": 21}'),
        ('{"pin": 1234, "Uic": 21}', '{"pin": ***, "Uic": 21}'),
        ('session: refused, "password": "a&b c", x\n2', "session: ***\n2"),
        (r'{"b": "a: b\r\nCode: hunter2\r\n"}', r'{"b": "a: b\r\nCode: ***'),
        ("%7B%22password%22%3A%20%22hunter2%22%7D", "%7B%22password%22%3A%20%22***%22%7D"),
        ("headers['Cookie'] = 'a b', 1", "headers['Cookie'] = '***', 1"),
        ("password=a%26b c=1", "password=*** c=1"),
        ("redirect=password%3Dab%26c%3D1", "redirect=password%3D***%26c%3D1"),
        ("Bearer Bearer hunter2 sent", "Bearer Bearer *** sent"),
        (r"https:\/\/me:hunter2@host", r"https:\/\/***@host"),
        ('password="""a "b" c""" d', 'password="""***""" d'),
        (r'"password=\"\"\"a b\"\"\" d"', r'"password=\"\"\"***\"\"\" d"'),
        ("password=''a b'' d", "password=''***'' d"),
        ("password='' d, \"pin\": \"\", x", "password='***' d, \"pin\": \"***\", x"),
        ("password：a b", "password：***"),
        ("access token, 'pin' ＝ 'a b', c", "access token, 'pin' ＝ '***', c"),
    ],
)  # fmt: skip
def test_how_far_a_value_goes(text: str, expected: str) -> None:
    assert mask_sensitive(text, "msg") == expected


class Ticket(NamedTuple):
    number: int
    access_token: str


class Amount(Decimal):
    def __str__(self) -> str:
        return PLANTED


class Mask(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "harmless"

    def __format__(self, specification: str) -> str:
        return PLANTED


def test_what_a_value_says_of_itself_is_not_believed() -> None:
    ticket = mask_sensitive(Ticket(7, "plain"), "answer")
    assert ticket == '{"number":7,"access_token":"***"}'
    assert mask_sensitive(Amount("1.5"), "amount") == "***"
    assert mask_sensitive(Mask(PLANTED), "remark") == "***"
    assert mask_sensitive({Mask("remark"): Mask("filled")}, "answer") == '{"remark":"filled"}'


def test_a_key_that_begins_like_a_path_is_none() -> None:
    assert mask_sensitive("/aB3xQ7zk9Q+wXy81kQp/0vLm2Rt7", "remark") == "***"
    assert (
        mask_sensitive("/tmp/py3x7-a81b/logs/bot.log", "remark") == "/tmp/py3x7-a81b/logs/bot.log"
    )


def test_long_bytes_are_cut_without_leaving_half_a_secret() -> None:
    secret = "correct horse battery staple " * 4
    register_secret(secret)
    data = b"a " * (32 * 1024 - 25) + secret.encode()
    assert b"horse" not in mask_sensitive(data, "msg").encode()
