"""What registering secrets must survive: weeks, forks, signals, a failure; and what is removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from types import FrameType

import pytest

from tradebot.observability import secret_values
from tradebot.observability.secret_values import SecretValues, forms_of


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> SecretValues:
    """Keeps few, so that it forgets soon."""
    monkeypatch.setattr(secret_values, "KEPT_FOR_GOOD", 3)
    monkeypatch.setattr(secret_values, "KEPT_LATEST", 5)
    return SecretValues()


def token(number: int) -> str:
    return f"token/No-{number:04}"


def test_the_first_secrets_and_the_latest_stay_known(values: SecretValues) -> None:
    for number in range(300):
        values.register(token(number))
        known = {one for one in range(number + 1) if values.remove(token(one)) == "***"}
        assert known >= {*range(min(3, number + 1)), *range(max(0, number - 4), number + 1)}
        assert len(known) <= 3 + 2 * 5


def test_what_is_forgotten_takes_no_room(values: SecretValues) -> None:
    for number in range(300):
        values.register(token(number))
    known = values._known
    kept = {*known.for_good, *known.latest}
    assert set(known.by_case[0]) == set().union(*map(forms_of, kept))
    assert len(known.by_case[0]) == len(set(known.by_case[0]))
    assert len(known.beginnings) <= 4 * len(known.by_case[0])


def test_a_secret_registered_again_is_one_of_the_latest(values: SecretValues) -> None:
    for number in range(300):
        values.register(token(number))
        values.register(token(number // 4 * 4))
        generation = values.generation
        values.register(token(0))
        values.register(token(number // 4 * 4))
        assert values.generation == generation
    for number in range(200, 300):
        values.register("still valid")
        values.register(token(number))
        assert values.remove("still valid") == "***"


def test_many_lengths_of_text_share_what_is_remembered_for_them() -> None:
    values = SecretValues()
    values.register(token(1))
    values.register(token(2) * 30)
    for length in range(200):
        values.remove("aB" * length)
        values.remove("a" * length)
    known = values._known
    lengths = {len(form) for form in known.by_case[0]}
    assert len({id(one) for one in known.fitting.values()}) <= 2 * (len(lengths) + 1)


def test_a_failure_leaves_a_secret_that_can_be_registered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(secret: str) -> set[str]:
        raise MemoryError

    values = SecretValues()
    with monkeypatch.context() as broken:
        broken.setattr(secret_values, "forms_of", no_memory)
        with pytest.raises(MemoryError):
            values.register(token(1))
    values.register(token(1))
    assert values.remove(token(1)) == "***"


def interrupted(plus: Callable[..., object]) -> Callable[..., object]:
    """Once, a signal arrives when the work is done and not yet in use."""
    left = [signal.SIGINT]

    def plus_with_a_signal(*given: object) -> object:
        done = plus(*given)
        if left:
            signal.raise_signal(left.pop())
        return done

    return plus_with_a_signal


@pytest.mark.timeout(20)
def test_a_signal_handler_may_register_while_one_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = SecretValues()
    seen = []

    def handler(number: int, frame: FrameType | None) -> None:
        values.register(token(1))
        seen.append(values.remove(token(1)))

    kind = secret_values._Known
    monkeypatch.setattr(kind, "plus", interrupted(kind.plus))
    before = signal.signal(signal.SIGINT, handler)
    try:
        values.register(token(2))
    finally:
        signal.signal(signal.SIGINT, before)

    assert seen == ["***"]
    assert values.remove(f"{token(1)} {token(2)}") == "*** ***"
    assert values.generation == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_forked_while_a_thread_registers_can_register() -> None:
    program = """
        import os, signal, threading, warnings
        from tradebot.observability import secret_values
        warnings.simplefilter("ignore")  # newer Pythons warn of forks beside threads
        values, entered, leave = secret_values.SecretValues(), threading.Event(), threading.Event()
        plus = secret_values._Known.plus
        def waiting(*given):
            entered.set()
            leave.wait(30)
            return plus(*given)
        secret_values._Known.plus = waiting
        thread = threading.Thread(target=values.register, args=("abcdefghijk",))
        thread.start()
        entered.wait(30)
        child = os.fork()
        if not child:
            signal.alarm(20)
            secret_values._Known.plus = plus
            values.register("lmnopqrstuv")
            os._exit(0 if values.remove("lmnopqrstuv") == "***" else 1)
        status = os.waitpid(child, 0)[1]
        leave.set()
        thread.join()
        print(os.waitstatus_to_exitcode(status), values.remove("abcdefghijk"))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("0 ***\n", "")


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        (["q7q7q7q7q7q7", "7zzzzzzzzzzz9"], "a q7q7q7q7q7q7zzzzzzzzzzz9 b", "a *** b"),
        (["abcdefghij", "hijklmnopq", "opqrstuvwx"], "abcdefghijklmnopqrstuvwx", "***"),
        (["hunter2hunter2"], "hunter2hunter2hunter2 x", "*** x"),
        (["abcdefgh", "ijklmnop"], "abcdefghijklmnop", "******"),
        (["abcdefgh", "ijklmnop"], "abcdefgh ijklmnop", "*** ***"),
        (["abcdefgh", "abcdefgh-ijklmnop"], "abcdefgh-ijklmnop abcdefgh", "*** ***"),
        (["abcdefgh", "cdefghij-klmn"], "abcdefghij-kl", "***ij-kl"),
    ],
)  # fmt: skip
def test_secrets_that_overlap_are_hidden_as_one(
    secrets: list[str], text: str, expected: str
) -> None:
    for given in (secrets, secrets[::-1]):
        values = SecretValues()
        for secret in given:
            values.register(secret)
        assert values.remove(text) == expected
