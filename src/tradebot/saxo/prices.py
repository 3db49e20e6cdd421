"""Quotes of many instruments in few requests, and which ones the broker left out.

`infoprices/list` answers 200 and silently omits what it cannot price (seen from real servers), or
refuses the whole list because of one entry; either way one bad Uic must not hide the others.
Documented in Saxo's reference for trade/v1/infoprices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tradebot.errors import RequestRefused
from tradebot.saxo.api import Api
from tradebot.saxo.exchange import Query
from tradebot.saxo.messages import InfoPrice

CHUNK = 100
"""The broker's limit for one list is not documented; this is on the safe side."""
_MAX_SPLITS = 20


@dataclass(frozen=True, slots=True)
class InfoPrices:
    """What came back, by Uic, and what was asked for and did not, in the order asked."""

    prices: dict[int, InfoPrice]
    missing: tuple[int, ...]


def info_prices(
    api: Api, asset_type: str, uics: Iterable[int], account_key: str | None
) -> InfoPrices:
    """Quotes of `uics` (duplicates asked for once: the broker refuses a list that has them)."""
    wanted = list(dict.fromkeys(uics))
    rest: Query = (("AssetType", asset_type),)
    if account_key is not None:
        rest += (("AccountKey", account_key),)
    rest += (("FieldGroups", "Quote,DisplayAndFormat,InstrumentPriceDetails"),)
    prices: dict[int, InfoPrice] = {}
    chunks: list[Sequence[int]] = [wanted[i : i + CHUNK] for i in range(0, len(wanted), CHUNK)]
    splits = 0
    while chunks:
        chunk = chunks.pop()
        query = (("Uics", ",".join(map(str, chunk))), *rest)
        try:
            rows = api.rows("/trade/v1/infoprices/list", query, InfoPrice)
        except RequestRefused as error:
            if error.status not in (400, 404):
                raise
            # Halve the list until the culprit is alone; alone, it is simply missing.
            if len(chunk) > 1 and splits < _MAX_SPLITS:
                splits += 1
                middle = len(chunk) // 2
                chunks += [chunk[:middle], chunk[middle:]]
            continue
        prices.update((row.uic, row) for row in rows if row.uic in set(chunk))
    return InfoPrices(
        {uic: prices[uic] for uic in wanted if uic in prices},
        tuple(uic for uic in wanted if uic not in prices),
    )
