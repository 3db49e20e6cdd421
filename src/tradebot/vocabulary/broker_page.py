"""docs/broker-codes.md: Saxo's error codes and statuses, and what the bot makes of them."""

from __future__ import annotations

from collections.abc import Iterable

from tradebot.vocabulary.http_statuses import HTTP_STATUSES
from tradebot.vocabulary.saxo_codes import SaxoCode, saxo_codes

_INTRODUCTION = """\
# The broker's codes

<!-- Made by python -m tradebot.vocabulary.docs --write: change the vocabulary, not this. -->

What stands after `error_code=` and `http_status=`, and what the bot makes of it when an *order* is
answered so with a 4xx. `tradebot logs explain CODE` says the same. A refusal is proof that there is
no order; whatever leaves that open is looked for at the broker and never sent again. An order id, a
disclaimer or a status that says success in the same answer counts for more:
[orders.md](orders.md) has every shape of answer, each with its test.

At the *precheck* nothing was sent, whatever it answers: the intent is FAILED with the same reason,
or with `precheck_refused` where this page says `refused` or *unknown*.

The codes are those of Saxo's public reference of `trade/v2/orders` and of the articles that are
named. Saxo gives most of them as a name alone: then the meaning here is what the name says, and no
more. A code that is not here is not believed either way: the order is looked for
(`unclear_answer`).
"""
_HEAD = "| code | meaning | an order so answered is | what to do next |\n|---|---|---|---|\n"


def broker_page() -> str:
    """The page, whole."""
    codes = saxo_codes().values()
    order = [code for code in codes if code.reason is not None]
    return "".join(
        (
            _INTRODUCTION,
            _section("Codes that refuse an order", (c for c in order if c.final)),
            _section("Codes that leave it open", (c for c in order if not c.final)),
            _section(
                "Codes of other requests, and of the login server",
                (c for c in codes if c.reason is None),
            ),
            _statuses(),
        )
    )


def _section(title: str, codes: Iterable[SaxoCode]) -> str:
    return f"\n## {title}\n\n{_HEAD}" + "".join(map(_row, codes))


def _row(code: SaxoCode) -> str:
    word = f"`{code.reason.value}`" if code.reason is not None else "–"
    kind = "" if code.final or code.reason is None else "unknown, "
    return f"| `{code.code}` | {code.meaning} | {kind}{word} | {code.next_step} |\n"


def _statuses() -> str:
    head = (
        "\n## HTTP statuses\n\nFor an answer that names no order, no code and no disclaimer.\n\n"
        "| status | meaning | an order | a read | the login server | what to do next |\n"
        "|---|---|---|---|---|---|\n"
    )
    return head + "".join(
        f"| {one.status} | {one.meaning} | {one.for_an_order} | {one.for_a_read} |"
        f" {one.for_the_login} | {one.next_step} |\n"
        for one in HTTP_STATUSES
    )
