"""Scenarios: what defines an episode, and the only place where anything is drawn at random."""
