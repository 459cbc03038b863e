"""What is provable (gains, programmes, bounds, projections, roundings), and searches for placements."""
