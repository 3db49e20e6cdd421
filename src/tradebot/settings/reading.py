"""One variable after the other: where its text comes from, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradebot.settings.credentials import Credentials
from tradebot.settings.env_file import EMPTY, EnvFile, read_env_file
from tradebot.settings.variable import Variable


def open_env_file(env_file: Path | None, home: Path) -> tuple[Path | None, EnvFile, list[str]]:
    """The file to read, what is in it, and what keeps us from reading it."""
    path = (env_file or home / ".env").absolute()
    try:
        return path, read_env_file(path), []
    except FileNotFoundError:
        problems = [f"{path}: there is no such file"] if env_file is not None else []
        return None, EMPTY, problems
    except OSError as error:
        return path, EMPTY, [f"{path}: cannot be read: {error.strerror}"]


@dataclass
class Reader:
    """Finds and parses each variable, collecting problems instead of stopping at the first."""

    environ: Mapping[str, str]
    credentials: Credentials
    file: EnvFile
    file_name: str
    home: Path
    problems: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)

    def read(self, variable: Variable) -> Any:
        """What counts: the default where nothing is given, or where it cannot be understood."""
        text = self._find(variable)
        if text is not None:
            try:
                return variable.kind.parse(text)
            except ValueError as error:
                self.complain(variable, str(error))
        return None if variable.default is None else variable.kind.parse(variable.default)

    def _find(self, variable: Variable) -> str | None:
        """The text that counts, or None for the default. Notes where it came from."""
        name = variable.name
        if name in self.environ:
            text, origin = self.environ[name], "environment"
        elif name in self.credentials.values:
            text, origin = self.credentials.values[name], "credential"
        else:
            text, origin = self.file.values.get(name, ""), ".env"
        if not variable.secret:
            text = text.strip()
        if not text:
            self.origins[name] = "default"
            return None
        self.origins[name] = origin
        self.given.add(name)
        return text

    def complain(self, variable: Variable, detail: str) -> None:
        """Note that the variable's text cannot be used."""
        self.wrong.add(variable.name)
        where = f"the {self.origins[variable.name]}"
        if self.origins[variable.name] == ".env":
            where = f"{self.file_name} line {self.file.lines[variable.name]}"
        tail = f"; {detail}" if detail else ""
        self.problems.append(
            f"{variable.name} (in {where}): expected {variable.kind.expects}{tail}"
        )
