"""The lines for other programs: logfmt, JSON lines, CSV, Parquet."""
