"""A log held against its grammar, its catalogue and its promises."""
