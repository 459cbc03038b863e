"""Searches for one placement: greedy, and local search from greedy starts."""
