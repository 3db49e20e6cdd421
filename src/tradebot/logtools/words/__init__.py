"""What every word of the log means, and what to do next."""
