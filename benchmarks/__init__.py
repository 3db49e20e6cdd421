"""How fast the log is, and what it costs, beside its peers. `make bench` runs everything."""
