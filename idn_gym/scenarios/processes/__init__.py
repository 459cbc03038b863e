"""Processes that move demand and resources, one module each, and the random streams that they draw from."""
