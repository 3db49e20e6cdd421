"""One line is spoilt, and lint says what is wrong with it, and where; with nothing else."""

from __future__ import annotations

import pytest

from support.log_lines import RUN, SIX, line
from tradebot.logtools import Report, Severity
from tradebot.logtools.linting.findings import Kind
from tradebot.logtools.linting.lint import lint
from tradebot.observability.line import LINE_LIMIT, VALUE_LIMIT

SENDING = f"external_reference=ATB-20251216-0000-Q7ZK2M4XWA request_id={RUN}"
WHOLE = line()
CUT = line("truncated=true")

SPOILT: list[tuple[Kind, str | bytes | list[str | bytes]]] = [
    # The physical line.
    (Kind.NOT_UTF8, WHOLE.encode().replace(b"fine", b"f\xffne")),
    (Kind.NO_NEWLINE, WHOLE.rstrip("\n")),
    (Kind.TOO_LONG, line(" ".join(f'a{n}="{"word " * 200}"' for n in range(17)))),
    (Kind.TOO_LONG, "x" * (LINE_LIMIT * 3) + "\n"),
    (Kind.TOO_LONG, line(f'msg="{"word " * (VALUE_LIMIT // 5 + 1)}"')),
    (Kind.BLANK_LINE, "\n"),
    (Kind.FRAGMENT, "2025-12-17T07:1\n"),
    (Kind.FRAGMENT, "2025-12-17T07:12:03.214Z | IN\n"),
    (Kind.FRAGMENT, "2025-12-17T07:12:03.214Z | INFO  | app\n"),
    (Kind.FRAGMENT, "2025-12-17T07:12:03.214Z | INFO  | app | cycle_beg\n"),
    (Kind.FRAGMENT, line("symb")),
    (Kind.FRAGMENT, line("symbol=")),
    (Kind.FRAGMENT, line('msg="cut in the mid')),
    (Kind.FRAGMENT, line('msg="cut in an escape \\')),
    (Kind.FRAGMENT, line('msg="cut in an escape \\u00')),
    (Kind.FRAGMENT, line('msg="cut in a ü').encode()[:-2] + b"\n"),
    (Kind.FRAGMENT, line('msg="cut').rstrip("\n") + WHOLE),
    (Kind.FRAGMENT, line("symb").rstrip("\n") + WHOLE),
    (Kind.REPEATED_FRAGMENT, [line('msg="cut'), line('msg="cut and whole"')]),
    (Kind.REPEATED_FRAGMENT, [line("msg=fi"), line("msg=fine")]),
    (Kind.NOT_A_LINE, "Traceback (most recent call last):\n"),
    (Kind.NOT_A_LINE, WHOLE.replace("\n", "\r\n")),
    (Kind.NOT_A_LINE, WHOLE.replace(" | execution", "|execution")),
    (Kind.NOT_A_LINE, line("msg=one msg=two")),
    (Kind.NOT_A_LINE, line('msg=""')),
    (Kind.NOT_A_LINE, line('msg="no such \\escape"')),
    (Kind.NOT_A_LINE, line(level="INFO")),
    (Kind.NOT_AS_WRITTEN, line('msg="fine"')),
    (Kind.NOT_AS_WRITTEN, line("msg=null")),
    (Kind.NOT_AS_WRITTEN, line('msg="a\\/b"')),
    # Head and correlation.
    (Kind.TIMESTAMP, line(time="2025-02-30T07:12:03.214Z")),
    (Kind.TIME_BACKWARDS, [WHOLE, line(time="2025-12-17T07:11:03.214Z")]),
    (Kind.COMPONENT, line(SENDING, component="tradebot.app", event="execution_order_sending")),
    (Kind.UNKNOWN_EVENT, line(event="moon_landed")),
    (Kind.LEVEL_LOWERED, line("problems=1", level="ERROR", event="startup_config_invalid")),
    (Kind.CORRELATION, line(six=SIX.replace(" cycle_id=42", ""))),
    (Kind.CORRELATION, line("", six=f"msg=fine {SIX}")),
    (Kind.CORRELATION, line(six=SIX.replace(" cycle_id=42", "") + " cycle_id=42")),
    # Fields.
    (Kind.FIELD_ORDER, line("msg=fine count=1")),
    (Kind.FIELD_ORDER, line("order_id=1 instrument_id=Stock:211")),
    (Kind.FIELD_ORDER, line("count=1 symbol=AAPL:xnas")),
    (Kind.MISSING_FIELD, line(f"request_id={RUN}", event="execution_order_sending")),
    (Kind.CUT_AWAY, line(f"request_id={RUN} truncated=true", event="execution_order_sending")),
    (Kind.UNKNOWN_FIELD, line("colour=green")),
    (Kind.SCHEMA_ERROR, line('schema_error="unknown event x"', level="WARN ")),
    (Kind.WRONG_TYPE, line("count=many")),
    (Kind.WRONG_TYPE, line(six=SIX.replace("env=SIM", "env=sim"))),
    (Kind.WRONG_TYPE, line(six=SIX.replace("env=SIM", "env=PROD"))),
    (Kind.WRONG_TYPE, line("slot=2025-12-17")),
    (Kind.MASKED_VALUE, line("symbol=***")),
    (Kind.FAILURE_REASON, line("failure_reason=bad_luck")),
    (Kind.FAILURE_REASON, line("execution_outcome=SUCCESS failure_reason=refused")),
    # Secrets.
    (Kind.UNMASKED, line("account_key=Zx81kQp0vLm2Rt7Yw3Ns")),
    (Kind.UNMASKED, line("client_key=short")),
    (Kind.UNMASKED, line("client_key=short truncated=true")),
    (Kind.UNMASKED, line("access_token=ABC***56")),
    (Kind.UNMASKED, line("password=hunter2")),
    (Kind.DOUBTFUL_VALUE, line('msg="Authorization: Bearer abc.def.ghi"')),
    (Kind.DOUBTFUL_VALUE, line('msg="with password=hunter2 in it"')),
    (Kind.DOUBTFUL_VALUE, line("note=Zx81kQp0vLm2Rt7Yw3Ns")),
    (Kind.DOUBTFUL_VALUE, line('note="{\\"refresh_token\\":\\"hunter2\\"}"')),
    (Kind.DOUBTFUL_VALUE, line("http_url_path=/port/v1/accounts/Zx81kQp0vLm2Rt7Yw3Ns")),
    (Kind.DOUBTFUL_VALUE, line('note="{Zx81kQp0vLm2Rt7Yw3Ns"')),
    (Kind.DOUBTFUL_VALUE, line("symbol=Zx81kQp0vLm2Rt7Yw3Ns")),
    (Kind.REDACTION_FAILED, line('msg="<redaction-failed>"')),
    (Kind.CUT_VALUE, line(f'msg="{"word " * 60}token=**" truncated=true')),
    (Kind.CUT_VALUE, line(f'response_snippet="{"word " * 49}token=*****"')),
]  # fmt: skip


def report_on(spoilt: str | bytes | list[str | bytes]) -> Report:
    """A report on a sound log with the spoilt line (or lines) in the middle, or at the end."""
    lines = spoilt if isinstance(spoilt, list) else [spoilt]
    sound_before = line(time="2025-12-17T07:12:03.213Z")
    ended = lines[-1][-1:] in ("\n", b"\n")
    after = [line(time="2025-12-17T07:12:03.215Z")] if ended else []
    return lint([sound_before, *lines, *after])


@pytest.mark.parametrize(("kind", "spoilt"), SPOILT)
def test_the_fault_is_named_and_nothing_else(
    kind: Kind, spoilt: str | bytes | list[str | bytes]
) -> None:
    report = report_on(spoilt)
    assert set(report.counts) - {Kind.UNKNOWN_FIELD} <= {kind}, report.findings
    [finding] = [one for one in report.findings if one.kind is kind]
    assert finding.line == (3 if kind is Kind.TIME_BACKWARDS else 2)
    assert bool(report.problems) is (kind.severity is Severity.PROBLEM)


def test_wherever_the_last_line_was_cut_it_is_one_finding_that_says_so() -> None:
    """And never that it may hold a secret: half of an id is none."""
    whole = line('symbol=AAPL:xnas note="a b" msg="some text"').rstrip("\n")
    for end in range(1, len(whole) + 1):
        [finding] = lint([WHOLE, whole[:end]]).findings
        assert finding.line == 2
        assert finding.kind in (Kind.FRAGMENT, Kind.NO_NEWLINE), whole[:end]


def test_there_is_such_a_line_for_each_kind() -> None:
    assert {kind for kind, _ in SPOILT} == set(Kind)


@pytest.mark.parametrize(
    "sound",
    [
        line(),
        line(SENDING, event="execution_order_sending"),
        line("", six=f"run_id={RUN} cycle_id=- dry_run=- single_cycle=- env=- strategy=-"),
        line("failure_reason=refused"),
        line("account_key=***"),
        line("client_key=ABC***56"),
        line('msg="true"'),
        line("dry_run_before=true msg=fine"),
        line("share=0.30000000000000004 great=1.7976931348623157e+308 msg=fine"),
        line('note="{\\"external_reference\\":\\"ATB-20251216-0000-Q7ZK2M4XWA\\",\\"n\\":1.50}"'),
        line(f'note="{{\\"run_id\\":\\"{RUN}\\"}}"'),
        line("http_url_path=/port/v1/accounts/***/me"),
        line("rate_limit_remaining_orders=3 rate_limit_reset_orders=0.5"),
        line("exc_type=some_error"),
        line("problems=1", level="FATAL", event="startup_config_invalid"),
        line("http_method=POST http_url_path=/openapi/trade http_status=200 latency_ms=3.5",
             event="http_request"),
        line('msg="two\\nlines, \\"quoted\\" and \\u2028 more"'),
        line(component="some_library.sub-module"),
    ],
)  # fmt: skip
def test_what_the_log_writes_is_not_found_fault_with(sound: str) -> None:
    report = lint([sound])
    assert report.problems == 0, report.findings
    assert set(report.counts) <= {Kind.UNKNOWN_FIELD}


def test_lines_of_processes_that_share_the_file_may_be_a_little_out_of_order() -> None:
    times = ("07:12:03.214", "07:12:02.900", "07:12:03.215", "07:11:58.300")
    assert not lint([line(time=f"2025-12-17T{time}Z") for time in times]).counts


def test_a_clock_that_was_set_back_is_told_once() -> None:
    times = ("07:12", "06:12", "06:13", "06:14", "05:00")
    report = lint([line(time=f"2025-12-17T{time}:00.000Z") for time in times])
    assert [finding.line for finding in report.findings] == [2, 5]


def test_of_two_whole_lines_of_one_moment_one_may_begin_like_the_other() -> None:
    assert not lint([line("count=1"), line("count=1 msg=fine")]).counts
    assert lint([line("count=1 ms"), line("count=1 msg=fine")]).counts == {
        Kind.REPEATED_FRAGMENT: 1
    }


def test_no_finding_repeats_a_value_or_a_long_name() -> None:
    secret = "Zx81kQp0vLm2Rt7Yw3Ns"
    for spoilt in (
        line(f"note={secret}"),
        line(f"account_key={secret}"),
        line(f"{secret}=1 {secret}=2"),
        line(f"{secret}=fine"),
        line("msg=fine", event=secret.lower()),
        f"{secret} | {secret} | {secret}\n",
        line(f"count={secret}"),
        line(f"msg=fine {secret}"),
        line(f'msg="{secret}'),
    ):
        found = lint([spoilt])
        assert found.findings
        told = " ".join(map(str, found.findings)).lower()
        assert secret.lower() not in told
    assert len(str(lint([line(f"{'k' * 5000}=1")]).findings[0])) < 400


def test_of_each_kind_only_so_many_are_kept_and_all_are_counted() -> None:
    report = lint([line("count=many") for _ in range(7)], kept=2)
    assert (len(report.findings), report.problems, report.lines) == (2, 7, 7)
    assert not lint([line("count=many")], kept=0).findings


@pytest.mark.parametrize(
    "event", ["execution_order_placed", "http_request", "cycle_begin", "unexpected_exception"]
)
def test_a_call_may_raise_the_level_and_not_lower_it(event: str) -> None:
    assert Kind.LEVEL_LOWERED not in lint([line(level="FATAL", event=event)]).counts
    lowered = lint([line(level="DEBUG", event=event)]).counts[Kind.LEVEL_LOWERED]
    assert lowered == (0 if event == "http_request" else 1)
