"""Plots of comparisons, in one style."""
