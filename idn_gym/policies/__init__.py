"""Policies that need no torch: rules and searches (`heuristics`), learners and informed ones (`online`)."""
