"""systemd: a service that runs one cycle, and a timer in UTC that starts it."""
