"""The lines that lead to an answer, each in a few plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tradebot.logtools.reading.entries import Entry

_LEFT_OUT = frozenset(
    {
        "startup_config_loaded", "startup_ready", "auth_mode_selected", "auth_token_refresh_begin",
        "marketdata_fetch_begin", "strategy_signals_generated", "execution_precheck_begin",
        "execution_reconcile_begin", "http_request", "simulator_started", "settings_warning",
    }
)  # fmt: skip
"""Steps that say nothing which the next line does not say, too."""

_SHOWN = ("reason", "failure_reason", "phase", "exit_code")


def steps(lines: Iterable[Entry], run_id: str) -> list[tuple[str, str]]:
    """Time and words of each step, those of later runs with a word about it; what is the same again
    once, with its number."""
    found: list[tuple[str, str]] = []
    times: list[int] = []
    for entry in lines:
        if entry.event in _LEFT_OUT:
            continue
        later = "" if entry.get("run_id") == run_id else "a later run: "
        words = later + _words(entry)
        if found and found[-1][1] == words:
            times[-1] += 1
            continue
        found.append((entry.time, words))
        times.append(1)
    counted = zip(found, times, strict=True)
    return [(time, f"{words} ({n} times)" if n > 1 else words) for (time, words), n in counted]


def _words(entry: Entry) -> str:
    tell = _TELLERS.get(entry.event)
    if tell is not None:
        return tell(entry)
    facts = [f"{name}={entry.get(name)}" for name in _SHOWN if entry.get(name)]
    return " ".join([entry.event, *facts])


def _begun(entry: Entry) -> str:
    late = entry.get("lateness_seconds")
    slot = entry.get("slot")
    of_slot = f", {late} s into its slot {slot}" if slot and late else ""
    return f"has the lock: cycle {entry.get('cycle_id')}{of_slot}"


def _decision(entry: Entry) -> str:
    signal, action, reason = (entry.get(name) for name in ("signal", "action", "reason"))
    if signal and signal != action:
        return f"the strategy said {signal}; decided: {action} ({reason})"
    return f"decided: {action} ({reason})"


def _missing(entry: Entry) -> str:
    return f"market data: missing for {entry.get('missing_ids').replace(',', ', ')}"


def _intent(entry: Entry) -> str:
    get = entry.get
    what = f"{get('side')} {get('quantity')}, attempt {get('attempt')}"
    return f"intent {get('external_reference')}: {what}"


def _failure(what: str) -> Callable[[Entry], str]:
    def told(entry: Entry) -> str:
        facts = [entry.get(name) for name in ("failure_reason", "error_code") if entry.get(name)]
        status = entry.get("http_status")
        return f"{what}: {', '.join(facts)}" + (f" (HTTP {status})" if status else "")

    return told


def _result(entry: Entry) -> str:
    get = entry.get
    filled = f", {get('filled_quantity')} at {get('average_price')}" if get("average_price") else ""
    return f"found at the broker: {get('reconcile_result')}{filled}"


def _verdict(entry: Entry) -> str:
    why = entry.get("failure_reason") or entry.get("order_state")
    return f"verdict: {entry.get('execution_outcome')}" + (f" ({why})" if why else "")


def _request(entry: Entry) -> str:
    get = entry.get
    status = get("http_status")
    code = get("error_code") or ("" if status else get("error_kind"))
    said = " ".join(filter(None, (status, code))) or "no answer"
    return f"{get('http_method')} {get('http_url_path')} failed: {said}"


def _skip(entry: Entry) -> str:
    what = entry.event.removeprefix("cycle_skip_").replace("_", " ")
    return f"skipped, {what}: {entry.get('reason')}".removesuffix(": ")


def _exception(entry: Entry) -> str:
    return f"unexpected_exception {entry.get('exc_type')}: {entry.get('exc_msg')}"


_TELLERS: dict[str, Callable[[Entry], str]] = {
    "startup_begin": lambda entry: "the program starts",
    "schedule_jitter": lambda entry: f"waits {entry.get('delay_seconds')} s of jitter",
    "cycle_begin": _begun,
    "cycle_end": lambda entry: f"the cycle ends, exit code {entry.get('exit_code')}",
    "cycle_skip_outside_trading_hours": _skip,
    "cycle_skip_overlap": lambda entry: f"skipped: the lock is held by {entry.get('holder')}",
    "cycle_skip_slot": _skip,
    "cycle_skip_paused": _skip,
    "http_error": _request,
    "rate_limit_wait": lambda entry: f"waits for the rate limit {entry.get('dimension')}",
    "auth_token_refresh_success": lambda entry: "logged in",
    "auth_token_refresh_failure": _failure("no new access token"),
    "marketdata_fetch_success": lambda entry: "market data: complete",
    "marketdata_fetch_partial": _missing,
    "marketdata_fetch_failure": _failure("market data: none"),
    "strategy_decision": _decision,
    "unexpected_exception": _exception,
    "execution_intent_created": _intent,
    "execution_precheck_passed": lambda entry: "precheck passed",
    "execution_precheck_failed": _failure("precheck failed"),
    "execution_disclaimer_blocked": _failure("a disclaimer stands against it"),
    "execution_order_sending": lambda entry: "the order leaves",
    "execution_order_placed": lambda entry: f"accepted: order {entry.get('order_id')}",
    "execution_order_rejected": _failure("refused"),
    "execution_order_unknown": _failure("no clear answer"),
    "execution_reconcile_result": _result,
    "execution_completed": _verdict,
}
