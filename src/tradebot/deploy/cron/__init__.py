"""cron: one line between two markers in the crontab, behind `flock`."""
