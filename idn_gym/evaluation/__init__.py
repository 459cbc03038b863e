"""Rollouts of policies on fixed seeds, and confidence intervals of the results."""
