"""What the market looks like now: instruments, quotes, closed bars, trading sessions."""
