"""What lines say together: of an order, of a run, of a slot; and what the journal knows of them."""
