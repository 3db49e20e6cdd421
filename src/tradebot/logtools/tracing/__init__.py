"""One order or run, from its first line to its last."""
