"""From a decision to an order with a known outcome, at most one per decision."""
