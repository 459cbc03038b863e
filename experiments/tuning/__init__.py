"""What a tuning is: its configuration, trials, journal and report."""
