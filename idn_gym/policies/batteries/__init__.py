"""Policies that look after the batteries of nodes."""
