"""Parts of a tuning: its configuration, trials, journal and report."""
