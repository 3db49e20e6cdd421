"""No secret reaches a line, whatever carries it there."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import re
import urllib.parse
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.observability import (
    Session,
    bind,
    get_logger,
    log_event,
    mask_sensitive,
    register_secret,
    setup_logging,
)
from tradebot.observability.line import parse
from tradebot.observability.redaction import SECRETS
from tradebot.observability.secret_values import SecretValues, forms_of

REGISTERED = "k9/Zq+7 vB\"x=Ä'w%3Lp"
PLANTED = "Zx81kQp0vLm2Rt7Yw3Ns"

SENSITIVE_KEYS = [
    "access_token", "refreshToken", "REFRESH_TOKEN", "app-secret", "AppSecret", "authorization",
    "X-Authorization", "Bearer", "password", "db.passwd", "passphrase", "pwd", "Cookie",
    "set-cookie", "api_key", "API-Key", "app.key", "accesskey", "credentials", "signature",
    "private_key", "client_assertion", "jwt", "code_verifier", "AccountKey", "client-key",
    "UserKey", "account_id", "ClientId", "user.id", "session", "otp", "code", "state", "pin", "sid",
]  # fmt: skip


@dataclasses.dataclass
class Login:
    user: str
    access_token: str


class Talkative(Exception):
    def __init__(self, secret: str) -> None:
        self.secret = secret
        super().__init__(f"refused: access_token={secret}")

    def __repr__(self) -> str:
        raise RuntimeError(self.secret)


def written(session: Session) -> str:
    path = session.path
    assert path is not None
    text = path.read_text(encoding="utf-8")
    for line in text.split("\n")[:-1]:
        parse(line)
    return text


def spellings(secret: str) -> set[str]:
    """The secret as a reader might find it, worked out without the code under test."""
    raw = secret.encode()
    found = {
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        urllib.parse.quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
    }
    return {*found, *(json.dumps(one, ensure_ascii=False)[1:-1] for one in found)}


@pytest.mark.parametrize("key", SENSITIVE_KEYS)
def test_a_sensitive_key_hides_its_value(key: str) -> None:
    for value in (PLANTED, "short", 1234, True, [PLANTED], {"x": PLANTED}):
        assert mask_sensitive(value, key) == "***"
    nested = mask_sensitive({"outer": [{key: value}]}, "answer")
    assert nested == f'{{"outer":[{{"{key}":"***"}}]}}'


@pytest.mark.parametrize(
    "form",
    [
        "{key}={value}", "{key}: {value}", "{key} = '{value}'", '"{key}": "{value}"',
        "'{key}': '{value}'", "'{key}': b'{value}'", "('{key}', '{value}')",
        '["{key}", "{value}"]', "?a=b&{key}={value}&c=d", "{key}%3D{value}",
        "{key}:\r\n {value}",
        '{{\\"{key}\\": \\"{value}\\"}}', "--{key}={value}",
        "--{key} {value}", "text before {key}={value} more={value2}", "{key}=>{value}",
        "x={{'{key}': {{'deep': '{value}'}}}}", 'Request({key}="{value}")',
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [PLANTED, "hunter2", "two wordz", r"with \" quote", "1234"])
def test_a_pair_in_free_text_hides_its_value(form: str, value: str) -> None:
    if form.startswith("{{\\"):
        value = value.replace('\\"', r"\\\"")
    for key in SENSITIVE_KEYS:
        masked = mask_sensitive(form.format(key=key, value=value, value2="harmless"), "msg")
        assert value not in masked
        assert value.split()[-1] not in masked
        assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {PLANTED}",
        f"bearer {PLANTED}",
        f"Bearer%20{PLANTED}",
        "Basic " + base64.b64encode(b"app:" + PLANTED.encode()).decode(),
        f"curl -H 'Authorization: Bearer {PLANTED}' https://x",
        f"https://user:{PLANTED}@host/path",
        f"https://{PLANTED}@host/path",
        f"https://host/path?q={PLANTED}",
        f"https://host/path?Uic=21&token={PLANTED}#f",
        f"https://host/cb#access_token={PLANTED}&state=x",
        f"Cookie: a=b; sid={PLANTED}; c={PLANTED}",
        f"Set-Cookie: name={PLANTED}; Path=/",
        f"-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{PLANTED}\n{PLANTED}",
        f"token was eyJhbGciOiJSUzI1NiJ9.{PLANTED}.{PLANTED} ok",
        f"eyJhbGci.{PLANTED}",
        f"GET /port/v1/accounts/{PLANTED}== failed",
        f"key {PLANTED}%3D%3D here",
        f"{PLANTED}{PLANTED}",
        f"a long run: {PLANTED}-{PLANTED}",
        f"{{'headers': [('authorization', 'Bearer {PLANTED}')]}}",
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_free_text(text: str) -> None:
    masked = mask_sensitive(text, "msg")
    assert PLANTED not in masked
    assert "***" in masked


def test_a_guid_in_free_text_is_hidden_but_not_in_a_declared_field(session: Session) -> None:
    guid = "5c1d0f2e-7a64-4b8e-9f5d-2f1f0e6d3b9a"
    log_event("log_message", f"refresh with {guid}", note=guid)
    log_event(
        "run_killed_found", f"holder run_id={guid} pid=7", killed_run_id=guid, note_run_id=guid
    )

    first, second = written(session).splitlines()
    assert guid not in first
    fields = parse(second).fields
    assert fields["killed_run_id"] == guid
    assert fields["msg"] == f"holder run_id={guid} pid=7"
    assert fields["note_run_id"] == "***"


def test_a_registered_secret_is_removed_from_every_carrier(session: Session) -> None:
    register_secret(REGISTERED)
    register_secret(None)
    register_secret("")
    quoted = urllib.parse.quote(REGISTERED, safe="")
    lib = logging.getLogger("lib")
    with bind(zone=REGISTERED, external_reference=REGISTERED):
        log_event("log_message", f"text {REGISTERED} text", note=f"a {REGISTERED}", n=[REGISTERED])
    log_event("log_message", order_id=REGISTERED, host=REGISTERED, holder=quoted)
    log_event("http_error", http_method="GET", http_url_path=f"/a/{quoted}/b")
    log_event(
        "log_message",
        quoted + quoted.lower(),
        encoded=base64.b64encode(b"app:" + REGISTERED.encode()),
    )
    log_event(
        "log_message", thing={REGISTERED: 1, "a": {"b": (REGISTERED,)}}, raw=REGISTERED.encode()
    )
    log_event(
        "log_message", path=Path("/tmp") / REGISTERED.replace("/", "_"), x=Login("u", REGISTERED)
    )
    log_event("unexpected_exception", exc_info=ValueError(REGISTERED), why=Talkative(REGISTERED))
    log_event("log_message", json.dumps({"a": REGISTERED}), b=json.dumps([REGISTERED]))
    log_event("log_message", repr(REGISTERED), logger=f"lib.{REGISTERED}")
    with bind(**{REGISTERED: "x"}):
        log_event("log_message")
    lib.warning("args %s %r", REGISTERED, [REGISTERED], extra={"extra": REGISTERED})
    get_logger("x", zone=REGISTERED).info("x")
    try:
        raise RuntimeError(REGISTERED) from ValueError(REGISTERED)
    except RuntimeError:
        lib.exception("failed with %s", REGISTERED)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(REGISTERED, stacklevel=1)
    session.update_context(strategy=REGISTERED, zone=REGISTERED)
    log_event("log_message")

    text = written(session)
    assert len(text.splitlines()) == 15
    leaks = {spelling for spelling in spellings(REGISTERED) if spelling in text}
    assert not leaks


def test_a_secret_that_becomes_known_later_is_removed_from_then_on(session: Session) -> None:
    secret = "plainlookingwordsecret"
    session.update_context(shelf=secret)
    with bind(zone=secret):
        log_event("log_message", secret, note=secret, logger=secret)
        register_secret(secret)
        log_event("log_message", secret, note=secret, logger=secret)
    before, after = written(session).splitlines()
    assert before.count(secret) == 5
    assert secret not in after


def test_a_secret_of_digits_is_removed_from_numbers(session: Session) -> None:
    log_event("log_message", amount=1234567890123, uic=12345678)
    register_secret("12345678")
    numbers = {"amount": 1234567890123, "price": 12345678.5}
    log_event("log_message", uic=12345678, order_id="5512345678", values=numbers)
    before, after = written(session).splitlines()
    assert "uic=12345678 amount=1234567890123" in before
    assert "12345678" not in after


@given(st.text(min_size=8, max_size=40), st.text(max_size=5), st.text(max_size=5))
def test_every_spelling_of_a_secret_is_known(secret: str, before: str, after: str) -> None:
    values = SecretValues()
    values.register(secret)
    raw = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        inside = base64.b64encode(b"x" * shift + raw + b"yy").decode()
        assert "***" in values.remove(inside)
    lower = re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(raw, safe=""))
    assert "***" in values.remove(lower)
    for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], urllib.parse.quote(raw)):
        assert "***" in values.remove(before + form + after)


def test_forms_are_never_shorter_than_a_secret_may_be() -> None:
    assert all(len(form) >= 8 for form in forms_of("abcdefgh"))


def test_a_secret_that_is_too_short_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="too short") as caught:
        register_secret("1234567")
    assert "1234567" not in str(caught.value)


def test_registering_twice_changes_nothing() -> None:
    register_secret("hunter2hunter2")
    generation = SECRETS.generation
    register_secret("hunter2hunter2")
    assert SECRETS.generation == generation


def test_nested_values_are_bounded() -> None:
    deep: object = PLANTED
    for _ in range(50):
        deep = {"a": deep}
    assert PLANTED not in mask_sensitive(deep, "answer")
    circle: list[object] = []
    circle.append(circle)
    assert mask_sensitive(circle, "answer") == '[[[[["***"]]]]]'
    assert len(mask_sensitive(list(range(100_000)), "answer")) < 2000
    assert len(mask_sensitive({"k" + str(n): n for n in range(9999)}, "answer")) < 4000


def test_a_header_pair_hides_its_second_half() -> None:
    headers = [("Accept", "text"), ("Authorization", "abc def"), (b"Cookie", b"a=b")]
    masked = mask_sensitive(headers, "headers")
    assert masked == '[["Accept","text"],["Authorization","***"],["Cookie","***"]]'


def test_structures_keep_what_is_harmless() -> None:
    value = {
        "Uic": 211,
        "open": True,
        "none": None,
        "list": (1.5, "filled"),
        "login": Login("u", "x"),
    }
    assert mask_sensitive(value, "answer") == (
        '{"Uic":211,"open":true,"none":null,"list":[1.5,"filled"],'
        '"login":{"user":"u","access_token":"***"}}'
    )


def test_very_long_texts_are_cut_without_leaving_half_a_secret() -> None:
    secret = "correct horse battery staple " * 4
    register_secret(secret)
    text = "a " * (32 * 1024 - 25) + secret
    masked = mask_sensitive(text, "msg")
    assert "horse" not in masked
    assert len(masked) > 50_000


@pytest.mark.parametrize(
    "hostile",
    [
        *(one * 60_000 for one in "a \\'"),
        "a " * 30_000,
        "a=" * 30_000,
        '\\"' * 30_000,
        "://" * 20_000,
        "eyJaaaaaa." * 6_000,
        "a." * 30_000,
        "token=" * 10_000,
        "bearer " * 8_000,
        "-----BEGIN A-----" * 3_500,
        "%3d" * 20_000,
        "a@" * 30_000,
        "://a@" * 12_000,
        "?a=b&" * 12_000,
        "Ab" * 30_000,
        "/a" * 30_000,
        "=" * 60_000,
        "=" + "%20" * 20_000,
        "%2F" * 20_000 + "==",
        "a" * 60_000 + " =",
        "'token':[*]" * 5_000,
        ")}'token':[" * 5_000,
        "token=[" * 8_000,
        "'token':'" * 6_000,
        "token='token': " * 4_000,
        "a=\\n" * 15_000,
        "token=" + '\\"' * 30_000,
        "token='''a" * 6_000,
        'token=""' * 7_000,
    ],
)
def test_no_text_makes_redaction_slow(hostile: str) -> None:
    """A quadratic expression would run into the suite's time-out."""
    mask_sensitive(hostile, "msg")
    mask_sensitive(hostile, "note")
    mask_sensitive(hostile, "http_url_path")


def test_when_masking_fails_the_line_says_so(session: Session) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(PLANTED)

    class Endless:
        def __str__(self) -> str:
            log_event("log_message", thing=self)
            return "endless"

    log_event("log_message", thing=Broken(), things=[Broken()])
    log_event("log_message", thing=Endless())
    text = written(session)
    assert 'thing="<redaction-failed>"' in text
    assert PLANTED not in text
    assert 2 < len(text.splitlines()) < 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Cf4xZWiYL6W1nMKpygBLLA==", "Cf4***LA"),
        ("ABCDEF123456", "ABC***56"),
        ("ABCDEF12345=", "***"),
        ("short", "***"),
        ("ABC***56", "ABC***56"),
        ("***", "***"),
        (12345678901234, "123***34"),
    ],
)
def test_masked_fields_keep_five_characters_of_twelve(value: object, expected: str) -> None:
    with setup_logging_catalogue():
        assert mask_sensitive(value, "client_key") == expected


def setup_logging_catalogue() -> Session:
    from tradebot.vocabulary import CATALOGUE

    return setup_logging(None, catalogue=CATALOGUE, console=False)


def test_without_a_key_a_value_is_judged_by_itself() -> None:
    assert mask_sensitive("ABCDEF123456") == "ABC***56"
    assert mask_sensitive("filled at 101.25") == "filled at 101.25"
    assert mask_sensitive(None) == ""


def test_the_console_and_handlers_of_others_get_the_masked_line(
    folder: Path, capsys: pytest.CaptureFixture[str], bare_root: str
) -> None:
    register_secret(REGISTERED)
    with setup_logging(folder):
        log_event("log_message", REGISTERED, note=REGISTERED)
        logging.getLogger("lib").warning("%s", REGISTERED)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 2
    assert not [one for one in spellings(REGISTERED) if one in shown.err]
