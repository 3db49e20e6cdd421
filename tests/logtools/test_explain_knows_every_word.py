"""Whatever a line can say, `explain` knows, with a next step and pages that exist."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum

import pytest

from support.program import ROOT
from tradebot.errors import ExitCode
from tradebot.logtools.linting.findings import Kind
from tradebot.logtools.stories.journal_orders import Disagreement
from tradebot.logtools.stories.order_story import OrderStatus
from tradebot.logtools.stories.run_story import RunOutcome
from tradebot.logtools.stories.slots_seen import SlotFate
from tradebot.logtools.why.no_run import NoRun
from tradebot.logtools.why.reasons_chain import Result
from tradebot.logtools.words.explaining import explain
from tradebot.logtools.words.explanations import What, find, words_of
from tradebot.logtools.words.finding_words import FINDING_MEANINGS
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.http_statuses import HTTP_STATUSES
from tradebot.vocabulary.reasons import (
    DecisionReason,
    Difference,
    FailureReason,
    MissedReason,
    SkipReason,
)
from tradebot.vocabulary.saxo_codes import saxo_codes
from tradebot.vocabulary.states import Outcome, Standing, State


def values(words: type[Enum]) -> list[str]:
    return [str(word.value) for word in words]


EXPECTED = {
    What.EVENT: list(CATALOGUE.events),
    What.FIELD: list(CATALOGUE.fields),
    What.FAILURE: values(FailureReason),
    What.DECISION: values(DecisionReason),
    What.SKIP: values(SkipReason),
    What.MISSED: values(MissedReason),
    What.DIFFERENCE: values(Difference),
    What.OUTCOME: values(Outcome),
    What.STATE: values(State),
    What.STANDING: values(Standing),
    What.SAXO: list(saxo_codes()),
    What.STATUS: [str(one.status) for one in HTTP_STATUSES],
    What.EXIT: values(ExitCode),
    What.FINDING: values(Kind),
    What.ORDERS: values(OrderStatus) + values(Disagreement),
    What.RUNS: values(RunOutcome) + values(SlotFate),
    What.WHY: values(Result) + values(NoRun),
}
EVERY = [one for what in What for one in words_of(what).values()]


@pytest.mark.parametrize("what", What)
def test_every_word_of_a_kind_is_known_in_any_case(what: What) -> None:
    for word in EXPECTED[what]:
        for spelling in (word, word.upper(), word.lower()):
            kinds = {one.what for one in explain(spelling) if one.word == word}
            assert what in kinds, spelling
    assert len(words_of(what)) == len(EXPECTED[what])


def test_every_finding_of_lint_has_a_meaning() -> None:
    assert set(FINDING_MEANINGS) == set(Kind)


@pytest.mark.parametrize("what", What)
def test_an_explanation_has_a_meaning_a_next_step_and_facts_of_different_names(what: What) -> None:
    for one in words_of(what).values():
        assert one.meaning.endswith((".", "?")), one.word
        assert one.next_step.endswith((".", "?")), one.word
        assert len({name for name, _ in one.facts}) == len(one.facts)
        assert all(value for _, value in one.facts)


def test_what_it_points_to_can_be_explained() -> None:
    seen = 0
    for one in EVERY:
        for word in explain(one.word)[0].see_also:
            assert find(word), f"{one.word} points to {word}"
            seen += 1
    assert seen > 100


def test_an_event_that_another_one_mentions_is_pointed_to() -> None:
    assert "execution_reconcile_result" in explain("execution_order_unknown")[0].see_also
    assert "execution_order_unknown" in explain("TradeNotCompleted")[0].see_also
    assert "execution_order_rejected" in explain("InsufficientCash")[0].see_also


@pytest.mark.parametrize("what", What)
def test_the_page_it_names_has_it(what: What) -> None:
    for one in words_of(what).values():
        page, _, anchor = dict(one.facts).get("documented in", "").partition("#")
        if not page:
            assert what in (What.FINDING, What.ORDERS, What.RUNS, What.WHY)
            continue
        text = (ROOT / page.partition(",")[0]).read_text(encoding="utf-8")
        assert (f"\n## {anchor}\n" if anchor else one.word) in text, one.word


def test_nothing_is_put_together_before_somebody_asks() -> None:
    program = (
        "import sys; import tradebot.logtools.words.explaining as e;"
        " late = ('saxo_codes', 'saxo_refusals', 'http_statuses', 'states', 'exit_codes');"
        " print([n for n in late if 'tradebot.vocabulary.' + n in sys.modules]);"
        " print(e.plain('no_cross', 'reason'));"
        " print([n for n in ('click', 'rich', 'msgspec', 'urllib3', 'tradebot.settings')"
        " if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "[]",
        "The averages did not cross on the last closed bar.",
        "[]",
    ]
