"""What is provable (concave gain, programmes, bounds, projections, rounding), and searches for placements."""
