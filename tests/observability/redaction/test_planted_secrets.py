"""Thousands of secrets, each planted in a carrier; none of them comes out, in no spelling."""

from __future__ import annotations

import base64
import json
import urllib.parse
from pathlib import Path
from random import Random

import pytest

from support.leak_search import LeakSearch, spellings
from support.secret_carriers import CARRIERS, FOR_KNOWN_SECRETS
from support.secret_corpus import Planted, planted
from support.secret_kinds import KINDS, Secret, draw, one_of_each
from support.watched_log import MODES, watched_log
from tradebot.observability import log_event, register_secret

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

ROUNDS = 3


def spelled(secret: str, random: Random) -> str:
    """The secret in one of the spellings in which a registered one is looked for."""
    encoded = urllib.parse.quote(secret, safe=random.choice(("", "/")))
    written = json.dumps(secret, ensure_ascii=random.random() < 0.5)
    before = random.choice(("", "a", "me:"))
    return random.choice((
        secret,
        secret,
        f"before {secret} after",
        encoded,
        encoded.lower() if encoded.lower() in spellings(secret) else encoded,
        urllib.parse.quote_plus(secret),
        written,
        f'{{"a":{written}}}',
        repr([secret]),
        base64.b64encode(f"{before}{secret}".encode()).decode(),
        base64.urlsafe_b64encode(f"{before}{secret}/".encode()).decode(),
        secret.replace("/", "\\/"),
    ))  # fmt: skip


def behind_a_key(secret: str) -> str:
    return f'"access_token": {json.dumps(secret)}'


@pytest.mark.parametrize("mode", MODES)
def test_a_registered_secret_comes_out_nowhere(tmp_path: Path, mode: str) -> None:
    random = Random(mode)
    secrets = one_of_each(random)
    with watched_log(tmp_path / "log", mode) as output:
        for secret in secrets:
            register_secret(secret.text)
        for secret in secrets:
            for carry in CARRIERS.values():
                carry(spelled(secret.text, random))

    search = LeakSearch((one.kind, part) for one in secrets for part in one.parts)
    leaks = search.leaks(output.text)
    assert not leaks, (
        "\n".join(f"{kind} in {leaks[kind]}" for kind in leaks)
        + f"\ncarriers: {blame(tmp_path, next(one for one in secrets if one.kind in leaks), mode)}"
    )
    assert output.text.count("\n") > len(secrets) * len(CARRIERS)


def blame(folder: Path, secret: Secret, mode: str) -> list[str]:
    """The carriers that leak this one secret."""
    guilty = []
    search = LeakSearch((secret.kind, part) for part in secret.parts)
    for number, (name, carry) in enumerate(CARRIERS.items()):
        with watched_log(folder / f"{number}", mode) as output:
            register_secret(secret.text)
            for seed in range(9):
                carry(spelled(secret.text, Random(seed)))
        if search.leaks(output.text):
            guilty.append(name)
    return guilty


@pytest.mark.parametrize("mode", MODES)
def test_a_secret_behind_a_key_comes_out_of_no_carrier(tmp_path: Path, mode: str) -> None:
    random = Random(mode)
    cases: list[Planted] = []
    with watched_log(tmp_path / "log", mode) as output:
        for kind in KINDS if mode == "direct" else KINDS[::3]:
            for name, carry in CARRIERS.items():
                if name not in FOR_KNOWN_SECRETS:
                    cases.append(Planted(name, draw(kind, random)))
                    carry(behind_a_key(cases[-1].secret.text))
    assert_nothing_leaked(cases, output.text)


@pytest.mark.parametrize("mode", MODES)
def test_what_a_key_or_a_shape_gives_away_is_hidden(tmp_path: Path, mode: str) -> None:
    cases = list(planted(mode, ROUNDS if mode == "direct" else 1))
    with watched_log(tmp_path / "log", mode) as output:
        for case in cases:
            log_event("log_message", case.message, **case.fields)
    assert output.text.count(" | log_message | ") >= len(cases)
    assert_nothing_leaked(cases, output.text)


def test_the_corpus_is_as_large_as_it_says() -> None:
    registered = len(MODES) * len(KINDS) * len(CARRIERS)
    unregistered = len(list(planted("direct", ROUNDS)))
    assert registered >= 4_000
    assert unregistered >= 4_000
    assert len({case.secret.text for case in planted("direct", ROUNDS)}) == unregistered


def assert_nothing_leaked(cases: list[Planted], output: str) -> None:
    search = LeakSearch((case.name, part) for case in cases for part in case.secret.parts)
    leaks = [f"{name}: {line}" for name, line in search.leaks(output).items()]
    assert not leaks, f"{len(leaks)} of {len(cases)} leaked:\n" + "\n".join(leaks[:20])
