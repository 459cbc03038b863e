"""Trained networks and catalogue entries, from recipes."""
