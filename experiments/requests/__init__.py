"""Single requests: of a log, drawn from a scenario, and what caches of models would make of them."""
