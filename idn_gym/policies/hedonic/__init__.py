"""Devices that choose gateway, spreading factor and model, each for its own sake."""
