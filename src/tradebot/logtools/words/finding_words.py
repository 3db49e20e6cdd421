"""What each finding of `tradebot logs lint` means; what to do about it stands with the kind."""

from __future__ import annotations

from tradebot.logtools.linting.findings import Kind

FINDING_MEANINGS: dict[Kind, str] = {
    Kind.NOT_UTF8: "Bytes of the line are no UTF-8.",
    Kind.NO_NEWLINE: "The last line of the file has no end.",
    Kind.TOO_LONG: "The line or a value is longer than the log ever writes.",
    Kind.BLANK_LINE: "A line is empty.",
    Kind.FRAGMENT: "A line begins and breaks off.",
    Kind.REPEATED_FRAGMENT: "A line breaks off, and stands whole behind it.",
    Kind.NOT_A_LINE: "The line is not of the log's grammar.",
    Kind.NOT_AS_WRITTEN: "The line can be read, but the log would have written it otherwise.",
    Kind.TIMESTAMP: "The line's time does not exist.",
    Kind.TIME_BACKWARDS: "The line is older than the one before it.",
    Kind.COMPONENT: "The component begins with the package's name.",
    Kind.UNKNOWN_EVENT: "The catalogue has no such event.",
    Kind.LEVEL_LOWERED: "The line's level is below the one its event is declared with.",
    Kind.CORRELATION: "The six fields that say which run it was are missing or not in front.",
    Kind.FIELD_ORDER: "The fields stand in another order than the log writes them.",
    Kind.MISSING_FIELD: "The event lacks a field that it always has.",
    Kind.CUT_AWAY: "The line was cut, and a field that it always has is gone with it.",
    Kind.UNKNOWN_FIELD: "The catalogue has no such field.",
    Kind.SCHEMA_ERROR: "The line says itself that it breaks its declaration.",
    Kind.WRONG_TYPE: "A value is not of the type that its field is declared with.",
    Kind.MASKED_VALUE: "A value was masked where its type would have let it stand.",
    Kind.FAILURE_REASON: "A failure reason is not documented, or stands beside SUCCESS.",
    Kind.UNMASKED: "A value is readable that the log always masks.",
    Kind.DOUBTFUL_VALUE: "A value is readable that redaction would hide.",
    Kind.REDACTION_FAILED: "Masking a value failed, so nothing of it was written.",
    Kind.CUT_VALUE: "A value was cut, so it cannot be told whether it is masked as it should be.",
}
