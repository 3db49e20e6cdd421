"""The two variables that hold JSON: the watch list and the strategy's parameters.

Messages say where (entry, field, line and column) but never repeat what is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from tradebot.settings.parsing import parse_decimal_json

if TYPE_CHECKING:
    from tradebot.model import WatchItem

_FIELDS = ("asset_type", "uic", "symbol", "quantity")
_ASSET_TYPE = re.compile(r"[A-Za-z]{2,40}")
_MAX_UIC = 2**31 - 1
_MAX_FILE_BYTES = 4 * 1024 * 1024

WATCHLIST_EXPECTS = (
    'a JSON list such as [{"asset_type":"Stock","uic":211,"symbol":"AAPL:xnas","quantity":10}], '
    "or @ and the name of a file that holds one"
)
PARAMS_EXPECTS = 'a JSON object such as {"fast":5,"slow":20}, or @ and the name of a file with one'


def read_json(text: str, home: Path) -> object:
    """The JSON in `text`, or in the file it names as `@file` (relative to `home`).

    Numbers with a fraction become Decimals; a name given twice is refused, since readers disagree
    on which of the two counts.
    """
    if text.startswith("@"):
        text = _read_file(home / text[1:])
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"not JSON at {where}: {error.msg}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _read_file(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ValueError("the file is larger than 4 MiB")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not numbers to trade with")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def parse_watchlist(text: str, home: Path, default_quantity: Decimal) -> tuple[WatchItem, ...]:
    """The watch list in its own order. An entry without `quantity` gets `default_quantity`.

    Raises ValueError naming the first wrong entry (counted from 1) and field.
    """
    entries = read_json(text, home)
    if not isinstance(entries, list) or not entries:
        raise ValueError("it must be a list with at least one entry")
    items: list[WatchItem] = []
    for number, entry in enumerate(entries, start=1):
        item = _watch_item(f"entry {number}", entry, default_quantity)
        if any(item.instrument == other.instrument for other in items):
            raise ValueError(f"entry {number} repeats an instrument")
        items.append(item)
    return tuple(items)


def _watch_item(where: str, entry: object, default_quantity: Decimal) -> WatchItem:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is not an object")
    if not entry.keys() <= set(_FIELDS):
        raise ValueError(f"{where} has an unknown field; the fields are {', '.join(_FIELDS)}")
    asset_type, uic = entry.get("asset_type"), entry.get("uic")
    if not isinstance(asset_type, str) or not _ASSET_TYPE.fullmatch(asset_type):
        raise ValueError(f'{where}: asset_type must be a Saxo asset type such as "Stock"')
    if isinstance(uic, bool) or not isinstance(uic, int) or not 0 < uic <= _MAX_UIC:
        raise ValueError(f"{where}: uic must be Saxo's number for the instrument, such as 211")
    symbol = entry.get("symbol")
    if symbol is not None and not _is_symbol(symbol):
        raise ValueError(f'{where}: symbol must be a short text such as "AAPL:xnas"')
    quantity = default_quantity
    if "quantity" in entry:
        given = parse_decimal_json(entry["quantity"])
        if given is None:
            raise ValueError(f"{where}: quantity must be a number above 0")
        quantity = given
    from tradebot.model import InstrumentId, WatchItem  # who has no watch list needs no model

    return WatchItem(InstrumentId(asset_type, uic), quantity, symbol)


def _is_symbol(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 64 and value.isprintable()


def parse_params(text: str, home: Path) -> Mapping[str, object]:
    """The strategy's parameters; what they mean is the strategy's own business.

    Numbers with a fraction are floats here: a strategy calculates with them.
    """
    found = read_json(text, home)
    if not isinstance(found, dict):
        raise ValueError("it must be an object")
    return MappingProxyType({name: _with_floats(value) for name, value in found.items()})


def _with_floats(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_floats(item) for name, item in value.items()}
    return value
