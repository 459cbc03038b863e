"""Combiners: policies that follow one of several experts in each slot, with a guaranteed lower bound."""
