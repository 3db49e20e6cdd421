"""Secrets that nobody registered, planted where a key or a shape gives them away.

`planted(seed)` is plain data: a message and fields that any logger can be given, and the secret
that must not come out. Which kinds a carrier promises to hide is docs/logging.md, "What is never
in it". Nothing here imports the bot or a test framework.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from support.secret_kinds import KINDS, Secret, draw

SENSITIVE = (
    "access token", "refresh token", "app secret", "authorization", "bearer token", "password",
    "smtp passwd", "passphrase", "db pwd", "cookie", "set cookie", "api key", "app key",
    "access key", "credential", "signature", "private key", "client assertion", "id jwt",
    "code verifier", "saxo account key", "saxo client key", "user key", "account id",
    "client id", "user id", "session id", "login otp",
)  # fmt: skip
WHOLE = ("code", "state", "pin", "sid")
"""Words that mean a secret only when they are the whole key."""


@dataclass(frozen=True)
class Planted:
    """One case: log `message` with `fields`, and `secret` must not be found in the output."""

    carrier: str
    secret: Secret
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Kind and carrier, for whoever reads that it leaked."""
        return f"{self.secret.kind} in {self.carrier}"


Text = Callable[[str, str], str]
Fields = Callable[[str, str], dict[str, object]]
Fits = Callable[[Secret], bool]


def spelled(words: str, random: Random) -> str:
    """A key in one of the spellings that programs use, sometimes with something around it."""
    if words not in WHOLE:
        words = random.choice(("{}", "{}", "saxo {}", "{} 2", "x {}", "the old {}")).format(words)
    parts = words.split()
    return random.choice((
        "_".join(parts),
        "_".join(parts).upper(),
        parts[0] + "".join(part.capitalize() for part in parts[1:]),
        "".join(part.capitalize() for part in parts),
        "-".join(parts),
        "-".join(part.capitalize() for part in parts),
        ".".join(parts),
        "".join(parts),
    ))  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# The value is quoted or escaped, so it may be anything.
_QUOTED: dict[str, Text] = {
    "JSON": lambda key, value: _json({"Uic": 211, key: value, "open": True}),
    "JSON in ASCII": lambda key, value: json.dumps({key: value}),
    "JSON over several lines": lambda key, value: json.dumps({"a": [{key: value}]}, indent=2),
    "JSON without spaces": lambda key, value: json.dumps({key: value}, separators=(",", ":")),
    "JSON in JSON": lambda key, value: _json({"body": _json({key: value})}),
    "JSON in JSON in JSON": lambda key, value: _json([_json({"b": _json({key: value})})]),
    "JSON, the secret in an array": lambda key, value: json.dumps({key: [1, value]}, indent=1),
    "JSON, the secret in an object": lambda key, value: json.dumps({key: {"v": value}}, indent=1),
    "URL-encoded JSON": lambda key, value: "data=" + quote(_json({"a": 1, key: value})),
    "repr of a dict": lambda key, value: f"headers { ({'a': 1, key: value})!r} sent",
    "repr of bytes in a dict": lambda key, value: f"{ ({key.encode(): value.encode()})!r}",
    "repr of a list of pairs": lambda key, value: f"{[('Accept', 'x'), (key, value)]!r}",
    "repr of an object": lambda key, value: f"Login({key.replace('-', '_')}={value!r}, user='me')",
    "repr in repr": lambda key, value: repr([repr({key: value})]),
    "repr of JSON": lambda key, value: f"{_json({key: value})!r}",
    "an assignment": lambda key, value: f"{key.replace('-', '_')} = {value!r}",
    "an item's assignment": lambda key, value: f"headers[{key!r}] = {value!r}",
    "an option in quotes": lambda key, value: f"run --{key}={_json(value)} --fast",
}

# The value stands as it is: a blank before another `key=`, `&` or the line's end closes it.
_BARE: dict[str, Text] = {
    "key=value": lambda key, value: f"retry with {key}={value}",
    "key=value before another": lambda key, value: f"{key}={value} attempt=2",
    "key: value": lambda key, value: f"{key}: {value}",
    "key : value": lambda key, value: f"{key} : {value}",
    "key => value": lambda key, value: f"{key} => {value}",
    "a raw header": lambda key, value: f"GET / HTTP/1.1\r\n{key}: {value}\r\nAccept: x\r\n\r\n",
    "a folded header": lambda key, value: f"{key}:\r\n {value}\r\nAccept: x",
    "a line of a text": lambda key, value: f"first\n  {key}: {value}\nlast",
    "an .env file": lambda key, value: f"SAXO_ENV=SIM\nexport {key}={value}\nX=1",
}

# The value is URL-encoded by its sender.
_ENCODED: dict[str, Text] = {
    "a form body": lambda key, value: urlencode({"grant_type": "x", key: value, "z": "1"}),
    "a form body, %20": lambda key, value: urlencode({key: value}, quote_via=quote),
    "a URL's query": lambda key, value: f"https://host/cb?{urlencode({key: value, 'z': '1'})}",
    "a URL's fragment": lambda key, value: f"https://host/cb#{key}={quote(value, safe='')}&x=1",
    "a pair that is URL-encoded": lambda key, value: f"u?r={quote(f'{key}={quote_plus(value)}')}",
}


def _fields(name: str, value: object) -> dict[str, object]:
    return {name: value}


_NESTED: dict[str, Fields] = {
    "a field": lambda key, value: {key: value},
    "a field of bytes": lambda key, value: {key: value.encode()},
    "a list in a field": lambda key, value: {key: [value, [value]]},
    "a dict in a field": lambda key, value: {key: {"value": value}},
    "a dict": lambda key, value: _fields("answer", {"Uic": 1, key: value}),
    "a dict in a dict": lambda key, value: _fields("answer", {key: {"value": value}}),
    "a dict four deep": lambda key, value: _fields("answer", {"a": {"b": {"c": {key: value}}}}),
    "a dict beyond every depth": lambda key, value: _fields(
        "answer", {"a": {"b": {"c": {"d": {"e": {"f": {key: value}}}}}}}
    ),
    "a list of dicts": lambda key, value: _fields("rows", [{"a": 1}, {key: (value, 2)}]),
    "pairs": lambda key, value: _fields("headers", [("Accept", "x"), (key, value)]),
    "pairs of bytes": lambda key, value: _fields("headers", [(key.encode(), value.encode())]),
    "a dict with keys of bytes": lambda key, value: _fields("headers", {key.encode(): value}),
    "a command line": lambda key, value: _fields("arguments", ["run", f"--{key}", value]),
    "behind 500 others": lambda key, value: _fields(
        "answer", {**{f"n{number}": number for number in range(500)}, key: value}
    ),
    "JSON in a nested value": lambda key, value: _fields("a", {"body": _json({key: value})}),
}


def _basic(random: Random, secret: Secret) -> str:
    pair = f"app{random.randrange(1000)}:{secret.text}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _always(secret: Secret) -> bool:
    return True


def _one_word(secret: Secret) -> bool:
    return not set(secret.text) & set(" \n\"',;=:")


def _no_words(secret: Secret) -> bool:
    return secret.random


def _speaks(secret: Secret) -> bool:
    return secret.speaks_for_itself


_SHAPED: dict[str, tuple[Callable[[Random, Secret], str], Fits]] = {
    "Bearer": (lambda random, one: f"sent Bearer {one.text} twice", _one_word),
    "bearer, URL-encoded": (lambda random, one: f"bearer%20{quote(one.text)}", _always),
    "Bearer Bearer": (lambda random, one: f"Bearer Bearer {one.text}", _one_word),
    "curl": (lambda random, one: f"curl -H 'Authorization: Bearer {one.text}' u", _one_word),
    "Basic": (_basic, _always),
    "Basic in a header": (lambda random, one: f"Authorization: {_basic(random, one)}", _always),
    "a URL's password": (
        lambda random, one: f"https://me:{quote(one.text, safe='')}@host/path",
        _always,
    ),
    "a URL's user": (lambda random, one: f"redis://{quote(one.text, safe='')}@host", _always),
    "a URL's password in JSON": (
        lambda random, one: f'{{"u":"https:\\/\\/me:{quote(one.text, safe="")}@host\\/x"}}',
        _always,
    ),
    "a query under any name": (
        lambda random, one: f"GET https://host/path?a=1&x{random.randrange(9)}={quote(one.text)}",
        _no_words,
    ),
    "a path": (lambda random, one: f"GET /port/v1/accounts/{one.text}/x failed", _speaks),
    "a URL-encoded path": (
        lambda random, one: f"GET /port/v1/accounts/{quote(one.text, safe='')}/x failed",
        _speaks,
    ),
    "the middle of a sentence": (lambda random, one: f"the broker sent {one.text} again", _speaks),
    "quotes": (lambda random, one: f"unknown {_json(one.text)}", _speaks),
    "a list": (lambda random, one: f"{[one.text, 'x']!r}", _speaks),
}

_UNDECLARED: dict[str, Callable[[str], object]] = {
    "alone": lambda text: text,
    "bytes": lambda text: text.encode(),
    "a sentence": lambda text: f"seen {text} before",
    "a list": lambda text: ["first", text],
    "a nested dict": lambda text: {"a": [{"b": text}]},
    "a dict's key": lambda text: {text: 1},
    "a path": lambda text: f"/srv/{text}/file",
}

_TEXT_FIELDS = ("exc_msg", "holder", "argv", "response_snippet", "disclaimer_title", "remark")
"""Declared text, and one that nobody declared."""


Carrier = tuple[str, Fits, Callable[[Random, Secret], tuple[str, str]]]
"""A name, what it promises to hide, and what makes its text: a key's spelling and the text."""


def _keyed(form: Text) -> Callable[[Random, Secret], tuple[str, str]]:
    def make(random: Random, secret: Secret) -> tuple[str, str]:
        key = spelled(random.choice(SENSITIVE + WHOLE), random)
        return f", under {key}", form(key, secret.text)

    return make


def _shaped(
    shape: Callable[[Random, Secret], str],
) -> Callable[[Random, Secret], tuple[str, str]]:
    return lambda random, secret: ("", shape(random, secret))


def _stands_unquoted(secret: Secret) -> bool:
    return secret.stands_unquoted


_TEXTS: tuple[Carrier, ...] = (
    *((name, _always, _keyed(form)) for name, form in {**_QUOTED, **_ENCODED}.items()),
    *((name, _stands_unquoted, _keyed(form)) for name, form in _BARE.items()),
    *((name, promised, _shaped(shape)) for name, (shape, promised) in _SHAPED.items()),
)


def some_text(random: Random, secret: Secret) -> str:
    """A text in which a key or a shape gives this secret away; any carrier that promises it."""
    promised = [make for _, fits, make in _TEXTS if fits(secret)]
    return random.choice(promised)(random, secret)[1]


def _cases(random: Random, kind: str) -> Iterator[Planted]:
    """Every carrier once with a secret of this kind; each case has a secret of its own."""
    for name, promised, make in _TEXTS:
        secret = draw(kind, random)
        if not promised(secret):
            continue
        key, text = make(random, secret)
        if random.random() < 0.5:
            yield Planted(f"the message: {name}{key}", secret, text)
        else:
            where = random.choice(_TEXT_FIELDS)
            yield Planted(f"{where}: {name}{key}", secret, "", {where: text})
    for name, nested in _NESTED.items():
        secret, key = draw(kind, random), spelled(random.choice(SENSITIVE + WHOLE), random)
        yield Planted(f"{name}, under {key}", secret, "", nested(key, secret.text))
    for name, value in _UNDECLARED.items():
        secret = draw(kind, random)
        if secret.random:
            where = random.choice(("remark", "order_id", "reason", "what-ever"))
            yield Planted(f"{where}: {name}", secret, "", {where: value(secret.text)})
    secret = draw(kind, random)
    if secret.random:
        path = f"https://host/port/v1/{secret.text}/orders?x={secret.text}"
        yield Planted("http_url_path", secret, "", {"http_url_path": path})


def planted(seed: object = 0, rounds: int = 1) -> Iterator[Planted]:
    """About 1,500 cases a round: every kind in every carrier that promises to hide it."""
    for number in range(rounds):
        random = Random(f"{seed}/{number}")
        for kind in KINDS:
            yield from _cases(random, kind)
