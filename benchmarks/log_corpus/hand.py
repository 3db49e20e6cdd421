"""What a person's commands leave in the log of a corpus, between its runs."""

from __future__ import annotations

from benchmarks.log_corpus.lines import INFO, WARN, Script, Sink, moment
from benchmarks.log_corpus.model import ByHand, Instrument
from benchmarks.log_corpus.orders import OrderLines


def write_by_hand(sink: Sink, one: ByHand, instruments: tuple[Instrument, ...]) -> None:
    """What a person's command leaves in the log."""
    script = Script(sink, one.run_id, one.at, 0)
    script.base = f"run_id={one.run_id} cycle_id=- dry_run=- single_cycle=false env=SIM strategy=-"
    if one.what == "resolved" and one.attempt is not None:
        script.base = script.base.replace("dry_run=-", "dry_run=false")
        orders = OrderLines(script, instruments)
        orders.journal(one.attempt, "by_hand", one.attempt.verdict)
        orders.say(
            one.attempt,
            INFO,
            "cli._orders_resolve",
            "execution_resolved_by_hand",
            ' who=by_hand checked=false msg="by the word of a person: no order came of it"',
            keys=False,
        )
        orders.complete(one.attempt, keys=False, op="told")
    elif one.what == "position_accepted":
        instrument = instruments[one.instrument]
        before, held = one.held
        sink.journal.append((script.t, "position", one.run_id, "", (instrument.name, before, held)))
        script.base = script.base.replace("dry_run=-", "dry_run=false")
        script.say(
            INFO,
            "cli._orders_position",
            "execution_position_accepted",
            f" instrument_id={instrument.name} symbol={instrument.symbol} held={held} who=by_hand"
            f" held_before={before} broker_held={held}",
        )
    else:
        until = "" if one.until is None else f" until={moment(one.until)}"
        sink.journal.append((script.t, one.what, one.run_id, "", (one.reason, one.until)))
        script.say(
            WARN,
            "cli._by_hand_log",
            one.what,
            f" reason={one.reason}{until} who=by_hand",
        )
