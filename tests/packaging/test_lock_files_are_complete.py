"""Pinned and hashed, for everything we ask for, and from nowhere in particular."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from support.program import ROOT

FILES = {name: ROOT / "requirements" / f"{name}.txt" for name in ("run", "dev", "bench")}


def pinned(name: str) -> dict[str, str]:
    """Each requirement of a lock file with the text of its entry."""
    text = FILES[name].read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    return {re.split(r"[=\[ ]", entry)[0].lower(): entry for entry in entries}


def asked_for(*extras: str) -> set[str]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return {re.split(r"[<>=\[; ]", requirement)[0].lower() for requirement in wanted}


@pytest.mark.parametrize("name", FILES)
def test_every_entry_is_pinned_and_hashed(name: str) -> None:
    entries = pinned(name)
    assert len(entries) > 10
    for entry in entries.values():
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", entry)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry)


@pytest.mark.parametrize("name", FILES)
def test_no_index_and_no_folder_is_named(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    for word in ("://", "index-url", "find-links", "trusted-host"):
        assert word not in text


def test_everything_asked_for_is_there() -> None:
    assert asked_for("build") <= set(pinned("run"))
    assert asked_for("build", "dev") <= set(pinned("dev"))
    assert asked_for("build", "bench") <= set(pinned("bench"))


@pytest.mark.parametrize("other", ["dev", "bench"])
def test_all_files_pin_the_same_versions(other: str) -> None:
    run, more = pinned("run"), pinned(other)
    assert {name: entry.split()[0] for name, entry in run.items()} == {
        name: more[name].split()[0] for name in run
    }
