"""Placements found without learning: rules of thumb and searches."""
