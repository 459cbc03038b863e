"""What sequences of placements cost: the best that was played, and what none can cost less than."""
