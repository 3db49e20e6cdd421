"""The grammar of .env: alike for a shell, systemd and the bot, or refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradebot.settings.env_file import parse_env, quote_value, read_env_file

SECRET = "hunter2-hunter2"
NAMES = st.from_regex(r"TB_[A-Z0-9_]{1,12}", fullmatch=True)
PRINTABLE = st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=40)
NASTY = st.text(st.sampled_from(" \"'\\$`#=~;&|<>(){}[]*?!%^-.,:/@+aA0é€"), max_size=25)
_DUMP = (
    "import json, os, sys;"
    "json.dump({k: v for k, v in os.environ.items() if k[:3] == 'TB_'}, sys.stdout)"
)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=word", "word"),
        ("A=", ""),
        ("  A=x", "x"),
        ("A=x  \t", "x"),
        ("A=a=b,c:d/e.f@g%h+i-j_k", "a=b,c:d/e.f@g%h+i-j_k"),
        ("A='it has # and $HOME and \\'", "it has # and $HOME and \\"),
        ("A=''", ""),
        ('A="it\'s"', "it's"),
        (r'A="a \"b\" \\ \$c \`d\`"', 'a "b" \\ $c `d`'),
        ('A=""', ""),
        ("A='[{\"uic\":21}]'", '[{"uic":21}]'),
    ],
)
def test_what_is_accepted_and_what_it_means(line: str, value: str) -> None:
    file = parse_env(line)
    assert file.problems == ()
    assert file.values == {"A": value}


REFUSED = [
    (f"export A={SECRET}", "leave out `export`"),
    (f"A = {SECRET}", "no spaces around ="),
    (f"A= {SECRET}", "no spaces around ="),
    (f"A={SECRET} # why", "no comment after a value"),
    (f"A='{SECRET}' # why", "one closing '"),
    (f"A={SECRET} {SECRET}", "in single quotes"),
    (f"A=~/{SECRET}", "in single quotes"),
    (f"A=${SECRET}", "in single quotes"),
    (f"A=`{SECRET}`", "in single quotes"),
    (f"A={SECRET}\\", "in single quotes"),
    (f'A="{SECRET}', 'one closing "'),
    (f'A="$HOME{SECRET}"', 'one closing "'),
    (f'A="{SECRET}\\n"', 'one closing "'),
    (f"A='{SECRET}", "one closing '"),
    (f"A='{SECRET}'x", "one closing '"),
    (f"A='{SECRET}''x'", "one closing '"),
    (f"A={SECRET}'x'", "in single quotes"),
    (f"{SECRET}", "NAME=value"),
    (f"A: {SECRET}", "NAME=value"),
    (f"9A={SECRET}", "not begin with a digit"),
    (f"A-B={SECRET}", "letters, digits and _"),
    (f"; {SECRET}", "begins with #"),
    ("# a comment that goes on \\", "must not end in a backslash"),
    (f"A={SECRET}\r", "CR LF"),
    (f"\ufeffA={SECRET}", "byte order mark"),
    (f"A='{SECRET}\x07'", "unprintable"),
    (f"A='{SECRET}\u200b'", "unprintable"),
    (f"A='{SECRET}\t'", "one closing '"),
    (f"A={SECRET}é", "in single quotes"),
]


@pytest.mark.parametrize(("line", "why"), REFUSED)
def test_what_readers_disagree_on_is_refused_by_line_and_never_repeated(
    line: str, why: str
) -> None:
    file = parse_env(f"# one\nB=fine\n{line}\n", "my.env")
    assert len(file.problems) == 1
    assert file.problems[0].startswith("my.env line 3: ")
    assert why in file.problems[0]
    assert SECRET not in file.problems[0]
    assert file.values == {"B": "fine"}


def test_the_names_of_refused_assignments_are_known() -> None:
    file = parse_env("export A=x\nB = y\nC=x y\nnothing here\n")
    assert file.refused == {"A", "B", "C"}


def test_comments_and_empty_lines_are_skipped() -> None:
    file = parse_env("# comment\n\n   # also\n \t\n#A=1\n")
    assert (file.values, file.problems) == ({}, ())


def test_a_name_given_twice_counts_the_last_time_and_is_told() -> None:
    file = parse_env("A=1\nA=2\n")
    assert file.values == {"A": "2"}
    assert file.warnings == (".env line 2: A is set again; line 1 has no effect",)


def test_windows_line_ends_and_byte_order_mark_are_accepted_on_windows_only() -> None:
    text = "\ufeffA=1\r\nB='2'\r\n"
    assert parse_env(text, windows=True).values == {"A": "1", "B": "2"}
    assert len(parse_env(text, windows=False).problems) == 2


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\nB='caf\xe9'\n")
    assert read_env_file(path).problems == (".env line 2: not UTF-8; save the file as UTF-8",)


def test_a_value_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        quote_value("two\nlines")


@settings(deadline=None)
@given(st.dictionaries(NAMES, PRINTABLE | NASTY, max_size=8))
def test_what_is_rendered_is_read_back(values: dict[str, str]) -> None:
    text = "".join(f"{name}={quote_value(value)}\n" for name, value in values.items())
    file = parse_env(text)
    assert (file.values, file.problems) == (values, ())


def _sourced_by_shell(shell: str, path: Path) -> dict[str, str]:
    script = 'set -a; . "$1"; set +a; exec "$2" -c "$3"'
    command = [shell, "-c", script, shell, str(path), sys.executable, _DUMP]
    clean = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=clean, capture_output=True, check=True)
    assert done.stderr == b""
    loaded: dict[str, str] = json.loads(done.stdout)
    return loaded


@pytest.mark.skipif(os.name == "nt", reason="there is no POSIX shell to agree with")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.dictionaries(NAMES, PRINTABLE | NASTY, min_size=1, max_size=12))
def test_a_real_shell_reads_the_same(tmp_path: Path, values: dict[str, str]) -> None:
    path = tmp_path / "round.env"
    text = "".join(f"{name}={quote_value(value)}\n" for name, value in values.items())
    path.write_text(text, encoding="utf-8")
    assert _sourced_by_shell("sh", path) == values


@pytest.mark.skipif(os.name == "nt", reason="there is no POSIX shell to agree with")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bodies=st.lists(st.text(st.sampled_from("A =\"'\\$`#;x~ \t-"), max_size=8), max_size=200))
def test_whatever_is_accepted_a_real_shell_reads_the_same(
    tmp_path: Path, bodies: list[str]
) -> None:
    lines = [f"TB_{number}={body}" for number, body in enumerate(bodies)]
    accepted = [line for line in lines if not parse_env(line).problems]
    path = tmp_path / "lines.env"
    path.write_text("".join(f"{line}\n" for line in accepted), encoding="utf-8")
    assert _sourced_by_shell("sh", path) == parse_env("\n".join(accepted)).values


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_or_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(OSError, match="not a file"):
            read_env_file(path)
