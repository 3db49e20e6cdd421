"""docs/events.md and the field table follow the vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.vocabulary import docs
from tradebot.vocabulary.events import EVENTS
from tradebot.vocabulary.fields import FIELDS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_are_up_to_date() -> None:
    assert docs.stale(DOCS) == [], "run python -m tradebot.vocabulary.docs --write"


def test_every_event_and_field_is_described() -> None:
    events = (DOCS / "events.md").read_text(encoding="utf-8")
    table = (DOCS / "logging.md").read_text(encoding="utf-8")
    assert all(f"\n## {event.name}\n" in events for event in EVENTS)
    assert all(f"\n| `{field.name}` |" in table for field in FIELDS)


def test_a_stale_page_is_found_and_brought_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "logging.md"
    page.write_text(f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n", encoding="utf-8")

    assert docs.main(["--check", "--docs", str(tmp_path)]) == 1
    assert "events.md is out of date" in capsys.readouterr().err
    assert docs.main(["--write", "--docs", str(tmp_path)]) == 0
    assert docs.main(["--check", "--docs", str(tmp_path)]) == 0

    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "\nold\n" not in text


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no table between"):
        docs.with_field_table("nothing here")
