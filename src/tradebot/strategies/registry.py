"""From STRATEGY_NAME and STRATEGY_PARAMS_JSON to a strategy, or a message that says what is wrong.

What a strategy of the user's own raises while it is loaded is a mistake in the settings, not a
crash of the bot.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from tradebot.errors import SettingsError
from tradebot.strategies.base import HORIZONS, MAX_BARS, Strategy

BUILT_IN = {"sma_cross": "tradebot.strategies.sma_cross:SmaCross"}
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def load_strategy(
    name: str, params: Mapping[str, object], *, folder: Path | None = None
) -> Strategy:
    """The strategy called `name`: a built-in one, or a class as `package.module:ClassName`.

    `folder` is searched for the user's own modules besides Python's path. Raises SettingsError.
    """
    cls = _find_class(name, folder)
    strategy = _construct(name, cls, params)
    problems = [f"STRATEGY_NAME: {name}: {problem}" for problem in _shortcomings(strategy)]
    if problems:
        raise SettingsError(problems)
    return cast(Strategy, strategy)


def _find_class(name: str, folder: Path | None) -> type[Any]:
    target = BUILT_IN.get(name, name)
    module_name, colon, class_name = target.partition(":")
    if not colon:
        problem = f"STRATEGY_NAME: there is no built-in strategy {name}; {_known(name)}"
        raise SettingsError([problem])
    try:
        with _on_path(folder):
            module = importlib.import_module(module_name)
    except Exception as error:
        raise SettingsError(
            [f"STRATEGY_NAME: {module_name} cannot be imported: {_brief(error)}"]
        ) from error
    cls = getattr(module, class_name, None)
    if not isinstance(cls, type):
        raise SettingsError([f"STRATEGY_NAME: {module_name} has no class {class_name}"])
    return cls


def _known(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, BUILT_IN, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}Known: {', '.join(BUILT_IN)}, or your own as package.module:ClassName"


@contextmanager
def _on_path(folder: Path | None) -> Iterator[None]:
    """Let imports find modules in `folder`, last of all."""
    if folder is None or str(folder) in sys.path:
        yield
        return
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _construct(name: str, cls: type[Any], params: Mapping[str, object]) -> object:
    known = _parameters(cls)
    if known is not None and not set(params) <= set(known):
        raise SettingsError([_unknown_parameters(name, sorted(set(params) - set(known)), known)])
    try:
        return cls(**params)
    except ValueError as error:
        problem = f"STRATEGY_PARAMS_JSON: {name}: {_one_line(str(error))}"
        raise SettingsError([problem]) from error
    except Exception as error:
        problem = f"STRATEGY_PARAMS_JSON: {name} cannot be made with these: {_brief(error)}"
        raise SettingsError([problem]) from error


def _parameters(cls: type[Any]) -> list[str] | None:
    """The names that a constructor takes; None when it takes any."""
    if cls.__init__ is object.__init__:
        return []
    parameters = inspect.signature(cls).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [parameter.name for parameter in parameters if parameter.kind in by_name]


def _unknown_parameters(name: str, unknown: list[str], known: list[str]) -> str:
    from difflib import get_close_matches

    near = [match for word in unknown for match in get_close_matches(word, known, n=1)]
    hint = f"; did you mean {', '.join(dict.fromkeys(near))}?" if near else ""
    takes = ", ".join(known) or "none"
    return f"STRATEGY_PARAMS_JSON: unknown parameter for {name}, which takes {takes}{hint}"


def _shortcomings(strategy: object) -> Iterator[str]:
    """What keeps an object from being a Strategy the bot can run."""
    for attribute in ("name", "version"):
        value = getattr(strategy, attribute, None)
        if not isinstance(value, str) or _WORD.fullmatch(value) is None:
            yield f"{attribute} must be a text of letters, digits, _, . and -"
    if getattr(strategy, "horizon_minutes", None) not in HORIZONS:
        yield f"horizon_minutes must be one of {', '.join(map(str, HORIZONS))}"
    bars = getattr(strategy, "bars_needed", None)
    if isinstance(bars, bool) or not isinstance(bars, int) or not 1 <= bars <= MAX_BARS:
        yield f"bars_needed must be a whole number from 1 to {MAX_BARS}"
    if not callable(getattr(strategy, "decide", None)):
        yield "it has no method decide(view)"


def _brief(error: Exception) -> str:
    return _one_line(f"{type(error).__name__}: {error}")


def _one_line(text: str) -> str:
    """Some exceptions speak in paragraphs; a problem is one line."""
    return " ".join(text.split())[:300]
