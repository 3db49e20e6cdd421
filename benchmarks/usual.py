"""Secrets in the usual places, under exactly the names that the careful rules know.

The corpus of the tests looks where this log looks. This one looks where everybody does.
"""

from __future__ import annotations

import base64
import json
import random
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.secret_corpus import Planted

Given = tuple[str, dict[str, object]]


def _quoted(secret: str) -> str:
    return urllib.parse.quote(secret, safe="")


def _basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"bot:{secret}".encode()).decode()


_ANY: dict[str, Callable[[str], Given]] = {
    "Basic header in a text": lambda s: (f"sent Authorization: {_basic(s)}", {}),
    "dict as repr": lambda s: (f"settings { ({'app_secret': s, 'retries': 3})!r}", {}),
    "JSON in a text": lambda s: (f"answer {json.dumps({'access_token': s, 'expires_in': 9})}", {}),
    "form body": lambda s: (f"grant_type=refresh_token&refresh_token={_quoted(s)}", {}),
    "query of a URL": lambda s: (f"GET https://host.invalid/a?access_token={_quoted(s)}", {}),
    "user of a URL": lambda s: (f"proxy https://bot:{_quoted(s)}@proxy.invalid:3128", {}),
    "field": lambda s: ("", {"access_token": s}),
    "nested field": lambda s: ("", {"payload": {"login": [{"user": "bot", "password": s}]}}),
    "headers": lambda s: ("", {"headers": {"Accept": "*/*", "Authorization": f"Bearer {s}"}}),
    "JSON in a field": lambda s: ("", {"body": json.dumps({"refresh_token": s})}),
}
_UNQUOTED: dict[str, Callable[[str], Given]] = {
    "header in a text": lambda s: (f"sent Authorization: Bearer {s}", {}),
    "pair in a text": lambda s: (f"refresh failed, refresh_token={s}", {}),
    "pair before another": lambda s: (f"app_secret={s} attempt=2", {}),
}


def usual() -> list[Planted]:
    """Every kind of secret in every place where it can be told from what follows it."""
    from support.secret_corpus import Planted
    from support.secret_kinds import KINDS, draw

    chance = random.Random(3)
    cases = []
    for kind in KINDS:
        for carrier, make in {**_ANY, **_UNQUOTED}.items():
            secret = draw(kind, chance)
            if carrier in _ANY or secret.stands_unquoted:
                cases.append(Planted(carrier, secret, *make(secret.text)))
    return cases
