"""Scenarios: the definition of episodes, and the only package that draws random numbers for them."""
