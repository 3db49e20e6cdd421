"""Random lines for the log's export: every type of field with fitting and unfitting values."""

from __future__ import annotations

from hypothesis import strategies as st

from support import hostile
from tradebot.logtools.exporting.columns import HEAD, declared_fields, type_of
from tradebot.observability.line import LogLine
from tradebot.observability.schema import LEVEL_NAMES

_numbers = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str),
    st.sampled_from(["007", "-0", "1e400", "1E+2", "0.1", "262.20", "9223372036854775808", "***"]),
)
_times = st.one_of(
    st.datetimes().map(lambda when: f"{when.isoformat()}Z"),
    st.sampled_from(["2012-07-20T00:00:00Z", "2025-02-30T00:00:00Z", "2025-12-31T23:59:60.5Z"]),
)
_cells = st.sampled_from(["=1+1", "+1", "-1.5", "-", "@x", "'", "''=", "\t=x", "\r=1", "＝1", "-x"])
_any = st.one_of(hostile.encodable, _numbers, _times, _cells, st.sampled_from(["true", "false"]))
_values = {"integer": _numbers, "number": _numbers, "time": _times}

names = st.one_of(
    st.sampled_from(declared_fields()),
    st.sampled_from([*HEAD, "level_2", "more", "day", "rate_limit_remaining_session", "colour"]),
    hostile.valid_keys,
)
pairs = names.flatmap(
    lambda name: st.tuples(st.just(name), st.one_of(_values.get(type_of(name), _any), _any))
)
timestamps = st.one_of(
    st.datetimes().map(lambda when: f"{when.isoformat(timespec='milliseconds')}Z"),
    st.sampled_from(["2025-02-30T10:00:00.000Z", "2016-12-31T23:59:60.250Z"]),
).filter(lambda text: len(text) == 24)
log_lines = st.builds(
    LogLine,
    timestamps,
    st.sampled_from(sorted(LEVEL_NAMES.values())),
    st.sampled_from(["app", "saxo.auth", "-x", "+", "@a"]),
    st.sampled_from(["cycle_begin", "log_message", "colourful"]),
    st.lists(pairs, max_size=8).map(lambda found: {name: value for name, value in found if value}),
)
