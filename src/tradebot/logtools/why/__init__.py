"""Why an instrument did or did not trade: the first reason that stopped it."""
