"""What is provable: the concave gain and its supergradients, programmes, bounds, projections, roundings."""
