"""What is provable (concave gain, programmes, bounds, projections, roundings), and searches for a placement."""
