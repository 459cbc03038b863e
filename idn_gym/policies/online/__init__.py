"""Policies that learn the placement while it is played, and policies that are told the episodes."""
