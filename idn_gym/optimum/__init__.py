"""Proven results (concave gain, linear programs, bounds, projections, rounding), and placement searches."""
