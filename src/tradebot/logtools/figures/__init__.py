"""What can be counted in a log."""
