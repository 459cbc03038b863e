"""Combiners: policies that play, slot by slot, what one of several experts would, with a floor under it."""
