"""Sequences of placements: what they cost, good ones, and what none can cost less than."""
