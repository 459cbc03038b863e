"""Policies that learn the placement while it is played, and the references they are compared with."""
